"""The spine: how things are carried, once. It knows no vendor and no flow by name."""
