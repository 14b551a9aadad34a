"""Warnings of the demonstration nation: an invented operator, two networks of simulated phones, and a few alerts.

One network is the public's, the other a sink for exercises; they share nothing. Each has a cell broadcast centre that
speaks CBSP over the loopback to a simulated base station controller; what the page of phones shows went that way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import msgspec

from banyan.craft.cells.generating import RURAL_M, Cover, generated
from banyan.craft.cells.model import CellTable
from banyan.craft.notify.cells.centre import Centre
from banyan.craft.notify.cells.naming import Bsc
from banyan.craft.notify.cells.simulator import Simulator
from banyan.demo.handsets import Handsets, Sink
from banyan.demo.places import TOWNS
from banyan.errors import Conflict
from banyan.kernel.events.clock import Clock, EpochS
from banyan.kernel.exchange import Gate
from banyan.kernel.identity.caller import SYSTEM, Caller
from banyan.kernel.storage.durable import make_folders
from banyan.service.alerts import places
from banyan.service.alerts.acting import AUTHOR, RELEASER
from banyan.service.alerts.kinds import kinds
from banyan.service.alerts.model import LANGUAGES, Area, Channel, Content, Language, Level, Severity, Status, Words
from banyan.service.alerts.outlets import Transport
from banyan.service.alerts.seen import Seen
from banyan.service.alerts.sending import Cells, Chat, Sms, cells_of

SEED: Final = 20_261_127
HALF_KM: Final = 4.0
PER_CELL: Final = 4
"""Invented telephones a cell that an SMS reaches."""
SHOWN: Final = 40
"""Texts of one network that the page of phones shows at once, the newest."""
CENTRE: Final = "TW/GOV/EOC"
HEALTH: Final = "TW/GOV/CDC"
WARRANTS: Final = (
    {"agency": CENTRE, "event": "*", "area": "TW", "second": HEALTH, "sender": "eoc.gov.example"},
    {"agency": HEALTH, "event": "epidemic", "area": "TW", "second": CENTRE, "sender": "cdc.gov.example"},
    {"agency": "TW/GOV/DISTRICT", "event": "water-outage", "area": "10015010", "second": CENTRE,
     "sender": "district.gov.example"},
)  # fmt: skip
HUALIEN: Final = "花蓮縣花蓮市"
DAY_S: Final = 86_400.0


def operator_cells() -> CellTable:
    """An invented operator with masts about each of the nation's towns; three cells a mast."""
    covers = [Cover(town.lon, town.lat, HALF_KM, spacing_m=2 * RURAL_M) for town in TOWNS]
    return generated(covers, seed=SEED)


class Numbers:
    """Invented numbers by cell. None was ever given out: they are told apart from real ones by nothing but this."""

    def __init__(self, table: CellTable) -> None:
        self._table = table

    def count(self, areas: tuple[Area, ...]) -> int:
        return PER_CELL * len(cells_of(self._table, areas))

    def of(self, areas: tuple[Area, ...]) -> Iterable[tuple[str, Language]]:
        for cell in cells_of(self._table, areas):
            place = self._table.cell(cell)
            for one in range(PER_CELL):
                yield f"+8869{place * PER_CELL + one:08}", "en" if one == PER_CELL - 1 else "zh-Hant"


class Network(msgspec.Struct, frozen=True, eq=False):
    """One set of channels and what its phones show."""

    centre: Centre
    base: Simulator
    sms: Handsets
    chats: list[tuple[str, tuple[str, ...]]]
    table: CellTable

    def transports(self) -> Mapping[Channel, Transport]:
        async def post(key: str, texts: tuple[str, ...]) -> int:
            if all(known != key for known, _ in self.chats):
                self.chats.append((key, texts))
            return 200

        return {
            "cells": Cells(self.centre, lambda: self.table),
            "sms": Sms(self.sms, Numbers(self.table)),
            "chat": Chat(post, lambda: 1_200),
        }

    def seen(self, *, is_people: bool) -> Iterable[Seen]:
        """Each text once, with how many cells or numbers have it."""
        screens: dict[tuple[int, int], Seen] = {}
        for cell in self.base.cells():
            for one in self.base.shown(cell):
                known = screens.get((one.message_id, one.serial))
                count, sample = (known.count + 1, known.sample) if known else (1, cell)
                screens[one.message_id, one.serial] = Seen(
                    is_people, "cells", one.title_key, one.language, one.text, count, sample, one.since
                )
        yield from screens.values()
        for had in self.sms.shown():
            yield Seen(is_people, "sms", "", had.lang, had.text, had.count)
        for _, said in self.chats:
            for number, text in enumerate(said):
                yield Seen(is_people, "chat", "", LANGUAGES[number], text, 0)


