"""Telling people: messages to telephones, and broadcasts to the cells they are in."""
