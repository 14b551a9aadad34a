"""The loops over fixes, in the part of Python that numba compiles; `compiling.py` does so, and until then they run as
they are, with the same result to the last bit. `rule.py` says the same for one phone, and a test holds them equal.

A phone's number is its row. `numbers` are the rule's parameters in the order of `parameters`.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from banyan.craft.fencing.rule import GRAIN, Rule, in_grains

Floats = npt.NDArray[np.float64]
SUSPECT, AWAY, CLEAR = range(3)
"""Kinds of what `move` tells, in the order of `TOLD`."""
TOLD: Final = ("suspect", "away", "clear")
NOT_JUDGED: Final = -1000.0
"""Instead of evidence: the phone is in training, or not watched for leaving home."""
WATCHES_HOME: Final = 1


def parameters(rule: Rule) -> Floats:
    return np.array([
        rule.prior, rule.other_sector, rule.other_site, rule.away, rule.least, rule.most, in_grains(rule.drift),
        rule.h1, rule.h2, rule.clear_share, rule.clear_times, rule.training_s,
    ], np.float64)  # fmt: skip


def scatter(batch: Any, bounds: Any, rows: Any, opened: Any, result: Any) -> None:
    """Put fixes where their slot and phone are: of several the earliest (then of the lowest cell) stays, whatever
    came first. `bounds`: first open slot, its length in s, the latest moment believed, how many cells there are.
    `opened`: moments and cells, (slots x rows). `result` counts taken, again, late, ahead, unknown."""
    phone, at, cell = batch
    watched, since = rows
    open_at, open_cell = opened
    first, slot_s, latest, cells = bounds[0], bounds[1], bounds[2], bounds[3]
    for place in range(len(phone)):
        one, moment, served = int(phone[place]), at[place], cell[place]
        if one >= len(watched) or watched[one] == 0 or served < 0 or served >= cells or moment < since[one]:
            result[4] += 1
            continue
        if moment > latest:
            result[3] += 1
            continue
        slot = moment // slot_s - first
        if slot < 0:
            result[2] += 1
            continue
        known = open_at[slot, one]
        if known == 0:
            result[0] += 1
        else:
            result[1] += 1
            if known < moment or (known == moment and open_cell[slot, one] <= served):
                continue
        open_at[slot, one] = moment
        open_cell[slot, one] = served


def weigh(batch: Any, site_of: Any, numbers: Any, homes: Any, added: Any) -> None:
    """What each fix adds to its phone's score, into `added`; of a phone in training, learn the cell. `batch`: rows
    (each once), moments, cells, and whether a mast out of order excuses the fix."""
    rows, at, cell, excused = batch
    watched, trained_until, known, total, home_cells, home_counts = homes
    prior, other_sector, other_site, away, least, most = numbers[0:6]
    for place in range(len(rows)):
        row, served = rows[place], cell[place]
        added[place] = NOT_JUDGED
        if not watched[row] & WATCHES_HOME:
            continue
        if trained_until[row] == 0:
            trained_until[row] = at[place] + int(numbers[11])
        mine, is_seen = -1, False
        for slot in range(known[row]):
            if home_cells[row, slot] == served:
                mine = slot
                break
            is_seen = is_seen or site_of[home_cells[row, slot]] == site_of[served]
        if at[place] < trained_until[row]:
            if mine >= 0 and not excused[place]:
                home_counts[row, mine] += 1
                total[row] += 1
            elif mine < 0 and not excused[place] and known[row] < home_cells.shape[1]:
                home_cells[row, known[row]] = served
                home_counts[row, known[row]] = 1
                known[row] += 1
                total[row] += 1
            continue
        mass = total[row] + prior * (known[row] + 1)
        if mine >= 0:
            share = (home_counts[row, mine] + prior) / mass
        elif is_seen:
            share = prior * other_sector / mass
        else:
            share = prior * other_site / mass
        weighed = math.floor(min(max(math.log(away / share), least), most) * GRAIN + 0.5) / GRAIN
        added[place] = min(weighed, 0.0) if excused[place] else weighed


def move(rows: Any, added: Any, numbers: Any, state: Any, told: Any) -> int:
    """Take evidence into the scores. `told` gets (place in `rows`, kind); how many."""
    score, level, low = state
    drift, h1, h2, clear_share, clear_times = numbers[6], numbers[7], numbers[8], numbers[9], numbers[10]
    found = 0
    for place in range(len(rows)):
        row = rows[place]
        if added[place] == NOT_JUDGED:
            continue
        now = max(0.0, score[row] + added[place] - drift)
        score[row] = now
        if now > h2 and level[row] < 2:
            if level[row] == 0:
                told[found, 0], told[found, 1] = place, SUSPECT
                found += 1
            told[found, 0], told[found, 1] = place, AWAY
            found += 1
            level[row], low[row] = 2, 0
        elif now > h1 and level[row] < 1:
            told[found, 0], told[found, 1] = place, SUSPECT
            found += 1
            level[row], low[row] = 1, 0
        elif level[row] > 0 and now < (h2 if level[row] == 2 else h1) * clear_share:
            low[row] += 1
            if low[row] >= clear_times:
                level[row], low[row] = 0, 0
                told[found, 0], told[found, 1] = place, CLEAR
                found += 1
        else:
            low[row] = 0
    return found
