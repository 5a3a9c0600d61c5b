"""All that the author of a connector reads."""
