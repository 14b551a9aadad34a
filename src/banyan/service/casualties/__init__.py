"""Casualties: hospitals report whom they treat; families, staff and the press each learn what is theirs to know."""
