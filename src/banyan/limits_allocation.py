"""Bounds of the sharing out of supplies, each with its reason. The house's other bounds are in limits.py."""

from __future__ import annotations

from typing import Final

MIB: Final = 1024 * 1024

# The rules of sharing out (craft/allot).
ALLOT_DEMAND: Final = 2**20  # units an outlet may sell a day: 200 were allotted in 2020; exact ratios need the bound
ALLOT_BOXES: Final = 2**20  # boxes an outlet may get, and units a box may hold, for the same reason
ALLOT_NODES: Final = 20_000  # of a search for whole boxes with fixed costs; counted, not timed: plans are reproducible
ALLOT_SOLVER_S: Final = 120.0  # after which a solver is refused: its answer would depend on the machine
ALLOT_ARCS: Final = 60_000  # pairs of outlets that the solver weighs for transfers: the eight nearest of each
ALLOT_NEAR: Final = 8  # receivers weighed for each giver
ALLOT_ROUNDS: Final = 200  # of the demand estimate's alternation; it settles in 20

# The service.
ALLOCATION_OUTLETS: Final = 50_000  # of one plan: seven times the nation's pharmacies
ALLOCATION_DAYS: Final = 56  # of sales kept for an item: eight of each weekday
ALLOCATION_SLOTS: Final = 32  # half hours from 06:00 to 22:00
ALLOCATION_PLANS: Final = 200  # on the list; older ones stay readable by id
ALLOCATION_ROWS: Final = 500  # of one page of a plan
ALLOCATION_ADJUSTMENTS: Final = 2_000  # by hand on one plan: who needs more wants other rules
ALLOCATION_REASON: Final = 500  # characters of an officer's reason
ALLOCATION_MOVES: Final = 500  # redistributions proposed with one plan: what a day's drivers can do
ALLOCATION_HELD: Final = 4  # plans kept decoded in memory
ALLOCATION_DAY_BYTES: Final = 16 * MIB  # of one day's sales: 50,000 outlets of 32 slots
