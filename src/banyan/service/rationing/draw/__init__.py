"""Draws anybody can run again: commit, close, reveal, publish, each in the ledger before it is in force."""
