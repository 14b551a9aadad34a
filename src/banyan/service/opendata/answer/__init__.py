"""Questions in people's own words, answered from the published tables."""
