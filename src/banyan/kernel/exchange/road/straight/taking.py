"""What both straight ways do with bytes first: whether they are a whole usual request, within its bounds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol, TypeVar

from banyan.errors import Problem
from banyan.kernel.exchange.road.connection import Connection
from banyan.kernel.exchange.road.desk import Desk
from banyan.kernel.exchange.road.straight.forms import RAW, Book, Planned
from banyan.limits import XROAD_TARGET_BYTES
from banyan.limits_road import ROAD_STRAIGHT_BYTES


class RequestPlan(Planned, Protocol):
    """`length`: the place of Content-Length, -1 without one. `bounds`: places, and how long each value may be."""

    @property
    def length(self) -> int: ...
    @property
    def bounds(self) -> Sequence[tuple[int, int]]: ...


Plan = TypeVar("Plan", bound=RequestPlan)


class Way(Protocol[Plan]):
    """A straight way. `is_taken`: whether it has the call; anything it raises leaves the call to the general way."""

    desk: Desk
    requests: Book[Plan]

    def is_taken(self, connection: Connection, data: bytes, plan: Plan, match: re.Match[bytes]) -> bool: ...


def take(way: Way[Plan], connection: Connection, data: bytes) -> int:
    """`connection.Quick`: 0 taken, -1 for the general way, else how many octets are to come."""
    found = way.requests.find(data)
    if found is None:
        return -1
    plan, match = found
    length = int(match.group(plan.length + 1)) if plan.length >= 0 else 0
    missing = match.end() + length - len(data)
    if missing or length > ROAD_STRAIGHT_BYTES:
        return missing if 0 < missing <= ROAD_STRAIGHT_BYTES else -1
    if len(match.group(RAW + 1)) > XROAD_TARGET_BYTES:
        return -1
    for place, most in plan.bounds:
        if len(match.group(place + 1)) > most:
            return -1
    try:
        return 0 if way.is_taken(connection, data, plan, match) else -1
    except Problem:
        return -1  # the general way tells of it
    except Exception as error:  # a defect here: recorded, and the general way goes on
        way.desk.report("road: the straight way failed", error)
        return -1
