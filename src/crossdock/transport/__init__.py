"""One HTTP client for all ends."""
