"""The operators' pages: what the operations room knows and does, as HTML from the server.

Every page works without scripts. With them, what changes is shown as it changes, and a question is asked in a dialog.
"""
