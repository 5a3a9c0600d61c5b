"""Structured logs: events with fields, never a person's name, e-mail, phone or address."""
