"""A cruise ship's day ashore, generated: guests leave the dock at Keelung, go round some fifty places in the north, and
are back in the afternoon, among a population that lives, commutes and stays. Nobody is real.

The same generator makes the demonstration (a few thousand phones) and a nation (millions), hour by hour.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from banyan.craft.tracing.importing import Delivery
from banyan.craft.tracing.model import HOUR_S, Fixes, Floats, Micro, Pings
from banyan.demo.agencies.people import people
from banyan.demo.federation.epidemic import EPIDEMIC
from banyan.errors import Conflict, Denied, Problem
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.exchange import Gate
from banyan.kernel.identity.caller import SYSTEM, Caller
from banyan.service.tracing.keeping import take
from banyan.service.tracing.law import BASIS, tracing_basis
from banyan.service.tracing.shelf import shelf_of

CDC: Final = "TW/GOV/CDC"
AGENCIES: Final = (CDC, "TW/GOV/NIA")
ORDER: Final = "trace-demo"
ORDER_DAYS: Final = 29
DOCK: Final = (121.7412, 25.1325)
"""Keelung, west passenger terminal."""
ASHORE_H: Final = (6, 18)
"""Taiwan's hours in which guests are ashore (2020-01-31: 06:00 to 17:30)."""
EVERY_S: Final = 600
PHONES: Final = 3_000
GUESTS: Final = 60
PLACES: Final = 50
BUSY: Final = 0.3
"""Of the demonstration's phones, how many spend the day at one of the places: so few phones would else meet nobody."""
CITIES: Final = (
    (121.54, 25.04, 27), (121.47, 25.01, 40), (121.74, 25.13, 4), (121.30, 24.99, 23), (120.97, 24.80, 10),
    (120.68, 24.15, 28), (120.44, 23.48, 8), (120.21, 22.99, 18), (120.30, 22.63, 27), (121.60, 23.98, 3),
)  # fmt: skip
"""Longitude, latitude and weight of where people live."""
CASES: Final = {"19540": "+886900019540", "19541": "+886900019541"}
"""Disease control's cases besides the ship, by number: phones of the demonstration."""
WALK: Final = np.float32(1 / 2_400)
"""Of the way to work in a second: 40 minutes."""
Shares = npt.NDArray[np.float32]


class CaseQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    cases: Annotated[tuple[Annotated[str, msgspec.Meta(max_length=40)], ...], msgspec.Meta(max_length=500)]
    reason: Annotated[str, msgspec.Meta(max_length=200)]


class CasePhones(msgspec.Struct, frozen=True):
    phones: tuple[str, ...]


@EPIDEMIC.operation(
    "case_phones", title={"zh-Hant": "個案門號（示範）", "en": "Phones of cases (demo)"},
    summary={"zh-Hant": "疾管署承辦以個案編號取得門號，供足跡比對。",
             "en": "Disease control's own officers get a case's phone, to trace contacts."},
    data=OPEN, audience="officer", purpose="012", channels=(),
)  # fmt: skip
async def case_phones(ctx: Context, request: CaseQuery) -> CasePhones:
    """For a trace only: no channel leads here. To disease control's own officers; unknown cases are left out. Raises
    Denied for another agency."""
    if ctx.caller.agency != CDC:
        raise Denied(
            "只有疾管署能使用。 For disease control only.", remedy="ask by a dock and its time", kind="no-staff"
        )
    return CasePhones(tuple(CASES[one] for one in request.cases if one in CASES))


class Nation(msgspec.Struct, frozen=True, eq=False):
    """Phones by slot: first the guests (foreign numbers), then everybody else: home in micro-degrees and the way to
    work from there, when they leave and come back (seconds of Taiwan's day), and the guests' way: a place for each
    quarter of an hour, by its number in `places` (degrees)."""

    guests: int
    home: tuple[Micro, Micro]
    to_work: tuple[Shares, Shares]
    leaves: Shares
    back: Shares
    way: npt.NDArray[np.int64]
    places: tuple[Floats, Floats]

    def __len__(self) -> int:
        return len(self.leaves)


