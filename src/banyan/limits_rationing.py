"""Bounds of rationing, each with its reason. The house's other bounds are in limits.py."""

from __future__ import annotations

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

# Rules and commands (service/rationing/engine).
RATION_NAME: Final = 40  # characters of an item, an outlet, a reason: an NHI outlet code has 10
RATION_QTY: Final = 255  # units of one sale: a family's largest ration of 2020 was 40; a purchase is kept in 4 bytes
RATION_STOCK: Final = 2_000_000_000  # units of one item at one outlet: a nation's pot of a year
RATION_ITEMS: Final = 250  # kinds of things: 2020 had two
RATION_OUTLETS: Final = 1_000_000  # places that sell
RATION_WINDOW_DAYS: Final = 366  # of one rule: the longest of 2020 had two months
RATION_RULES: Final = 200  # of one edition
RATION_EDITIONS: Final = 1_000  # of a rule book: a change a week for twenty years
RATION_PROXIES: Final = 20  # other persons' cards that one may bring: a care home's errand
RATION_BOOK_BYTES: Final = 1 * MIB  # of a rule book's file

# The engine.
RATION_GROUP: Final = 512  # commands written with one flush: 2 ms of work, so that nobody waits long for others
RATION_WAITING: Final = 20_000  # commands that wait for the disk: 0.2 s of a nation's peak times a hundred
