"""Who is asking, from where, how often: what stands before every address that is served."""