def nation(phones: int, guests: int, *, busy: float = 0.0, seed: int = 31) -> Nation:
    """Who there is; the same for the same numbers. The share `busy` works where the guests go, Lin among them."""
    random = np.random.default_rng((seed, phones, guests))
    weights = np.array([one[2] for one in CITIES], np.float64)
    city = random.choice(len(CITIES), phones, p=weights / weights.sum())
    spread = random.choice((0.02, 0.05, 0.15), phones, p=(0.45, 0.35, 0.2))
    lon = np.array([one[0] for one in CITIES])[city] + random.normal(0, 1, phones) * spread
    lat = np.array([one[1] for one in CITIES])[city] + random.normal(0, 1, phones) * spread
    to_work = random.normal(0, 0.05, (2, phones)) * (random.random(phones) < 0.6)
    places = (
        np.r_[DOCK[0], random.normal(121.60, 0.1, PLACES - 1)], np.r_[DOCK[1], random.normal(25.08, 0.06, PLACES - 1)],
    )  # fmt: skip
    first = guests + len(CASES)
    at_places = slice(first, first + int(phones * busy))
    leaves, back = random.normal(7.8, 0.8, phones) * HOUR_S, random.normal(18.2, 1.0, phones) * HOUR_S
    for axis in (0, 1):
        where = places[axis][np.arange(at_places.stop - first) % PLACES]
        to_work[axis, at_places] = where - (lon, lat)[axis][at_places] + random.normal(0, 0.0012, len(where))
    stops = random.integers(1, PLACES, (guests, 8))
    way = np.zeros((guests, 48), np.int64)
    for quarter in range(4, 44):  # an hour at the dock, ten hours on the way, an hour at the dock
        way[:, quarter] = stops[np.arange(guests), (quarter - 4) // 5]
    home = tuple((one * 1e6).astype(np.int32) for one in (lon, lat))
    work = tuple((one * 1e6).astype(np.float32) for one in to_work)
    return Nation(
        guests, home, work, leaves.astype(np.float32), back.astype(np.float32), way, places,
    )  # fmt: skip


def guests_in(who: Nation, hour: int, *, seed: int = 31) -> Pings:
    """The guests' fixes of one of Taiwan's hours, which are those that `hour_of_nation` has of them; none unless they
    are ashore."""
    if not ASHORE_H[0] <= hour < ASHORE_H[1]:
        return Pings(np.empty(0, np.uint32), np.empty(0, np.uint16), np.empty(0, np.int32), np.empty(0, np.int32))
    random = np.random.default_rng((seed, hour, 1))
    steps = HOUR_S // EVERY_S
    guest = np.tile(np.arange(who.guests), steps)
    second = random.integers(0, EVERY_S, len(guest)) + np.repeat(np.arange(steps), who.guests) * EVERY_S
    place = who.way[guest, ((hour - ASHORE_H[0]) * HOUR_S + second) // 900]
    lon, lat = (who.places[axis][place] + random.normal(0, 0.001, len(guest)) for axis in (0, 1))
    east, north = ((one * 1e6).astype(np.int32) for one in (lon, lat))
    return Pings(guest.astype(np.uint32), second.astype(np.uint16), east, north)


def hour_of_nation(who: Nation, hour: int, *, seed: int = 31) -> Pings:
    """Everybody's fixes of one of Taiwan's hours: one each ten minutes, at a second of their own."""
    random = np.random.Generator(np.random.SFC64((seed, hour, 2)))
    own = slice(who.guests, len(who))
    size = len(who) - who.guests
    phone = np.arange(who.guests, len(who), dtype=np.uint32)
    guests = guests_in(who, hour, seed=seed)
    columns = [(guests.phone, guests.second, guests.lon, guests.lat)]
    for step in range(HOUR_S // EVERY_S):
        second = random.integers(0, EVERY_S, size, dtype=np.uint16) + np.uint16(step * EVERY_S)
        at = second.astype(np.float32) + np.float32(hour * HOUR_S)
        share = np.clip((at - who.leaves[own]) * WALK, 0, 1) * np.clip((who.back[own] - at) * WALK, 0, 1)
        place = []
        for axis in (0, 1):
            moved = who.to_work[axis][own] * share + random.standard_normal(size, np.float32) * np.float32(800)
            place.append(who.home[axis][own] + moved.astype(np.int32))
        columns.append((phone, second, place[0], place[1]))
    return Pings(*(np.concatenate([one[at] for one in columns]) for at in range(4)))


def numbers_of(who: Nation) -> npt.NDArray[np.int64]:
    """E.164 digits: the guests' are Japanese, the two cases' their own, the others Taiwan's."""
    found = np.arange(len(who), dtype=np.int64) + 886_911_000_000
    found[: who.guests] = 819_012_000_000 + np.arange(who.guests)
    found[who.guests : who.guests + len(CASES)] = [int(one[1:]) for one in CASES.values()]
    return found


def delivery(who: Nation, midnight: float) -> Delivery:
    """The day ashore as operators deliver it; `midnight` is Taiwan's, epoch seconds."""
    parts = []
    for hour in range(*ASHORE_H):
        one = hour_of_nation(who, hour)
        at = one.second.astype(np.int64) + int(midnight) + hour * HOUR_S
        parts.append(Fixes(one.phone, at, one.lon, one.lat))
    columns = [np.concatenate([getattr(one, name) for one in parts]) for name in Fixes.__struct_fields__]
    return Delivery(Fixes(*columns), numbers_of(who), ())


async def seed_tracing(gate: Gate) -> int:
    """Once in a data folder: the basis, the order by two agencies, a day of positions, and the first question; how many
    contacts it counted. Nobody is told: that is for the second officer."""
    if "tracing.ask" not in gate.catalogue.operations or "powers.register_basis" not in gate.catalogue.operations:
        return 0
    await gate.call("powers.register_basis", tracing_basis(AGENCIES), caller=SYSTEM)
    if not await _ordered(gate):
        return 0
    db = gate.drawers["tracing"]
    midnight = taiwan_midnight(gate.clock())
    given = await asyncio.to_thread(lambda: delivery(nation(PHONES, GUESTS, busy=BUSY), midnight))
    await take(db, ORDER, given, _persons(gate, given), now=gate.clock(), days=14)
    try:
        counted = await gate.call("tracing.ask", asked(midnight), caller=_officer(CDC))
    except Problem:
        return 0
    return int(counted.contacts or 0)


def asked(midnight: float) -> dict[str, Any]:
    """The question about the ship."""
    start, end = (iso(EpochS(midnight + hour * HOUR_S)) for hour in ASHORE_H)
    landed = iso(EpochS(midnight + (ASHORE_H[0] + 1) * HOUR_S))
    dock = {"lon": DOCK[0], "lat": DOCK[1], "radius_m": 800.0, "start": start, "end": landed}
    return {"start": start, "end": end, "dock": dock, "preset": "telegraph", "reason": "示範：郵輪旅客下船一日"}


def taiwan_midnight(now: float) -> float:
    """Of the day before, epoch seconds."""
    return float((int(now) + 8 * HOUR_S) // 86_400 * 86_400 - 8 * HOUR_S - 86_400)


def _persons(gate: Gate, given: Delivery) -> Mapping[int, bytes]:
    """The people of the demonstration's registers have phones among the others."""
    subject_of = shelf_of(gate.drawers["tracing"]).subject_of
    own = given.numbers[GUESTS + len(CASES) :].tolist()
    return {number: subject_of(person.number) for number, person in zip(own, people(), strict=False)}


async def _ordered(gate: Gate) -> bool:
    """Whether this start put the order into force: what has lapsed is not renewed by a start."""
    now = gate.clock()
    declared: dict[str, Any] = {
        "id": ORDER, "title_zh": "郵輪接觸者足跡比對（示範）", "title_en": "Contacts of a cruise ship (demo)",
        "incident": "2026-11 境外移入", "reason": "示範：郵輪旅客確診", "bases": (BASIS,),
        "start": iso(now), "until": iso(EpochS(now + ORDER_DAYS * 86_400)),
    }  # fmt: skip
    try:
        await gate.call("powers.declare_order", declared, caller=_officer(CDC))
        await gate.call("powers.approve_order", {"id": ORDER}, caller=_officer("TW/GOV/NIA"))
    except Conflict:
        return False
    return True


def _officer(agency: str) -> Caller:
    return Caller("officer", f"demo-seed-{agency}", channel="system", agency=agency, assurance="aal2")
