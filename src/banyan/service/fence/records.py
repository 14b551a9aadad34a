"""The rows of the fence, read and written within a transaction. Words in them are sealed before they come here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, Literal, TypeVar

import msgspec

from banyan.kernel.storage.store import Row, Tx
from banyan.limits_fence import FENCE_LIST, FENCE_PEOPLE
from banyan.service.fence.ladder import Ladder
from banyan.service.fence.sealing import SQL

State = Literal["watched", "hospital", "over"]
Enrolment = Literal["none", "sent", "verified", "wrong-number", "no-phone", "no-sim"]
TAIWAN_S: Final = 8 * 3_600.0
DAY_S: Final = 86_400.0
T = TypeVar("T", bound=msgspec.Struct)
_ladder: Final = msgspec.json.Decoder(Ladder)


class Held(msgspec.Struct, frozen=True):
    """One case. `slot` is the phone among the positions; `day` (ISO, Taiwan) when its key ends; `until` when the
    quarantine does."""

    id: str
    slot: int
    person: str
    phone: str
    power: str
    day: str
    salt: bytes
    sealed: bytes
    village: str
    state: State
    enrolment: Enrolment
    start: float
    until: float


class Who(msgspec.Struct, frozen=True):
    """What is sealed of a case. `ground`: arrival, contact, or self-health (自主健康管理)."""

    number: str
    name: str
    phone: str
    address: str
    ground: Literal["arrival", "contact", "self-health"]
    lon: float | None = None
    lat: float | None = None


class Alarm(msgspec.Struct, frozen=True):
    """`agency` is of the officer who took it."""

    id: str
    held: str
    kind: str
    venue: str
    village: str
    opened: float
    agency: str
    ladder: Ladder


class Step(msgspec.Struct, frozen=True):
    alarm: str
    at: float
    kind: str
    agency: str
    officer: str
    note: bytes


class Message(msgspec.Struct, frozen=True):
    id: str
    held: str
    alarm: str
    at: float
    words: bytes
    digest: bytes
    sent: float | None
    answered: float | None


class Link(msgspec.Struct, frozen=True):
    """Somebody's chat: a keyed name of who is there, the sealed address, and the language they spoke."""

    contact: str
    address: bytes
    lang: Literal["zh-Hant", "en"]


class Appeal(msgspec.Struct, frozen=True):
    id: str
    held: str
    alarm: str
    office: str
    village: str
    at: float
    due: float
    words: bytes
    outcome: str
    decided: float | None
    agency: str
    reason: bytes


class Arrival(msgspec.Struct, frozen=True):
    """A register's entry that did not come in, by its number there: what is in the way, and where it is."""

    entry: str
    fault: str
    village: str
    agency: str
    at: float


def add_held(tx: Tx, held: Held) -> None:
    tx.run(SQL["add_held"], **msgspec.structs.asdict(held))


def next_slot(tx: Tx) -> int:
    row = tx.row(SQL["next_slot"])
    assert row is not None, "a maximum has a row"
    return int(str(row[0]))


def held_by_id(tx: Tx, id: str) -> Held | None:
    return _held(tx.row(SQL["held_by_id"], id=id))


def held_by_person(tx: Tx, person: str, power: str) -> Held | None:
    return _held(tx.row(SQL["held_by_person"], person=person, power=power))


def held_by_phone(tx: Tx, phone: str, power: str) -> list[Held]:
    """At most two: with a second the phone says nothing of who answered."""
    return [one for row in tx.rows(SQL["held_by_phone"], phone=phone, power=power) if (one := _held(row))]


def held_by_slot(tx: Tx, slot: int) -> Held | None:
    return _held(tx.row(SQL["held_by_slot"], slot=slot))


def living(tx: Tx, power: str) -> list[Held]:
    return [one for row in tx.rows(SQL["living"], power=power, limit=FENCE_PEOPLE) if (one := _held(row))]


def slots_by_phone(tx: Tx, power: str) -> dict[str, int]:
    """Of phones that one watched case has: their numbers among the positions."""
    return {str(row[0]): int(str(row[1])) for row in tx.rows(SQL["phones"], power=power, limit=FENCE_PEOPLE)}


def admitted_version(tx: Tx, person: str, power: str) -> int:
    """The newest version of a register's entry of somebody that was taken; 0 for none."""
    row = tx.row(SQL["admitted"], person=person, power=power)
    return int(str(row[0])) if row else 0


