"""Our order to the documented payload of a custom ERP: pure."""
