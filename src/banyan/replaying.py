"""`./banyan replay DIR`: play a series of stock lists into a running portal, at its own pace times a speed.

Each list is published to one dataset as its agency did, in the shape of its day, and supplies follow that register: so
everything between a file and the map is what a real feed goes through, the rename of February 2020 included.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import msgspec

from banyan.errors import Invalid, Problem, Unavailable
from banyan.kernel.catalogue.messages import load_messages
from banyan.kernel.events.clock import EpochS
from banyan.remote_portal import Pairs, Portal, address_of, outcome, token_of
from banyan.running import ROOT
from banyan.series import CODE, Folder, Snapshot, read_folder, stamp
from banyan.service.opendata.desk import ENDED
from banyan.terminal import language

MESSAGES: Final = load_messages("banyan", "replaying.toml")
STOCK: Final = "mask-replay"
PLACES: Final = "mask-replay-places"
SOURCE: Final = "replay"
NIGHT_S: Final = 6 * 3_600.0
"""A longer gap between two lists is a night, or days; it is played as NIGHT_PLAYED_S."""
NIGHT_PLAYED_S: Final = 60.0
MAP_WAIT_S: Final = 20.0
"""How long a list may take to the map before the next one is published without it."""
MAP_LOOK_S: Final = 0.02
Say = Callable[..., str]


class _Held(msgspec.Struct):
    why: dict[str, str]
    version: int = 0


class _Source(msgspec.Struct):
    """What we read of `supplies.sources`."""

    source: str
    version: int = 0
    held: _Held | None = None


class Played(msgspec.Struct, frozen=True):
    """One list published: seconds to publish, from then to the map (None: not within MAP_WAIT_S), why the map holds it
    back (empty: it does not), and how late it began."""

    publish_s: float
    map_s: float | None
    why: str
    late_s: float


class Options(msgspec.Struct, frozen=True):
    """How to play. `pause(seconds)` and `now()` are the clock's."""

    speed: float
    is_today: bool = False
    pause: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time


def add_replay_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the verb's options; `run` is set to `replay_command`."""
    say = _sayer()
    parser = verbs.add_parser("replay", help=say("help.replay"), description=say("help.description"))
    parser.add_argument("folder", type=Path, metavar="DIR", help=say("help.folder"))
    parser.add_argument("--speed", type=float, default=100.0, metavar="N", help=say("help.speed"))
    parser.add_argument("--series", default="", metavar="YYYY-MM-DD", help=say("help.series"))
    parser.add_argument("--today", action="store_true", help=say("help.today"))
    parser.add_argument("--url", default="", metavar="PORTAL")
    parser.add_argument("--token", default="", metavar="T")
    parser.add_argument("--data", type=Path, default=ROOT / "data", metavar="DIR")
    parser.set_defaults(run=replay_command)


def replay_command(options: argparse.Namespace) -> int:
    """Play to the end: 0, or 130 after Ctrl-C. Raises Problem for bad input or a portal that refuses."""
    if not options.speed > 0:
        raise _refused("bad_speed")
    folder = read_folder(options.folder, _refused, day=options.series)
    url = address_of(options)
    if not url:
        raise _refused("nowhere", kind=Unavailable)
    player = Player(Portal(url, token_of(options)), Options(options.speed, options.today))
    try:
        player.play(folder, _line)
    except KeyboardInterrupt:
        _line(_sayer()("stopped", place=player.place))
        return 130
    _line(_sayer()("done", url=url))
    return 0


