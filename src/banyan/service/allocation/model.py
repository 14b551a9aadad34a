"""The nouns of allocation. Units are what is sold (masks), boxes what is sent; days are Taiwan's, ISO 8601.

A plan is two documents, named by their hash: the inputs and what follows from them. The same inputs and method give the
same bytes, on any machine: anybody can check that (docs/allocation.md).
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from banyan.craft.allot.reasons import Code, FloorOf
from banyan.limits_allocation import ALLOCATION_REASON, ALLOT_BOXES

Method = Literal["fill", "gain", "solved", "flat"]
"""fill: equal fill ratio (the default); gain: where most is sold; solved: the same with a price on stops and the stock
that is there (HiGHS); flat: as many boxes for everybody, as in 2020, to compare with."""
METHODS: tuple[Method, ...] = ("fill", "gain", "solved", "flat")
State = Literal["draft", "approved", "withdrawn"]
Kind = Literal["outbreak", "event", "closed", "transport", "data", "other"]
"""Why an officer changed a row, as the public reads it; the officer's own words are for officers."""
ItemId = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{1,40}$", title="品項 Item")]
Day = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}$", title="日期 Day")]
PlanId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16}$", title="計畫代號 Plan")]
OutletCode = Annotated[str, msgspec.Meta(min_length=1, max_length=20, title="機構代碼 Code")]
Boxes = Annotated[int, msgspec.Meta(ge=0, le=ALLOT_BOXES, title="箱數 Boxes")]
Words = Annotated[str, msgspec.Meta(max_length=ALLOCATION_REASON, title="說明 Words")]


class Rules(msgspec.Struct, frozen=True):
    """How an item is shared out. `box`: units of one box. `only_floor`: boxes for the only outlet of a town,
    `rural_floor` for each outlet of a town with at most `rural_outlets`. `room`: boxes an outlet stores when nobody
    said otherwise. `stop`: units that a delivery must sell to be made, for the method `solved`. `radius_m` of a
    redistribution. `people`: the dataset that says how many live in a town."""

    box: int = 50
    only_floor: int = 2
    rural_floor: int = 1
    rural_outlets: int = 3
    room: int = 20
    stop: int = 20
    radius_m: int = 10_000
    people: str = "population"


class Limits(msgspec.Struct, frozen=True):
    """What an officer set for one outlet: boxes of room, boxes of floor; None where nothing was set."""

    room: int | None = None
    floor: int | None = None


class Outlets(msgspec.Struct, frozen=True):
    """Columns by outlet, in the order of codes. `town` is county and town in one, empty when not known. `expected`
    units on the day, with their standard `error`; `stock` now."""

    code: tuple[str, ...]
    name: tuple[str, ...]
    town: tuple[str, ...]
    lon: tuple[float | None, ...]
    lat: tuple[float | None, ...]
    expected: tuple[int, ...]
    error: tuple[int, ...]
    floor: tuple[int, ...]
    floor_of: tuple[FloorOf, ...]
    room: tuple[int, ...]
    stock: tuple[int, ...]


class Inputs(msgspec.Struct, frozen=True):
    """Everything that a plan follows from. `dispersion`: variance over mean of a day's sales, as found; `days` the
    sales that demand was estimated from, by their hash; `people`: residents by town."""

    version: int
    item: str
    title: dict[str, str]
    unit: dict[str, str]
    day: str
    supply: int
    rules: Rules
    dispersion: float
    unseen: float
    days: dict[str, str]
    people: dict[str, int]
    outlets: Outlets


class Moved(msgspec.Struct, frozen=True):
    """A redistribution: boxes from one outlet to another, `metres` apart. `spare_days`: how long the giver's stock
    would have lasted."""

    give: str
    take: str
    boxes: int
    metres: int
    spare_days: int


class Plan(msgspec.Struct, frozen=True):
    """What follows from `inputs` (their SHA-256) by `method`. `boxes`, `reason` and `ratio` (percent of the units
    needed beyond the stock) stand in the order of the inputs' outlets. `left`: boxes nobody has room for, `short`:
    boxes of floors that could not be filled. `sold`: units of them expected to be sold on the mean possible day."""

    version: int
    inputs: str
    method: Method
    boxes: tuple[int, ...]
    reason: tuple[Code, ...]
    ratio: tuple[int, ...]
    left: int
    short: int
    sold: int
    moves: tuple[Moved, ...]
    held_by_top: int
    """Percent of all stock that the fullest tenth of outlets hold."""


class Act(msgspec.Struct, frozen=True):
    """One entry of a plan's history. `by` is the officer's pseudonym, `words` their own: neither is published."""

    number: int
    act: Literal["proposed", "adjusted", "approved", "withdrawn"]
    code: str
    before: int
    after: int
    kind: str
    words: str
    by: str
    agency: str
    at: float


class Kept(msgspec.Struct, frozen=True):
    """A plan as it is on record."""

    id: str
    item: str
    day: str
    method: Method
    state: State
    inputs: str
    document: str
    supply: int
    proposed_by: str
    agency: str
    proposed_at: float
    decided_at: float
