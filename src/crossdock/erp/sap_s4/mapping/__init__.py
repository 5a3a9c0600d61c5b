"""Ours to SAP's words and back. Pure."""
