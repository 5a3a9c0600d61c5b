"""Pages that are written from the code: `python -m tools.reference`. A test tells when one is out of date."""
