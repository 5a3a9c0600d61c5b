"""NetSuite over SuiteTalk REST."""
