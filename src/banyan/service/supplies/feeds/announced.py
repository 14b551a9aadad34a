"""Changes of feeds, told before they happen: what, from when, why, and the headers that say so on every answer.

The promise: a field, its type or its meaning changes, or a feed goes, only NOTICE_DAYS after it was announced; fields
may be added at any time. An urgent change (a legal order, a danger) is announced too, and says that it is urgent.
Sources: RFC 9745 (Deprecation), RFC 8594 (Sunset), RFC 8288 (Link).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from email.utils import formatdate
from hashlib import sha256
from typing import Final, Literal

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage import Tx
from banyan.kernel.storage.statements import load_statements
from banyan.limits_supplies import SUPPLIES_CHANGES_ANNOUNCED

SQL: Final = load_statements("banyan.service.supplies.feeds", "announced.sql")
NOTICE_DAYS: Final = 30
DAY_S: Final = 86_400.0
FeedName = Literal[
    "pack", "stock", "places", "notices", "changes", "stream", "official", "geojson", "history", "at", "source"
]
"""What of the site changes; `source` is a register that we follow: it is mapped, our feeds stay as they are."""
Kind = Literal["renamed", "removed", "retyped", "redefined", "added"]
BREAKING: Final = ("renamed", "removed", "retyped", "redefined")
ID_CHARACTERS: Final = 16
FEED_ATOM: Final = "/supplies/changes.atom"


class Announcement(msgspec.Struct, frozen=True, kw_only=True):
    """One change. `starts` is when it happens and the old form ends. `register` names the source of a `source` change.
    `why` is in both languages."""

    id: str
    feed: FeedName
    kind: Kind
    field: str
    new: str
    announced: EpochS
    starts: EpochS
    why: dict[str, str]
    is_urgent: bool = False
    is_automatic: bool = False
    register: str = ""


def identified(one: Announcement) -> Announcement:
    """With an id made of what it says, so that the same announcement twice is one."""
    said = "\n".join((one.feed, one.register, one.kind, one.field, one.new, f"{one.starts:.0f}"))
    return msgspec.structs.replace(one, id=sha256(said.encode()).hexdigest()[:ID_CHARACTERS])


def by_id(tx: Tx, id: str) -> Announcement | None:
    row = tx.row(SQL["notice_by_id"], id=id)
    return None if row is None else _read(row[0])


def put(tx: Tx, one: Announcement) -> None:
    """Keep it; nothing happens when it is there."""
    tx.run(SQL["put_notice"], id=one.id, announced=one.announced, document=msgspec.json.encode(one).decode())


def drop(tx: Tx, id: str) -> bool:
    """Take it back; whether it was there."""
    was_there = by_id(tx, id) is not None
    tx.run(SQL["drop_notice"], id=id)
    return was_there


def all_announced(tx: Tx) -> tuple[Announcement, ...]:
    """The newest first, at most SUPPLIES_CHANGES_ANNOUNCED."""
    return tuple(_read(row[0]) for row in tx.rows(SQL["all_notices"], most=SUPPLIES_CHANGES_ANNOUNCED))


def _read(document: object) -> Announcement:
    assert isinstance(document, str), "a document is text"
    return msgspec.json.decode(document, type=Announcement)


def is_current(one: Announcement, now: EpochS) -> bool:
    """Whether answers still carry it: until NOTICE_DAYS after it happened, for those who come back late."""
    return now < one.starts + NOTICE_DAYS * DAY_S


def headers_of(announced: Iterable[Announcement], feed: str, now: EpochS) -> tuple[tuple[str, str], ...]:
    """`Deprecation`, `Sunset` and `Link` of a feed's answers: of the change that comes first. Empty without one."""
    coming: Sequence[Announcement] = [
        one for one in announced if one.feed == feed and one.kind in BREAKING and is_current(one, now)
    ]
    if not coming:
        return ()
    first = min(coming, key=lambda one: one.starts)
    return (
        ("Deprecation", f"@{min(one.announced for one in coming):.0f}"),
        ("Sunset", formatdate(first.starts, usegmt=True)),
        ("Link", f'<{FEED_ATOM}>; rel="deprecation"; type="application/atom+xml"'),
    )
