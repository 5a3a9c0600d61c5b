"""The settings file: one TOML, checked whole before anything starts."""
