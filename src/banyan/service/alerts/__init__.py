"""Warnings of the public (災防告警): one alert, made by an officer, released by another, sent on every channel."""
