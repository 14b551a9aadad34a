"""The demonstration nation's agencies that hold personal data: household registration, tax, quarantine. Demo only."""