class Player:
    """Plays a folder into a portal. `place` is the list being played, from 1."""

    def __init__(self, portal: Portal, options: Options) -> None:
        self._portal = portal
        self._options = options
        self.place = 0

    def play(
        self, folder: Folder, line: Callable[[str], None], seen: Callable[[Snapshot, Played], None] | None = None
    ) -> None:
        """Publish every list at its time; one line for each. `seen` is told after each."""
        lists, say = folder.snapshots, _sayer()
        due = offsets([one.at for one in lists], self._options.speed)
        first, last = stamp(lists[0].at), stamp(lists[-1].at)
        minutes = max(1, round(due[-1] / 60))
        line(say("playing", count=len(lists), start=first, end=last, speed=self._options.speed, minutes=minutes))
        if folder.outlets is not None:
            self._publish(folder.outlets, ("name", PLACES), ("title", say("dataset.places")), ("key", "id"))
        began = self._options.now()
        for self.place, (snapshot, offset) in enumerate(zip(lists, due, strict=True), 1):
            self._wait_until(began + offset)
            played = self._play_one(snapshot, late_s=max(0.0, self._options.now() - began - offset))
            line(self._said(snapshot, played, len(lists), say))
            if self.place == 1:
                self._follow(folder)
            if seen is not None:
                seen(snapshot, played)

    def _wait_until(self, moment: float) -> None:
        wait_s = moment - self._options.now()
        if wait_s > 0:
            self._options.pause(wait_s)

    def _play_one(self, snapshot: Snapshot, *, late_s: float) -> Played:
        at = EpochS(self._options.now() // 1) if self._options.is_today else snapshot.at
        started = self._options.now()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "maskdata.csv"
            path.write_bytes(snapshot.write(at))
            say = _sayer()
            version = self._publish(
                path, ("name", STOCK), ("title", say("dataset.stock")), ("notes", say("dataset.notes")), ("key", CODE)
            )
        published = self._options.now()
        if self.place == 1:
            return Played(published - started, 0.0, "", late_s)
        map_s, why = self._until_seen(version, published)
        return Played(published - started, map_s, why, late_s)

    def _publish(self, path: Path, *pairs: tuple[str, str]) -> int:
        """Publish a file; the version that is served then."""
        asked: Pairs = [*pairs, ("filename", path.name), ("accept", "shrunk")]
        job = self._portal.upload(path, asked, lambda done, total: None)
        while job.state not in ENDED:
            job = self._portal.progress(job.job)
        return outcome(job).tables[0].version

    def _follow(self, folder: Folder) -> None:
        """Make the map follow; items and sources that are there are left as they are."""
        for item, few in (("adult", 20), ("child", 10)):
            said = MESSAGES.text(f"item.{item}", "zh-Hant"), MESSAGES.text(f"item.{item}", "en")
            unit = MESSAGES.text("item.unit", "zh-Hant"), MESSAGES.text("item.unit", "en")
            values = {"id": f"mask-{item}", "title": said[0], "title_en": said[1], "few": few, "family": "mask"}
            self._ask("save_item", values | {"unit": unit[0], "unit_en": unit[1]})
        if folder.outlets is not None:
            self._ask("follow_register", {"source": f"{SOURCE}-places", "register": PLACES, "role": "places"})
        self._ask("follow_register", {"source": SOURCE, "register": STOCK, "role": "stock"})

    def _ask(self, operation: str, values: Mapping[str, Any]) -> bytes:
        headers = {"Content-Type": "application/json"}
        return self._portal.ask("POST", f"/api/supplies/{operation}", msgspec.json.encode(values), headers)

    def _until_seen(self, version: int, since: float) -> tuple[float | None, str]:
        """How long until the map has the version or holds it back, and why it does."""
        while (waited := self._options.now() - since) < MAP_WAIT_S:
            answer = self._portal.ask("GET", "/api/supplies/sources")
            source = next(one for one in msgspec.json.decode(answer, type=list[_Source]) if one.source == SOURCE)
            if source.held is not None and source.held.version >= version:
                return waited, source.held.why[language()]
            if source.version >= version:
                return waited, ""
            self._options.pause(MAP_LOOK_S)
        return None, ""

    def _said(self, snapshot: Snapshot, played: Played, count: int, say: Say) -> str:
        values = {"place": self.place, "count": count, "time": stamp(snapshot.at), "rows": snapshot.rows}
        if played.map_s is None:
            text = say("unseen", **values, publish_s=played.publish_s, wait_s=MAP_WAIT_S)
        else:
            text = say("played", **values, publish_s=played.publish_s, map_s=played.map_s)
        if played.why:
            text += say("held", why=played.why)
        return text + (say("late", late_s=played.late_s) if played.late_s >= 0.1 else "")


def offsets(times: list[EpochS], speed: float) -> list[float]:
    """Seconds after the start at which each list is due; a night is cut short."""
    due, at = [0.0], 0.0
    for before, after in pairwise(times):
        gap = after - before
        at += (NIGHT_PLAYED_S if gap > NIGHT_S else gap) / speed
        due.append(at)
    return due


def _sayer() -> Say:
    lang = language()
    return lambda key, **values: MESSAGES.text(key, lang, **values)


def _refused(key: str, *, kind: type[Problem] = Invalid, **values: object) -> Problem:
    say = _sayer()
    return kind(say(f"{key}.title", **values), remedy=say(f"{key}.remedy", **values))


def _line(text: str) -> None:
    with suppress(BrokenPipeError):  # `| head` has read enough
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
