"""The rooms of a node in memory, and how far each has come on disk; the key that signs their tokens."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from typing import Final

import msgspec

from banyan.kernel.catalogue.messages import load_messages
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage import Drawer, Lent
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Tx
from banyan.limits_rationing import WAITING_SAVE_S
from banyan.service.rationing.waiting import seeds
from banyan.service.rationing.waiting.places import Line, Place, Progress, look_again_s, window_at
from banyan.service.rationing.waiting.tokens import Kind, Token, read, signed

SQL: Final = load_statements("banyan.service.rationing.waiting", "waiting.sql")
MESSAGES: Final = load_messages("banyan.service.rationing.waiting")


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A room in front of `paths` (and what lies below them) from `gathers` to `until`; it opens at `opens` and lets in
    `pace` people a second, each for `pass_s`. Times in epoch seconds."""

    id: str
    title_zh: str
    title_en: str
    paths: tuple[str, ...]
    gathers: float
    opens: float
    until: float
    pace: float
    pass_s: int

    @property
    def tag(self) -> bytes:
        """The room in its tokens; a room with another opening is another room."""
        return sha256(f"{self.id}\n{self.opens}".encode()).digest()[:4]

    def guards(self, path: str) -> bool:
        return any(path == one or path.startswith(one + "/") for one in self.paths)


class Kept(msgspec.Struct, frozen=True):
    """A room on disk. `salt` and the node's key make its seeds."""

    plan: Plan
    salt: bytes
    agency: str
    entry: int
    progress: Progress


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What is said to who asks at a room: go in or wait, with the token to hold now (empty: the one they have)."""

    may_enter: bool
    token: str
    place: Place | None = None
    look_again_s: int = 0


class Room:
    """A room at work. Everything but `save` is in memory and takes microseconds."""

    def __init__(self, kept: Kept, key: bytes) -> None:
        self.plan, self.agency, self.entry, self.salt = kept.plan, kept.agency, kept.entry, kept.salt
        self._key = hmac.digest(key, b"waiting tokens\n" + kept.salt, sha256)
        self._people = hmac.digest(key, b"waiting people\n" + kept.salt, sha256)
        secret = hmac.digest(key, b"waiting seeds\n" + kept.salt, sha256)
        windows = window_at(kept.plan.until - kept.plan.opens) + 1
        self._seeds = seeds.chain(secret, windows)
        self.anchor = seeds.anchor(self._seeds)
        self.line = Line(self._seeds, kept.plan.pace, kept.progress)
        self._saved_at = 0.0

    def is_on(self, now: float) -> bool:
        return self.plan.gathers <= now < self.plan.until

    def ask(self, text: str, address: str, chance: Callable[[int], bytes], now: EpochS) -> Answer:
        """Who asks with the token `text` (empty or strange: without one) from `address`. 10 us."""
        plan, line = self.plan, self.line
        line.advance(now - plan.opens)
        token = read(text, self._key) if text else None
        if token is None or token.room != plan.tag or token.until < now:
            return self._begin(address, chance, now)
        if token.kind == "pass":
            return Answer(True, "")
        if line.may_enter(token.window, token.who, token.fine):
            line.progress.passes += 1
            return Answer(True, self._made("pass", token, now))
        return self._waits(token, "")

    def _begin(self, address: str, chance: Callable[[int], bytes], now: EpochS) -> Answer:
        who = hmac.digest(self._people, address.encode(), sha256)[:8]
        token = Token(self.plan.tag, "wait", 0, who, int.from_bytes(chance(2), "big"), int(now), int(self.plan.until))
        if now >= self.plan.opens and self.line.is_free():
            return Answer(True, self._made("pass", token, now))
        token = msgspec.structs.replace(token, window=self.line.join(who))
        return self._waits(token, signed(token, self._key))

    def _waits(self, token: Token, text: str) -> Answer:
        place = self.line.place(token.window, token.who, token.fine)
        return Answer(False, text, place, look_again_s(place.wait_s, token.fine))

    def _made(self, kind: Kind, token: Token, now: EpochS) -> str:
        until = int(min(now + self.plan.pass_s, self.plan.until))
        return signed(msgspec.structs.replace(token, kind=kind, issued=int(now), until=until), self._key)

    def seed(self, now: EpochS) -> tuple[int, bytes] | None:
        """The newest window that is over and its seed, from which all before follow; None before the opening."""
        over = window_at(now - self.plan.opens) - 1
        return (over, self._seeds[over]) if 0 <= over < len(self._seeds) else None

    def due(self, now: float) -> bool:
        """Whether it is time to write down how far the room has come."""
        if now - self._saved_at < WAITING_SAVE_S:
            return False
        self._saved_at = now
        return True

    def kept(self) -> Kept:
        return Kept(self.plan, self.salt, self.agency, self.entry, self.line.progress)


class Rooms(msgspec.Struct):
    """`key` (32 bytes, never in the drawer) signs tokens; `random(n)` gives n bytes of chance."""

    key: bytes
    random: Callable[[int], bytes]
    by_id: dict[str, Room] = {}

    def guarding(self, path: str, now: float) -> Room | None:
        """The room in front of an address, if one is on."""
        for room in self.by_id.values():
            if room.is_on(now) and room.plan.guards(path):
                return room
        return None

    def put(self, kept: Kept) -> Room:
        room = self.by_id[kept.plan.id] = Room(kept, self.key)
        return room


_rooms: Final = Lent[Rooms]("this node has no waiting rooms")


def lend(db: Drawer, rooms: Rooms) -> None:
    """Give the waiting rooms their key; once, before the first call."""
    assert len(rooms.key) >= 32, "a key has 256 bits"
    _rooms.lend(db, rooms)


def rooms_of(db: Drawer) -> Rooms:
    """Raises Unavailable when the node lends nothing."""
    return _rooms.of(db)


def open_rooms(db: Drawer) -> list[Room]:
    """The rooms at work; none where nothing is lent."""
    found = _rooms.of_or_none(db)
    return list(found.by_id.values()) if found is not None else []


async def save(db: Drawer, kept: Kept) -> None:
    """Write a room down as it is at this moment."""
    await db.sql.write(partial(_put, id=kept.plan.id, document=msgspec.json.encode(kept)))


def load(tx: Tx) -> list[Kept]:
    return [msgspec.json.decode(_bytes(row[0]), type=Kept) for row in tx.rows(SQL["all"])]


both: Final = MESSAGES.both_under("waiting")
"""A sentence in both languages: a problem does not know who reads it."""


def _put(tx: Tx, *, id: str, document: bytes) -> None:
    tx.run(SQL["put"], id=id, document=document)


def _bytes(value: object) -> bytes:
    assert isinstance(value, bytes), "a document is bytes"
    return value