def arrivals(tx: Tx, power: str) -> list[Arrival]:
    return [_read(Arrival, row) for row in tx.rows(SQL["arrivals"], power=power, limit=FENCE_LIST)]


def put_arrival(tx: Tx, power: str, one: Arrival) -> None:
    tx.run(SQL["put_arrival"], power=power, **msgspec.structs.asdict(one))


def drop_arrival(tx: Tx, power: str, entry: str) -> None:
    tx.run(SQL["drop_arrival"], power=power, entry=entry)


def add_alarm(tx: Tx, alarm: Alarm) -> None:
    tx.run(SQL["add_alarm"], id=alarm.id, held=alarm.held, kind=alarm.kind, stage=alarm.ladder.stage, venue=alarm.venue,
           village=alarm.village, opened=alarm.opened, document=msgspec.json.encode(alarm.ladder))  # fmt: skip


def put_alarm(tx: Tx, alarm: Alarm) -> None:
    tx.run(SQL["put_alarm"], id=alarm.id, stage=alarm.ladder.stage, agency=alarm.agency,
           document=msgspec.json.encode(alarm.ladder))  # fmt: skip


def alarm_by_id(tx: Tx, id: str) -> Alarm | None:
    return _alarm(tx.row(SQL["alarm"], id=id))


def open_alarm(tx: Tx, held: str, kind: str) -> Alarm | None:
    return _alarm(tx.row(SQL["open_alarm"], held=held, kind=kind))


def open_alarms(tx: Tx) -> list[Alarm]:
    return [one for row in tx.rows(SQL["open_alarms"], limit=FENCE_PEOPLE) if (one := _alarm(row))]


def alarms_of(tx: Tx, held: str) -> list[Alarm]:
    return [one for row in tx.rows(SQL["alarms_of"], held=held, limit=FENCE_LIST) if (one := _alarm(row))]


def add_step(tx: Tx, held: str, step: Step) -> None:
    tx.run(SQL["add_step"], held=held, **msgspec.structs.asdict(step))


def steps_of(tx: Tx, held: str) -> list[Step]:
    return [_read(Step, row) for row in tx.rows(SQL["steps"], held=held, limit=FENCE_LIST)]


def message_by_id(tx: Tx, id: str) -> Message | None:
    row = tx.row(SQL["message"], id=id)
    return _read(Message, row) if row is not None else None


def newest_question(tx: Tx, held: str) -> Message | None:
    row = tx.row(SQL["newest_question"], held=held)
    return _read(Message, row) if row is not None else None


def chat_of_case(tx: Tx, held: str) -> Link | None:
    row = tx.row(SQL["chat"], held=held)
    return _read(Link, row) if row is not None else None


def appeals_of(tx: Tx, held: str) -> list[Appeal]:
    return [_read(Appeal, row) for row in tx.rows(SQL["appeals_of"], held=held, limit=FENCE_LIST)]


def open_appeals(tx: Tx) -> list[Appeal]:
    return [_read(Appeal, row) for row in tx.rows(SQL["appeals"], limit=FENCE_LIST)]


def appeal_by_id(tx: Tx, id: str) -> Appeal | None:
    row = tx.row(SQL["appeal"], id=id)
    return _read(Appeal, row) if row is not None else None


def count(tx: Tx, at: float, name: str, value: float = 1.0) -> None:
    """Add to a number of the day."""
    tx.run(SQL["tally"], day=day_of(at), name=name, value=value)


def forget(tx: Tx, held: str) -> None:
    """Delete a case and all that hangs on it."""
    for name in ("drop_alarms", "drop_steps", "drop_messages", "drop_calls", "drop_appeals", "drop_code",
                 "drop_admission", "drop_chat", "drop_chat_code", "drop_held"):  # fmt: skip
        tx.run(SQL[name], held=held)


def day_of(at: float) -> str:
    """Taiwan's day of a moment, ISO 8601."""
    return datetime.fromtimestamp(at + TAIWAN_S, UTC).date().isoformat()


def _held(row: Row | None) -> Held | None:
    return _read(Held, row) if row is not None else None


def _alarm(row: Row | None) -> Alarm | None:
    if row is None:
        return None
    assert isinstance(row[7], bytes), "a document is bytes"
    ladder = _ladder.decode(row[7])
    return msgspec.convert(dict(zip(Alarm.__struct_fields__[:7], row[:7], strict=True)) | {"ladder": ladder}, Alarm)


def _read(kind: type[T], row: Row) -> T:
    return msgspec.convert(dict(zip(kind.__struct_fields__, row, strict=True)), kind)
