"""How an approved plan is shown: what each answer holds, made of a plan's documents and its history. Pure."""

from __future__ import annotations

from hashlib import sha256

import msgspec
import numpy as np

from banyan.craft.allot import by_town, gini, lorenz
from banyan.kernel.catalogue.messages import LANGUAGES
from banyan.kernel.catalogue.operation import Text
from banyan.kernel.events.clock import EpochS, iso
from banyan.service.allocation.deciding import boxes_of
from banyan.service.allocation.model import Act, Inputs, Moved, Plan
from banyan.service.allocation.planning import asked_of, possible_days
from banyan.service.allocation.proposing import Figures
from banyan.service.allocation.wording import MESSAGES, reason

POINTS = 100
"""Of a Lorenz curve as it is sent: one for each hundredth of the residents."""


class Listed(msgspec.Struct, frozen=True):
    """A plan on the list. `at`: when it was approved, or proposed (RFC 3339 UTC)."""

    id: str
    item: str
    title: Text
    day: str
    method: str
    state: str
    boxes: int
    at: str
    agency: str


class Happened(msgspec.Struct, frozen=True):
    """An act on a plan; for officers with their colleagues' own `words`."""

    number: int
    act: str
    code: str
    before: int
    after: int
    kind: str
    agency: str
    at: str
    words: str = ""


class PlanView(msgspec.Struct, frozen=True):
    """A plan. `inputs` and `document` are SHA-256 of the files at `/allocation/plans/{id}/inputs.json` and
    `plan.json`; adjustments stand in `history` and are not in the document."""

    id: str
    item: str
    title: Text
    unit: Text
    day: str
    method: str
    state: str
    supply: int
    box: int
    boxes: int
    units: int
    short: int
    figures: Figures
    unseen: float
    held_by_top: int
    moves: int
    days: int
    inputs: str
    document: str
    history: tuple[Happened, ...]


class RowView(msgspec.Struct, frozen=True):
    """An outlet's part. `expected` units on the day with their standard `error`, `stock` on the shelf; `ratio`: percent
    of what is needed beyond it; `reason` in words."""

    code: str
    name: str
    town: str
    boxes: int
    units: int
    expected: int
    error: int
    stock: int
    ratio: int
    floor: int
    room: int
    why: str
    reason: Text


class RowsPage(msgspec.Struct, frozen=True):
    total: int
    rows: tuple[RowView, ...]


class TownView(msgspec.Struct, frozen=True):
    """`per_1000` residents: null where nobody knows how many there are."""

    town: str
    outlets: int
    units: int
    people: int | None
    per_1000: float | None


class Fairness(msgspec.Struct, frozen=True):
    """`gini_people`: of units per resident over towns; `gini_fill`: of what is expected to be sold over what would be;
    the Lorenz curve: the `people` with least hold so much of the `units`. Both null where residents are not known."""

    gini_people: float | None
    gini_fill: float
    people: tuple[float, ...]
    units: tuple[float, ...]
    towns: tuple[TownView, ...]


class MoveView(msgspec.Struct, frozen=True):
    """A redistribution, in words too."""

    give: str
    give_name: str
    take: str
    take_name: str
    town: str
    boxes: int
    metres: int
    reason: Text


class Shipment(msgspec.Struct, frozen=True):
    """What is to be sent to an outlet. `key` (16 bytes, hexadecimal) is the same whenever it is asked for: a delivery
    booked under it is booked once."""

    outlet: str
    item: str
    boxes: int
    units: int
    day: str
    key: str


def key_of(id: str, code: str) -> str:
    """The key of a shipment: a hash of its plan and outlet."""
    return sha256(f"allocation/{id}/{code}".encode()).hexdigest()[:32]


