"""One HTTP client for all ends: deadlines, limits, credentials, throttle."""
