"""Telling people: looking at what is wrong, keeping incidents, sending what is owed of them."""
