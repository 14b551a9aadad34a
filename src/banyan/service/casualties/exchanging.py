"""PFIF with other registers: persons whom families look for, as Person Finder's repositories exchanged them.

Every door needs a key that the administrator gave a register for its domain. Hospitals' patients are not in here: they
leave by the tiers of `asking.py` only. Records expire to tombstones, which peers read as the word to delete.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Final

import msgspec

from banyan.craft.match import build
from banyan.errors import Denied
from banyan.kernel.catalogue.operation import OPEN, Context
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Tx
from banyan.limits_casualties import CASUALTY_DAYS, CASUALTY_MOST, PFIF_RESULTS, PFIF_SHEET
from banyan.service.casualties import rules
from banyan.service.casualties.filing import DAY_S
from banyan.service.casualties.service import SERVICE
from banyan.service.casualties.shelf import Shelf, both, shelf_of
from banyan.wire import pfif

SQL: Final = load_statements("banyan.service.casualties", "exchanging.sql")
DOMAIN: Final = r"^[a-z0-9-]+(\.[a-z0-9-]+)+$"
Key = Annotated[str, msgspec.Meta(max_length=100)]


class KeyWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a register may; its records' ids begin with its domain."""

    domain: Annotated[str, msgspec.Meta(pattern=DOMAIN, max_length=100)]
    may_write: bool = False
    is_full: bool = False
    may_tell_death: bool = False


class KeyGiven(msgspec.Struct, frozen=True):
    """Shown once: only its keyed name is kept."""

    key: str


class KeyEnded(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    domain: Annotated[str, msgspec.Meta(pattern=DOMAIN, max_length=100)]


class Ended(msgspec.Struct, frozen=True):
    keys: int


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Records to read: one by `id`, those like the name `q`, or a page since `since` (epoch seconds; -1: newest)."""

    key: Key
    kind: Annotated[str, msgspec.Meta(pattern="^(person|note)$")] = "person"
    id: Annotated[str, msgspec.Meta(max_length=500)] = ""
    q: Annotated[str, msgspec.Meta(max_length=200)] = ""
    person: Annotated[str, msgspec.Meta(max_length=500)] = ""
    since: float = -1.0
    skip: Annotated[int, msgspec.Meta(ge=0, le=CASUALTY_MOST)] = 0
    most: Annotated[int, msgspec.Meta(ge=1, le=PFIF_RESULTS)] = 10
    has_notes: bool = True


class Records(msgspec.Struct, frozen=True):
    persons: tuple[pfif.Person, ...] = ()
    notes: tuple[pfif.Note, ...] = ()


class Sent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    key: Key
    persons: tuple[pfif.Person, ...]
    notes: tuple[pfif.Note, ...]
    faults: tuple[pfif.Fault, ...]


class Sheet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Person Finder's CSV: ids without a domain get that of the key."""

    key: Key
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=PFIF_SHEET)]


class Written(msgspec.Struct, frozen=True):
    batches: tuple[pfif.Batch, ...]


class _May(msgspec.Struct, frozen=True):
    domain: str
    may_write: bool
    is_full: bool
    may_tell_death: bool


@SERVICE.operation(
    "give_key", title={"zh-Hant": "核發 PFIF 金鑰", "en": "Give a PFIF key"},
    summary={"zh-Hant": "讓另一個登記系統以自己的網域交換。", "en": "Lets a register exchange under its domain."},
    data=OPEN, audience="administrator", effect="write", purpose="administration", channels=("api",),
)  # fmt: skip
async def give_key(ctx: Context, request: KeyWanted) -> KeyGiven:
    shelf = shelf_of(ctx.db)
    key = shelf.random(24).hex()
    flags = {name: int(getattr(request, name)) for name in ("may_write", "is_full", "may_tell_death")}
    token = rules.named(shelf.key, "pfif", key)
    await ctx.db.sql.write(lambda tx: tx.run(SQL["give_key"], token=token, domain=request.domain, **flags))
    return KeyGiven(key)


