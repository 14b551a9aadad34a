"""Supplies: who has how much of what, where, until when; live, on every channel (口罩地圖)."""
