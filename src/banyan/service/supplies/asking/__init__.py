"""Questions about stock in people's own words, answered from the board."""
