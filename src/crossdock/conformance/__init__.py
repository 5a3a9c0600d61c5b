"""The suites that a connector or a storage must pass; shipped, so that yours can be held to them."""
