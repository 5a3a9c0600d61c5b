"""What can be seen of a running Crossdock: metrics, traces. Nothing here decides anything, and nothing waits for it."""
