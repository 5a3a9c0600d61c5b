"""The custom ERP: any REST endpoint that takes the documented payload."""