def adjusted(inputs: Inputs, made: Plan, acts: list[Act]) -> Plan:
    """The plan with its adjustments: boxes, ratios, reasons, what is left and what would be sold."""
    changed = {one.code for one in acts if one.act == "adjusted"}
    if not changed:
        return made
    held, asked = boxes_of(inputs, made, acts), asked_of(inputs)
    boxes = np.array([held[code] for code in inputs.outlets.code], np.int64)
    sold = np.minimum(boxes * asked.box, possible_days(inputs)).sum(axis=1).mean()
    ratios = np.where(asked.demand > 0, 100 * boxes * asked.box // np.maximum(asked.demand, 1), 0)
    reasons = zip(inputs.outlets.code, made.reason, strict=True)
    return msgspec.structs.replace(
        made,
        boxes=tuple(boxes.tolist()),
        ratio=tuple(ratios.tolist()),
        reason=tuple("adjusted" if code in changed else why for code, why in reasons),
        left=inputs.supply - int(boxes.sum()),
        sold=round(float(sold)),
    )


def rows_page(inputs: Inputs, final: Plan, q: str, *, first: int, limit: int) -> RowsPage:
    """Outlets in whose code, name or town `q` stands."""
    outlets, word = inputs.outlets, q.strip().casefold().replace("台", "臺")
    found = [
        row
        for row, (code, name, town) in enumerate(zip(outlets.code, outlets.name, outlets.town, strict=True))
        if not word or word in f"{code} {name} {town}".casefold().replace("台", "臺")
    ]
    page = found[first : first + limit]
    return RowsPage(len(found), tuple(row_view(inputs, final, row) for row in page))


def row_view(inputs: Inputs, final: Plan, row: int) -> RowView:
    outlets, boxes, ratio, why = inputs.outlets, final.boxes[row], final.ratio[row], final.reason[row]
    town = outlets.town[row]
    return RowView(
        code=outlets.code[row],
        name=outlets.name[row],
        town=town,
        boxes=boxes,
        units=boxes * inputs.rules.box,
        expected=outlets.expected[row],
        error=outlets.error[row],
        stock=outlets.stock[row],
        ratio=ratio,
        floor=outlets.floor[row],
        room=outlets.room[row],
        why=why,
        reason={lang: reason(why, lang, boxes=boxes, ratio=ratio, town=town) for lang in LANGUAGES},
    )


def fairness_of(inputs: Inputs, final: Plan) -> Fairness:
    units = np.array(final.boxes, np.int64) * inputs.rules.box
    wanted = asked_of(inputs).demand
    towns = [one for one in by_town(inputs.outlets.town, units, inputs.people) if one.town]
    peopled = [(one.units, one.people) for one in towns if one.people]
    held, people = np.array([one for one, _ in peopled]), np.array([one for _, one in peopled])
    curve = lorenz(held, people)
    at = np.linspace(0, 1, POINTS + 1)
    return Fairness(
        gini_people=round(gini(held, people), 4) if peopled else None,
        gini_fill=round(gini(np.minimum(units, wanted), wanted), 4),
        people=tuple(at.round(2).tolist()) if peopled else (),
        units=tuple(np.interp(at, curve.people, curve.units).round(5).tolist()) if peopled else (),
        towns=tuple(TownView(one.town, one.outlets, one.units, one.people, one.per_1000) for one in towns),
    )


def move_view(inputs: Inputs, place: dict[str, int], one: Moved) -> MoveView:
    outlets, give, take = inputs.outlets, place[one.give], place[one.take]
    said = {
        "give": outlets.name[give],
        "take": outlets.name[take],
        "stock": outlets.stock[give],
        "days": one.spare_days,
        "has": outlets.stock[take],
        "expected": outlets.expected[take],
        "km": f"{one.metres / 1000:.1f}",
    }
    return MoveView(
        give=one.give,
        give_name=outlets.name[give],
        take=one.take,
        take_name=outlets.name[take],
        town=outlets.town[take],
        boxes=one.boxes,
        metres=one.metres,
        reason={lang: MESSAGES.text("allocation.move_reason", lang, **said) for lang in LANGUAGES},
    )


def happened(one: Act, is_inside: bool) -> Happened:
    words = one.words if is_inside else ""
    at = iso(EpochS(one.at))
    return Happened(one.number, one.act, one.code, one.before, one.after, one.kind, one.agency, at, words)
