"""The message log of a gateway: what was exchanged, durable before an answer goes on, provable and complete."""
