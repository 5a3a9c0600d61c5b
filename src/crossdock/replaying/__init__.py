"""A past period once more, with the mapping and the settings of now, against what was said then."""
