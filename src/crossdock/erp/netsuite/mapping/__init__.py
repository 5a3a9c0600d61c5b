"""What NetSuite calls things. Pure."""
