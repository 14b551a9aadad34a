"""The register: persons and their stays, read and written within a transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

import msgspec

from banyan.craft.match.folding import ideographs, words
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Row, SqlValue, Statement, Tx
from banyan.limits_casualties import CASUALTY_MOST
from banyan.service.casualties.rules import Stay, current, is_unnamed
from banyan.service.casualties.sheet import Row as Said

SQL: Final = load_statements("banyan.service.casualties", "casualties.sql")
R = TypeVar("R")


class Patient(msgspec.Struct, frozen=True):
    """`person` is the keyed name of the number, hex; empty when nobody knows it."""

    id: str
    name: str
    person: str
    born: str
    sex: str
    is_protected: bool
    expires: float


class Told(msgspec.Struct, frozen=True):
    """Who a hospital said a person is; `person` as of `Patient`."""

    hospital: str
    name: str
    person: str
    born: str
    sex: str
    at: float


class Reported(msgspec.Struct, frozen=True):
    """One row with what chance and the key gave it: `id` is used when the person is new."""

    said: Said
    id: str
    person: str
    tokens: tuple[bytes, ...]
    expires: float


def file_row(tx: Tx, row: Reported) -> str:
    """Join a row to the person it is about, or begin one. Returns `new`, `joined` (another hospital has her already),
    `changed` or `same`."""
    said = row.said
    known = _same(tx, row)
    id, before = (known.id, stays_of(tx, known.id)) if known is not None else (row.id, ())
    if known is None:
        add(tx, id, Told(said.hospital, said.name, row.person, said.born, said.sex, said.at), row.expires)
    else:
        tx.run(SQL["refresh"], id=known.id, person=known.person or row.person, born=known.born or said.born,
               sex=known.sex or said.sex, expires=max(known.expires, row.expires))  # fmt: skip
    outcome = _news(said, before) if known is not None else "new"
    tx.run(SQL["tell"], id=id, hospital=said.hospital, **_names(said.name), person=row.person, born=said.born,
           sex=said.sex, at=said.at)  # fmt: skip
    tx.run_many(SQL["open_probe"], [{"token": token, "id": id, "hospital": said.hospital} for token in row.tokens])
    if outcome != "same":
        at = max([said.at, *(one.at + 0.001 for one in before if one.hospital == said.hospital and one.at >= said.at)])
        tx.run(SQL["say"], id=id, hospital=said.hospital, at=at, status=said.status, ward=said.ward,
               phone=said.phone, towards=said.towards)  # fmt: skip
    return outcome


def add(tx: Tx, id: str, said: Told, expires: float) -> None:
    """A record of its own."""
    tx.run(SQL["add"], id=id, **_names(said.name), person=said.person, born=said.born, sex=said.sex, now=said.at,
           expires=expires)  # fmt: skip


def stays_of(tx: Tx, id: str) -> tuple[Stay, ...]:
    return tuple(_stay(row) for row in tx.rows(SQL["stays"], id=id))


def told_of(tx: Tx, id: str) -> tuple[Told, ...]:
    return tuple(_told(row) for row in tx.rows(SQL["told"], id=id))


def by_id(tx: Tx, id: str) -> Patient | None:
    """By the register's own id."""
    row = tx.row(SQL["by_id"], id=id)
    return _patient(row) if row is not None else None


def person_of(tx: Tx, person: str) -> Patient | None:
    """By the keyed name of the number."""
    row = tx.row(SQL["by_person"], person=person)
    return _patient(row) if row is not None else None


def probed(tx: Tx, token: bytes) -> list[Patient]:
    return [_patient(row) for row in tx.rows(SQL["by_probe"], token=token)]


def everybody(tx: Tx) -> list[Patient]:
    return [_patient(row) for row in tx.rows(SQL["alive"], limit=CASUALTY_MOST)]


def all_stays(tx: Tx) -> Mapping[str, Sequence[Stay]]:
    return _by_patient(tx, SQL["all_stays"], _stay)


def all_told(tx: Tx) -> Mapping[str, Sequence[Told]]:
    return _by_patient(tx, SQL["all_told"], _told)


def bury(tx: Tx, id: str, now: float) -> bool:
    """Leave the tombstone of a person whose record is over; False when it is not."""
    if not tx.run(SQL["bury"], id=id, now=now):
        return False
    _forget(tx, id)
    return True


