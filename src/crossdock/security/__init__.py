"""Signatures, secret references, envelope encryption."""
