"""The T-Road gateway: X-Road REST r1 at both edges, signed HTTPS between gateways, a proof of every exchange."""