def become_one(tx: Tx, id: str, other: str) -> None:
    """All that was said of the other record goes to this one, and the other is no more."""
    for name in ("move_stays", "move_told", "move_probes"):
        tx.run(SQL[name], id=id, other=other, hospital="")
    _forget(tx, other)
    tx.run(SQL["drop"], id=other)


def part_from(tx: Tx, patient: Patient, hospital: str, id: str) -> bool:
    """What one hospital said becomes a record of its own, by `id`, and both are named anew by what they are told by;
    False when no other hospital is left to tell who the first is, or this one never told."""
    told = told_of(tx, patient.id)
    own = next((one for one in told if one.hospital == hospital), None)
    rest = [one for one in told if one.hospital != hospital]
    if own is None or not rest:
        return False
    add(tx, id, own, patient.expires)
    for name in ("move_stays", "move_told", "move_probes"):
        tx.run(SQL[name], id=id, other=patient.id, hospital=hospital)
    first = rest[0]
    said = {
        name: next((getattr(one, name) for one in rest if getattr(one, name)), "") for name in ("person", "born", "sex")
    }
    tx.run(SQL["known_as"], id=patient.id, **_names(first.name), **said)
    if patient.is_protected:
        tx.run(SQL["protect"], id=id, is_protected=1)
    return True


def _same(tx: Tx, row: Reported) -> Patient | None:
    """Whom the row is about: by number; else by full name and birth date, unless the numbers differ; a person without
    either only within one hospital. Two records that turn out to be one become one."""
    by_number = person_of(tx, row.person) if row.person else None
    if is_unnamed(row.said.name):
        return by_number
    names = _names(row.said.name)
    found = [_patient(one) for one in tx.rows(SQL["by_name"], born=row.said.born,
             square=names["square"], letters=names["letters"])]  # fmt: skip
    if not row.said.born:
        found = [one for one in found if _has_been(tx, one.id, row.said.hospital)]
    open_ = [one for one in found if not one.person or not row.person or one.person == row.person]
    open_ = [one for one in open_ if not one.sex or not row.said.sex or one.sex == row.said.sex]
    if by_number is None:
        own = [one for one in open_ if _has_been(tx, one.id, row.said.hospital)] if len(open_) > 1 else open_
        return (own or open_)[0] if len(open_) == 1 or (open_ and row.said.born) else None
    for other in open_:
        if other.id != by_number.id and not other.person and not are_two(tx, by_number.id, other.id):
            become_one(tx, by_number.id, other.id)
    return by_number


def are_two(tx: Tx, one: str, other: str) -> bool:
    """Whether an officer said that these records are two persons."""
    first, second = sorted((one, other))
    return tx.row(SQL["apart"], one=first, other=second) is not None


def _forget(tx: Tx, id: str) -> None:
    for name in ("drop_stays", "drop_told", "drop_probes", "drop_looks"):
        tx.run(SQL[name], id=id)


def _has_been(tx: Tx, id: str, hospital: str) -> bool:
    return any(one.hospital == hospital for one in stays_of(tx, id))


def _news(said: Said, before: Sequence[Stay]) -> str:
    """What a row adds: the same word of the same hospital again adds nothing."""
    own = [one for one in before if one.hospital == said.hospital]
    if not own:
        return "joined"
    last = current(own)
    word = (said.status, said.ward or last.ward, said.phone or last.phone, said.towards or last.towards)
    return "same" if word == (last.status, last.ward, last.phone, last.towards) else "changed"


def _names(name: str) -> dict[str, SqlValue]:
    return {"name": name, "square": ideographs(name), "letters": " ".join(sorted(words(name)))}


def _patient(row: Row) -> Patient:
    return msgspec.convert(dict(zip(Patient.__struct_fields__, (*row[:5], bool(row[5]), row[6]), strict=True)), Patient)


def _by_patient(tx: Tx, statement: Statement, read: Callable[[Row], R]) -> Mapping[str, Sequence[R]]:
    found: defaultdict[str, list[R]] = defaultdict(list)
    for row in tx.rows(statement):
        found[str(row[0])].append(read(row[1:]))
    return found


def _told(row: Row) -> Told:
    return msgspec.convert(dict(zip(Told.__struct_fields__, row, strict=True)), Told)


def _stay(row: Row) -> Stay:
    return msgspec.convert(dict(zip(Stay.__struct_fields__, row, strict=True)), Stay)
