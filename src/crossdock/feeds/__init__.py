"""States coming in: compared with what stands, guarded, put in place. delivery/batches.py carries them."""
