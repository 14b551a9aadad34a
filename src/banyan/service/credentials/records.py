"""The records of this service: offers, batches, entries of status lists. Each function is one transaction's step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TypeVar

import msgspec

from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import SqlValue, Tx
from banyan.limits_identity import OPENID_ACCESS_S
from banyan.limits_mydata import (
    CREDENTIAL_BATCH,
    CREDENTIAL_LIST,
    CREDENTIAL_S,
    CREDENTIAL_STATUSES,
)
from banyan.wire.sdjwt.status import INVALID, StatusList

SQL: Final = load_statements("banyan.service.credentials", "credentials.sql")
T = TypeVar("T", bound=msgspec.Struct)


class Waiting(msgspec.Struct, frozen=True):
    """An offer as its person sees it."""

    id: str
    kind: str
    fields: tuple[str, ...]
    remaining: int
    at: float
    expires: float


class Ready(msgspec.Struct, frozen=True):
    """An offer as the wallet fetches it; `sealed` is None once everything was."""

    subject: str
    kind: str
    fields: tuple[str, ...]
    sealed: bytes | None
    remaining: int


class Batch(msgspec.Struct, frozen=True):
    """Credentials that were issued together. `revoked_by` is `holder`, or the agency's officer by pseudonym."""

    id: str
    kind: str
    fields: tuple[str, ...]
    size: int
    at: float
    expires: float
    revoked_at: float | None
    revoked_by: str


class NewBatch(msgspec.Struct, frozen=True):
    """What is to be written of a batch; `draws` are random entries to try, more than will be needed."""

    id: str
    offer: str
    size: int
    draws: tuple[int, ...]
    now: float
    expires: float


Places = list[tuple[int, int]]
"""(list, index) of each credential of a batch."""


def add_offer(tx: Tx, id: str, ready: Ready, *, now: float, expires: float) -> None:
    """What is left of older offers goes first. A token lives on after its code, so the offer waits that long too."""
    tx.run(SQL["sweep_offers"], now=now)
    tx.run(
        SQL["add_offer"],
        id=id,
        subject=ready.subject,
        kind=ready.kind,
        fields=_joined(ready.fields),
        sealed=ready.sealed,
        remaining=ready.remaining,
        at=now,
        expires=expires,
        gone=expires + OPENID_ACCESS_S,
    )


def offer_by_id(tx: Tx, id: str, now: float) -> Ready | None:
    row = tx.row(SQL["offer"], id=id, now=now)
    if row is None:
        return None
    subject, kind, fields, sealed, remaining = row
    assert sealed is None or isinstance(sealed, bytes), "what is sealed is bytes"
    return Ready(str(subject), str(kind), _parted(fields), sealed, int(str(remaining)))


def offers_of(tx: Tx, subject: str, now: float) -> list[Waiting]:
    rows = tx.rows(SQL["offers_of"], subject=subject, now=now, limit=CREDENTIAL_LIST)
    return [_read(Waiting, row) for row in rows]


def drop_offer(tx: Tx, id: str, subject: str) -> bool:
    return tx.row(SQL["drop_offer"], id=id, subject=subject) is not None


def fetch(tx: Tx, batch: NewBatch, ready: Ready) -> Places | None:
    """Take `size` of an offer's credentials and their entries, and note the batch; None when fewer are left."""
    left = tx.row(SQL["take_of_offer"], id=batch.offer, size=batch.size, now=batch.now)
    if left is None:
        return None
    if left[0] == 0:
        tx.run(SQL["empty_offer"], id=batch.offer)
    tx.run(
        SQL["add_batch"],
        id=batch.id,
        offer=batch.offer,
        subject=ready.subject,
        kind=ready.kind,
        fields=_joined(ready.fields),
        size=batch.size,
        at=batch.now,
        expires=batch.expires,
    )
    return _places(tx, batch)


def _places(tx: Tx, batch: NewBatch) -> Places:
    """Random entries of the newest list: neighbours would tell which credentials are one person's. A list is left when
    it is half full, so that a few draws find room."""
    newest = _number(tx.row(SQL["newest_list"]))
    if newest == 0 or _number(tx.row(SQL["count_issued"], list=newest)) + batch.size > CREDENTIAL_STATUSES // 2:
        newest += 1
        tx.run(SQL["add_list"], id=newest)
    places: Places = []
    for index in batch.draws:
        if len(places) == batch.size:
            break
        if tx.row(SQL["take_entry"], list=newest, idx=index, batch=batch.id) is not None:
            places.append((newest, index))
    assert len(places) == batch.size, "over half of a list is free, and there are sixty-four draws"
    return places


def batches_of(tx: Tx, subject: str, now: float) -> list[Batch]:
    rows = tx.rows(SQL["batches_of"], subject=subject, now=now, limit=CREDENTIAL_LIST)
    return [_read(Batch, row) for row in rows]


def subject_of_batch(tx: Tx, id: str) -> str:
    """Empty for a batch that is not there."""
    row = tx.row(SQL["batch_subject"], id=id)
    return str(row[0]) if row else ""


def batch_of_entry(tx: Tx, number: int, index: int) -> str:
    row = tx.row(SQL["batch_of_entry"], list=number, idx=index)
    return str(row[0]) if row else ""


def revoke(tx: Tx, batch: str, *, by: str, now: float) -> bool:
    """Whether it was revoked now; False when it was before or is not there."""
    if tx.row(SQL["revoke_batch"], id=batch, at=now, revoked_by=by) is None:
        return False
    tx.run(SQL["revoke_issued"], batch=batch)
    for row in tx.rows(SQL["lists_of_batch"], batch=batch):
        tx.run(SQL["grow_version"], id=row[0])
    return True


def list_version(tx: Tx, number: int) -> int:
    """0 for a list that is not there."""
    return _number(tx.row(SQL["list_version"], id=number))


def status_list(tx: Tx, number: int) -> StatusList:
    statuses = StatusList(CREDENTIAL_STATUSES)
    for row in tx.rows(SQL["revoked_entries"], list=number):
        statuses.set(int(str(row[0])), INVALID)
    return statuses


def new_batch(id: str, offer: str, size: int, *, random: bytes, now: float) -> NewBatch:
    """`random` holds four bytes for each draw. The end is cut to the day, or it would tell what was issued together."""
    assert 1 <= size <= CREDENTIAL_BATCH, "the request was bounded"
    draws = tuple(int.from_bytes(random[at : at + 4]) % CREDENTIAL_STATUSES for at in range(0, len(random), 4))
    return NewBatch(id, offer, size, draws, now, now // 86_400 * 86_400 + CREDENTIAL_S)


def _number(row: Sequence[SqlValue] | None) -> int:
    return int(str(row[0])) if row is not None and row[0] is not None else 0


def _joined(fields: Iterable[str]) -> str:
    return " ".join(fields)


def _parted(fields: SqlValue) -> tuple[str, ...]:
    return tuple(str(fields).split())


def _read(kind: type[T], row: Sequence[SqlValue]) -> T:
    values = dict(zip(kind.__struct_fields__, row, strict=True))
    return msgspec.convert(values | {"fields": _parted(values["fields"])}, kind, strict=False)
