"""The web channel: the portal's pages, forms and front-end files."""
