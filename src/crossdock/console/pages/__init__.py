"""A module for each page of the navigation: its addresses, and what its template is given."""
