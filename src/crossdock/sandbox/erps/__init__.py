"""Stand-ins for ERPs by name, each from its vendor's contract."""
