"""The records of the messages that this gateway's providers are to answer.

waiting -> handing (the provider may have it) -> answered -> returned (the client's gateway has it) -> forgotten
handing -> waiting (certainly not handed, or handed again with a mark) or aside (an officer decides)
A synchronous call that asked to be known begins as `handing` and stays `answered` until it is forgotten.
"""

from __future__ import annotations

from typing import Final, Literal, cast

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Row, Tx
from banyan.limits_road import DELIVERY_REASON_CHARACTERS

SQL: Final = load_statements("banyan.kernel.exchange.delivery", "received.sql")
State = Literal["waiting", "handing", "answered", "returned", "aside"]
Kind = Literal["async", "sync"]


class Key(msgspec.Struct, frozen=True):
    client: str
    message_id: str
    kind: Kind = "async"

    @property
    def pair(self) -> tuple[str, str]:
        return self.client, self.message_id

    @property
    def values(self) -> dict[str, str]:
        return {"kind": self.kind, "client": self.client, "message_id": self.message_id}


class Received(msgspec.Struct, frozen=True, array_like=True):
    """`peer` is the client's member, where the answer goes. `handings`: how often the provider may have got it."""

    seq: int
    kind: Kind
    client: str
    message_id: str
    service: str
    peer: str
    lane: str
    fingerprint: bytes
    state: State
    due: EpochS
    tries: int
    handings: int
    accepted_at: EpochS
    until_at: EpochS
    receipt: str
    answer_receipt: str
    answer_status: int
    changed_at: EpochS
    reason: str

    @property
    def key(self) -> Key:
        return Key(self.client, self.message_id, self.kind)


def add(tx: Tx, message: Received) -> bool:
    """False when its client used this id before."""
    return bool(
        tx.run(
            SQL["add"],
            service=message.service,
            peer=message.peer,
            lane=message.lane,
            fingerprint=message.fingerprint,
            state=message.state,
            handings=message.handings,
            accepted_at=message.accepted_at,
            until_at=message.until_at,
            receipt=message.receipt,
            now=message.changed_at,
            **message.key.values,
        )
    )


def find(tx: Tx, key: Key) -> Received | None:
    row = tx.row(SQL["find"], **key.values)
    return _received(row) if row else None


def services(tx: Tx) -> list[str]:
    return [str(row[0]) for row in tx.rows(SQL["services"])]


def peers(tx: Tx) -> list[str]:
    return [str(row[0]) for row in tx.rows(SQL["peers"])]


def to_hand(tx: Tx, service: str, now: EpochS, limit: int) -> list[Received]:
    return _all(tx.rows(SQL["to_hand"], key=service, now=now, limit=limit))


def next_to_hand(tx: Tx, service: str) -> EpochS | None:
    return _due(tx.row(SQL["next_to_hand"], key=service))


def to_bring(tx: Tx, peer: str, now: EpochS, limit: int) -> list[Received]:
    return _all(tx.rows(SQL["to_bring"], key=peer, now=now, limit=limit))


def next_to_bring(tx: Tx, peer: str) -> EpochS | None:
    return _due(tx.row(SQL["next_to_bring"], key=peer))


def hand(tx: Tx, message: Received, *, now: EpochS) -> bool:
    """False when it is not as `message` says any more."""
    return bool(tx.run(SQL["hand"], now=now, handings=message.handings, tries=message.tries, **message.key.values))


def hand_again(tx: Tx, key: Key, *, now: EpochS) -> bool:
    return bool(tx.run(SQL["hand_again"], now=now, **key.values))


def not_handed(tx: Tx, key: Key, reason: str, *, due: EpochS) -> bool:
    return bool(tx.run(SQL["not_handed"], due=due, reason=_short(reason), **key.values))


def unsure(tx: Tx, key: Key, reason: str, *, due: EpochS) -> bool:
    return bool(tx.run(SQL["unsure"], due=due, reason=_short(reason), **key.values))


def aside(tx: Tx, key: Key, reason: str, *, now: EpochS) -> bool:
    return bool(tx.run(SQL["aside"], now=now, reason=_short(reason), **key.values))


def answered(tx: Tx, key: Key, receipt: str, status: int, *, now: EpochS) -> bool:
    return bool(tx.run(SQL["answered"], receipt=receipt, status=status, now=now, **key.values))


def bring_again(tx: Tx, key: Key, reason: str, *, due: EpochS) -> bool:
    return bool(tx.run(SQL["bring_again"], due=due, reason=_short(reason), **key.values))


def hasten(tx: Tx, peer: str, *, now: EpochS) -> int:
    """The member is back: how many answers are brought now instead of later."""
    return tx.run(SQL["hasten"], peer=peer, now=now)


def bring_now(tx: Tx, key: Key, *, now: EpochS) -> bool:
    return bool(tx.run(SQL["bring_now"], now=now, **key.values))


def returned(tx: Tx, key: Key, *, now: EpochS) -> bool:
    return bool(tx.run(SQL["returned"], now=now, **key.values))


def revive(tx: Tx, key: Key, *, now: EpochS) -> bool:
    return bool(tx.run(SQL["revive"], now=now, **key.values))


def handing(tx: Tx, limit: int) -> list[Received]:
    return _all(tx.rows(SQL["handing"], limit=limit))


def asides(tx: Tx, after: int, limit: int) -> list[Received]:
    return _all(tx.rows(SQL["asides"], after=after, limit=limit))


def waiting_of_clients(tx: Tx) -> dict[str, int]:
    return dict(cast("list[tuple[str, int]]", tx.rows(SQL["waiting_of_client"])))


def depths(tx: Tx) -> list[tuple[str, State, int, EpochS]]:
    """For each service and state: how many, and since when the oldest is known."""
    return cast("list[tuple[str, State, int, EpochS]]", tx.rows(SQL["depths"]))


def over(tx: Tx, kind: Kind, state: State, before: EpochS, limit: int) -> list[Received]:
    return _all(tx.rows(SQL["over"], kind=kind, state=state, before=before, limit=limit))


def unclaimed(tx: Tx, before: EpochS, limit: int) -> list[Received]:
    return _all(tx.rows(SQL["unclaimed"], before=before, limit=limit))


def forget(tx: Tx, message: Received) -> bool:
    return bool(tx.run(SQL["forget"], state=message.state, **message.key.values))


def _short(reason: str) -> str:
    return reason[:DELIVERY_REASON_CHARACTERS]


def _due(row: Row | None) -> EpochS | None:
    return EpochS(cast(float, row[0])) if row else None


def _all(rows: list[Row]) -> list[Received]:
    return [_received(row) for row in rows]


def _received(row: Row) -> Received:
    return msgspec.convert(row, Received)
