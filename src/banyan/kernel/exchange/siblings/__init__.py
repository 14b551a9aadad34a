"""The gateways of one member tell each other what its officers did at each of them (docs/decisions/0141)."""
