"""What operators see and do: read models and actions over the store and the running Crossdock.

The API, the console and the command line tell the same things by these functions. Every action takes who acts and why,
and is a row of the audit trail.
"""
