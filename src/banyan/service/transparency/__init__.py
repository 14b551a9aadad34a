"""Transparency: the public log of lawful use, served as files anybody can audit, with a page for people."""
