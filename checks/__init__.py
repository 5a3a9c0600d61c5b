"""What `make check` looks at besides style, types and imports: what we depend on."""
