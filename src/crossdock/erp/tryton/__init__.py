"""Tryton: sales with their parties and addresses, over its REST interface (8.2 on) or JSON-RPC."""
