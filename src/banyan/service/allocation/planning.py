"""From inputs to a plan: pure, and the same bytes for the same inputs. A reader in any language can do it again."""

from __future__ import annotations

from hashlib import sha256
from statistics import NormalDist
from typing import Final

import msgspec
import numpy as np

from banyan.craft.allot import Asked, Counts, Shared, by_gain, fill, reasons_of
from banyan.craft.allot.marginal import expected
from banyan.craft.allot.moving import Stand, held_by_top, moves
from banyan.craft.allot.solving import Costs, solve
from banyan.limits_allocation import ALLOCATION_MOVES, ALLOT_BOXES, ALLOT_DEMAND
from banyan.service.allocation.model import Inputs, Method, Moved, Plan

VERSION: Final = 1
POSSIBLE: Final = (0.1, 0.3, 0.5, 0.7, 0.9)
"""The possible days: these quantiles of what an outlet may sell, each as likely as the others."""
_encode: Final = msgspec.json.Encoder(order="deterministic").encode


def encoded(document: Inputs | Plan) -> tuple[bytes, str]:
    """The document's bytes and their SHA-256."""
    body = _encode(document)
    return body, sha256(body).hexdigest()


def asked_of(inputs: Inputs) -> Asked:
    """The outlets as the rules of sharing out take them: what is on the shelf is sold first, counts towards the floor
    and takes up room."""
    rows, box = inputs.outlets, inputs.rules.box
    stock, room = np.array(rows.stock, np.int64), np.array(rows.room, np.int64)
    demand = np.clip(np.array(rows.expected, np.int64) - stock, 0, ALLOT_DEMAND)
    floor = np.maximum(np.array(rows.floor, np.int64) - stock // box, 0)
    return Asked(rows.code, demand, floor, np.clip(room - stock // box, 0, ALLOT_BOXES), box)


def possible_days(inputs: Inputs) -> Counts:
    """What each outlet may sell beyond its stock: log-normal round the expected units, as wide as the estimate's error
    and the chance of a single day together. Whole units, the mean of all that is sold kept."""
    mean = np.array(inputs.outlets.expected, np.float64)
    error = np.array(inputs.outlets.error, np.float64)
    variance = error**2 + inputs.dispersion * mean
    width = np.sqrt(np.log1p(variance / np.maximum(mean, 1.0) ** 2))
    steps = np.array([NormalDist().inv_cdf(part) for part in POSSIBLE])
    factors = np.exp(steps[:, None] * width)
    days = mean * factors / factors.mean(axis=0)
    beyond: Counts = np.clip(np.rint(days) - np.array(inputs.outlets.stock), 0, ALLOT_DEMAND).astype(np.int64)
    return beyond


def share(inputs: Inputs, method: Method) -> Shared:
    """The boxes by one method. Raises Unavailable when the solver finds no plan within its bounds."""
    asked = asked_of(inputs)
    if method == "gain":
        return by_gain(asked, possible_days(inputs), inputs.supply)
    if method == "flat":
        size, room = len(asked.codes), np.array(inputs.outlets.room, np.int64)
        even = Asked(asked.codes, np.full(size, asked.box), np.zeros(size, np.int64), room, asked.box)
        return fill(even, inputs.supply)
    if method == "solved" and inputs.supply >= int(asked.floor.sum()):
        found = solve(asked, possible_days(inputs), inputs.supply, costs=Costs(stop=inputs.rules.stop))
        return Shared(found.boxes, inputs.supply - int(found.boxes.sum()), 0)
    return fill(asked, inputs.supply)


def plan_of(inputs: Inputs, method: Method) -> Plan:
    """The plan with a reason for each outlet and the redistributions that its stock suggests."""
    asked, shared = asked_of(inputs), share(inputs, method)
    stocked = [wanted > 0 for wanted in inputs.outlets.expected]
    reasons = reasons_of(asked, shared, inputs.outlets.floor_of, method, stocked)
    return Plan(
        version=VERSION,
        inputs=encoded(inputs)[1],
        method=method,
        boxes=tuple(shared.boxes.tolist()),
        reason=tuple(one.code for one in reasons),
        ratio=tuple(one.ratio for one in reasons),
        left=shared.left,
        short=shared.short,
        sold=round(expected(shared.boxes, possible_days(inputs), asked.box)),
        moves=_moves(inputs),
        held_by_top=round(100 * held_by_top(inputs.outlets.stock)),
    )


def _moves(inputs: Inputs) -> tuple[Moved, ...]:
    rows, box = inputs.outlets, inputs.rules.box
    stock, demand = np.array(rows.stock, np.int64), np.array(rows.expected, np.int64)
    room = np.maximum(np.array(rows.room, np.int64) - stock // box, 0)
    stand = Stand(rows.code, _degrees(rows.lon), _degrees(rows.lat), stock, demand, room)
    found = moves(stand, box, radius_m=float(inputs.rules.radius_m), most=ALLOCATION_MOVES)
    return tuple(
        Moved(
            rows.code[one.give],
            rows.code[one.take],
            one.boxes,
            one.metres,
            min(int(stock[one.give]) // max(int(demand[one.give]), 1), 999),
        )
        for one in found
    )


def _degrees(values: tuple[float | None, ...]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.array([np.nan if value is None else value for value in values], np.float64)
