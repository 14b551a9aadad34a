"""Banyan (榕): a resilient smart-government platform."""

__version__ = "0.1.0"
