"""Figures of this machine."""
