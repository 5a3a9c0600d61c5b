"""The documents' diagrams, drawn from the code: `python -m tools.diagrams`. A test tells when one is out of date."""
