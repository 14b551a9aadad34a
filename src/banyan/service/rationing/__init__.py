"""Rationing (實名制): who may buy how much of what is scarce and when, at counters, online and without a network."""
