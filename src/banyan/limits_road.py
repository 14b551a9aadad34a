"""Bounds of the road between agencies, each with its reason. The house's other bounds are in limits.py."""

from __future__ import annotations

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

ROAD_PURPOSE_CHARACTERS: Final = 64  # of a purpose code in a header: the register's are under 40