@SERVICE.operation(
    "end_key", title={"zh-Hant": "停用 PFIF 金鑰", "en": "End PFIF keys"},
    summary={"zh-Hant": "停用一個網域的金鑰。", "en": "Ends the keys of a domain."},
    data=OPEN, audience="administrator", effect="write", purpose="administration", channels=("api",),
)  # fmt: skip
async def end_key(ctx: Context, request: KeyEnded) -> Ended:
    return Ended(await ctx.db.sql.write(lambda tx: tx.run(SQL["take_key"], domain=request.domain)))


@SERVICE.operation(
    "pfif_read", title={"zh-Hant": "讀取 PFIF 紀錄", "en": "Read PFIF records"},
    summary={"zh-Hant": "持金鑰的登記系統讀取、搜尋或同步。", "en": "A register with a key reads, searches, syncs."},
    data=OPEN, audience="public", effect="write", purpose="public-intake", channels=("api",), rate="query",
)  # fmt: skip
async def pfif_read(ctx: Context, request: Wanted) -> Records:
    """Raises Denied without a key. Without full read, sensitive fields are blank."""
    shelf = shelf_of(ctx.db)
    found, may = await ctx.db.sql.read_long(partial(_read, shelf=shelf, wanted=request))
    if may.is_full:
        return found
    notes = pfif.without_sensitive(pfif.Person(notes=found.notes)).notes
    return Records(tuple(map(pfif.without_sensitive, found.persons)), notes)


@SERVICE.operation(
    "pfif_write", title={"zh-Hant": "寫入 PFIF 紀錄", "en": "Write PFIF records"},
    summary={"zh-Hant": "持金鑰的登記系統寫入自己網域的紀錄。", "en": "A register writes records of its domain."},
    data=OPEN, audience="public", effect="write", purpose="public-intake", channels=("api",), rate="write",
)  # fmt: skip
async def pfif_write(ctx: Context, request: Sent) -> Written:
    """Raises Denied without a key that may write. A record of another domain is skipped, with the reason."""
    shelf = shelf_of(ctx.db)
    return await ctx.db.sql.write(partial(_write, shelf=shelf, sent=request, now=ctx.now))


@SERVICE.operation(
    "pfif_import", title={"zh-Hant": "匯入 Person Finder CSV", "en": "Import Person Finder's CSV"},
    summary={"zh-Hant": "持金鑰的登記系統整批匯入。", "en": "A register with a key imports a sheet."},
    data=OPEN, audience="public", effect="write", purpose="public-intake", channels=("api",), rate="write",
)  # fmt: skip
async def pfif_import(ctx: Context, request: Sheet) -> Written:
    """Raises what `pfif_write` and `read_csv` raise."""
    shelf = shelf_of(ctx.db)
    may = await ctx.db.sql.read(partial(_may, shelf=shelf, key=request.key))
    found = await asyncio.to_thread(pfif.read_csv, request.text.encode(), may.domain)
    sent = Sent(request.key, found.persons, found.notes, found.faults)
    return await ctx.db.sql.write(partial(_write, shelf=shelf, sent=sent, now=ctx.now))


def bury_persons(tx: Tx, now: float) -> int:
    """Make tombstones of expired persons; how many."""
    over = _persons(_bodies(tx, "over", now=now, limit=CASUALTY_MOST))
    for person in over:
        _put_person(tx, pfif.tombstone(person), now, is_gone=True)
    return len(over)


def _read(tx: Tx, *, shelf: Shelf, wanted: Wanted) -> tuple[Records, _May]:
    may = _may(tx, shelf, wanted.key)
    if wanted.kind == "note":
        return Records(notes=tuple(_notes(_page(tx, wanted)))), may
    persons: Iterable[pfif.Person]
    if wanted.id:
        persons = _persons(_bodies(tx, "one", kind="person", id=wanted.id))
    elif wanted.q:
        living = _persons(_bodies(tx, "living", limit=CASUALTY_MOST))
        places = build([one.full_name for one in living]).find(wanted.q, wanted.most)
        persons = [living[one.place] for one in places]
    else:
        persons = _persons(_page(tx, wanted))
    if wanted.has_notes:
        persons = [msgspec.structs.replace(one, notes=tuple(_notes_of(tx, one.person_record_id))) for one in persons]
    return Records(persons=tuple(persons)), may


