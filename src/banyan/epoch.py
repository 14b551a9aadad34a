"""The unit of time everywhere: a module of its own, so that what only tells times need not load the kernel."""

from __future__ import annotations

from typing import NewType

EpochS = NewType("EpochS", float)
"""Seconds since 1970 UTC."""
