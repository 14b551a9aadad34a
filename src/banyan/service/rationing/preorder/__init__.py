"""Preorder (實名制 2.0 and 3.0): rounds, registration, payment with an end, the reserve list, pickup, forfeits."""
