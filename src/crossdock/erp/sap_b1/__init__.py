"""SAP Business One over its Service Layer."""