def _write(tx: Tx, *, shelf: Shelf, sent: Sent, now: float) -> Written:
    may = _may(tx, shelf, sent.key)
    if not may.may_write:
        raise _no_key()
    skipped = {kind: [one for one in sent.faults if one.kind == kind] for kind in ("person", "note")}
    written = {"person": 0, "note": 0}
    for person in sent.persons:
        if not person.person_record_id.startswith(may.domain + "/"):
            skipped["person"].append(pfif.Fault("person", person.person_record_id, "person_record_id", _not_yours(may)))
            continue
        _put_person(tx, person, now)
        written["person"] += 1
    for note in [*sent.notes, *(note for person in sent.persons for note in person.notes)]:
        wrong = _wrong(note, may)
        if wrong is not None:
            skipped["note"].append(wrong)
            continue
        dated = msgspec.structs.replace(note, entry_date=iso(EpochS(now)))
        tx.run(SQL["put"], id=note.note_record_id, kind="note", person=note.person_record_id, entered=now,
               expires=0.0, is_gone=0, body=msgspec.json.encode(dated))  # fmt: skip
        written["note"] += 1
    return Written(tuple(
        pfif.Batch(kind, written[kind] + len(skipped[kind]), written[kind], tuple(skipped[kind])) for kind in written
    ))  # fmt: skip


def _put_person(tx: Tx, person: pfif.Person, now: float, *, is_gone: bool = False) -> None:
    """The entry date is ours; without an expiry date the record ends CASUALTY_DAYS after its source date."""
    ends = _seconds(person.expiry_date) if person.expiry_date else _seconds(person.source_date) + CASUALTY_DAYS * DAY_S
    is_over = is_gone or ends <= now
    kept = pfif.tombstone(person) if is_over else person
    dated = msgspec.structs.replace(kept, entry_date=iso(EpochS(now)), expiry_date=iso(EpochS(ends)), notes=())
    id = person.person_record_id
    if is_over:
        tx.run(SQL["drop_notes"], person=id)
    tx.run(SQL["put"], id=id, kind="person", person=id, entered=now, expires=ends, is_gone=int(is_over),
           body=msgspec.json.encode(dated))  # fmt: skip


def _wrong(note: pfif.Note, may: _May) -> pfif.Fault | None:
    """Why a note is skipped; None when it is taken."""
    if not note.note_record_id.startswith(may.domain + "/"):
        return pfif.Fault("note", note.note_record_id, "note_record_id", _not_yours(may))
    if note.status == "believed_dead" and not may.may_tell_death:
        return pfif.Fault("note", note.note_record_id, "status", "this key may not say believed_dead")
    return None


def _may(tx: Tx, shelf: Shelf, key: str) -> _May:
    row = tx.row(SQL["key"], token=rules.named(shelf.key, "pfif", key))
    if row is None:
        raise _no_key()
    return _May(str(row[0]), bool(row[1]), bool(row[2]), bool(row[3]))


def _no_key() -> Denied:
    return Denied(both("no_key"), remedy=both("no_key_remedy"), kind="key")


def _not_yours(may: _May) -> str:
    return f"not in the domain {may.domain} of this key"


def _page(tx: Tx, wanted: Wanted) -> Sequence[tuple[object, ...]]:
    where: dict[str, str | float] = {
        "kind": wanted.kind,
        "person": wanted.person,
        "limit": wanted.most,
        "skip": wanted.skip,
    }
    return _bodies(tx, "newest", **where) if wanted.since < 0 else _bodies(tx, "since", since=wanted.since, **where)


def _bodies(tx: Tx, name: str, **values: str | float) -> Sequence[tuple[object, ...]]:
    return tx.rows(SQL[name], **values)


def _persons(rows: Sequence[tuple[object, ...]]) -> list[pfif.Person]:
    return [msgspec.json.decode(row[0], type=pfif.Person) for row in rows if isinstance(row[0], bytes)]


def _notes(rows: Sequence[tuple[object, ...]]) -> list[pfif.Note]:
    return [msgspec.json.decode(row[0], type=pfif.Note) for row in rows if isinstance(row[0], bytes)]


def _notes_of(tx: Tx, person: str) -> list[pfif.Note]:
    return _notes(_bodies(tx, "notes_of", person=person, limit=PFIF_RESULTS))


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
