"""Causes that a person must see to, as incidents: opened, growing, resolved; who is told of them, when, in what words.

Pure, but for `templates.load`.
"""
