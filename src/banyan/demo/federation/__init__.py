"""The demonstration nation's agencies as members of the exchange: small real services, generated data. Demo only."""
