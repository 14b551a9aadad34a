"""Calls that are carried out later: kept before they are promised, brought once, answered whenever; rooms of events."""
