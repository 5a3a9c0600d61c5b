"""Comparing two sides and saying why they differ: the pure part."""
