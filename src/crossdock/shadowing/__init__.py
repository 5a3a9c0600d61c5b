"""Shadow deliveries: comparing in the place of sending."""
