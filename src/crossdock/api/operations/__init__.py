"""/api/v1: what operators see and do, over HTTP."""