async def open_networks(
    stack: AsyncExitStack, folder: Path, clock: Clock, handsets: Handsets | None = None
) -> tuple[Mapping[Channel, Transport], Mapping[Channel, Transport], Any]:
    """The public's channels, the sinks', and what all their phones show. `handsets` are behind the node's SMS sender;
    without them (the sender has real binds, and these numbers are invented) SMS stay in memory."""
    table = operator_cells()
    people = await open_network(stack, folder / "people", table, clock, handsets)
    sinks = await open_network(stack, folder / "sinks", table, clock)

    def look() -> Sequence[Seen]:
        return (*list(people.seen(is_people=True))[:SHOWN], *list(sinks.seen(is_people=False))[:SHOWN])

    return people.transports(), sinks.transports(), look


async def open_network(
    stack: AsyncExitStack, folder: Path, table: CellTable, clock: Clock, handsets: Handsets | None = None
) -> Network:
    make_folders(folder)
    base = Simulator(table.ids, clock=clock)
    centre = Centre(folder, [Bsc(name="demo", host="127.0.0.1", cells=frozenset(table.ids))], clock=clock)
    port = await centre.start(port=0)
    stack.push_async_callback(centre.close)
    base.start(port)
    stack.push_async_callback(base.stop)
    return Network(centre, base, handsets or Sink(clock), [], table)


async def seed_alerts(gate: Gate) -> int:
    """Once in a data folder: who may warn, a flood, an air raid exercise, an epidemic notice, and one that is over."""
    if "alerts.draft" not in gate.catalogue.operations:
        return 0
    for one in WARRANTS:
        await gate.call("alerts.warrant", one, caller=SYSTEM)
    now = gate.clock()
    made = 0
    for content, key in (
        (_content("flood", (HUALIEN, "花蓮縣吉安鄉"), now, hours=72), "demo-flood"),
        (_content("air-raid", ("臺北市", "新北市"), now, hours=24, status="Exercise", level="national",
                  severity="Extreme"), "demo-air-raid"),
        (_content("reservoir", ("臺南市楠西區",), now - 2 * DAY_S, hours=48 + 1 / 60), "demo-reservoir"),
        (_content("rainstorm", ("宜蘭縣",), now, hours=2), "demo-rainstorm"),
    ):  # fmt: skip
        made += await _let_out(gate, content, key)
    await _over(gate)
    return made


async def _let_out(gate: Gate, content: Content, key: str) -> int:
    """Written by the centre, released by the second agency; 0 when an earlier start did it."""
    writer, second = officer(CENTRE, AUTHOR, RELEASER), officer(HEALTH, RELEASER)
    try:
        stands = await gate.call("alerts.draft", {"key": f"{key}-draft", "content": content}, caller=writer)
    except Conflict:
        return 0
    if stands.state != "draft":
        return 0
    stands = await gate.call("alerts.propose", {"key": f"{key}-propose", "id": stands.id}, caller=writer)
    if not stands.digest:
        return 0
    asked = {"key": f"{key}-release", "id": stands.id, "digest": stands.digest}
    await gate.call("alerts.release", asked, caller=second)
    return 1


async def _over(gate: Gate) -> None:
    """The thunderstorm is over before its time."""
    from banyan.service.alerts.acting import id_of

    words = {lang: {"headline": text} for lang, text in
             (("zh-Hant", "宜蘭縣大雷雨已結束"), ("en", "The thunderstorm in Yilan County is over"))}  # fmt: skip
    id = id_of(CENTRE, "demo-rainstorm-draft")
    try:
        asked = {"key": "demo-rainstorm-cancel", "id": id, "words": words}
        await gate.call("alerts.cancel", asked, caller=officer(CENTRE, AUTHOR))
    except Conflict:
        return


def officer(agency: str, *roles: str) -> Caller:
    return Caller("officer", f"demo-seed-{agency}", channel="system", agency=agency, roles=roles, assurance="aal2")


def _content(
    event: str, names: Sequence[str], now: float, *, hours: float, status: Status = "Actual",
    level: Level | None = None, severity: Severity | None = None,
) -> Content:  # fmt: skip
    kind = kinds()[event]
    areas = tuple(area for area in map(places.named, names) if area is not None)
    end = EpochS(now + hours * 3_600)
    spoken: dict[Language, str] = {"zh-Hant": "、".join(names), "en": "; ".join(one.name["en"] for one in areas)}
    words: dict[Language, Words] = {lang: kind.filled(lang, spoken[lang], "") for lang in LANGUAGES}
    return Content(
        event=event, status=status, severity=severity or kind.severity, urgency=kind.urgency,
        certainty=kind.certainty, level=level or kind.level, onset=EpochS(now), expires=end, words=words,
        areas=areas, contact="1999",
    )  # fmt: skip
