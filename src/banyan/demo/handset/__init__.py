"""A chat app on a simulated phone: what LINE is to a real node, for who tries the demonstration."""
