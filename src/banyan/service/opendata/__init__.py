"""Open data: publish anything real, serve it on every channel."""
