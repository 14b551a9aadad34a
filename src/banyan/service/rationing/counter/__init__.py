"""The counter (實名制 1.0): a pharmacist's screen, what she receives, sells and announces, and numbers to wait with."""
