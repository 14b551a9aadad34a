"""The records of the messages that this gateway's clients handed over.

waiting -> accepted (the provider's gateway has it) -> answered -> closed (its client has the answer) -> forgotten
waiting, accepted -> dead (out of time) -> waiting again by an officer, or closed
"""

from __future__ import annotations

from typing import Final, Literal, cast

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Row, Tx
from banyan.limits_road import DELIVERY_REASON_CHARACTERS

SQL: Final = load_statements("banyan.kernel.exchange.delivery", "sent.sql")
State = Literal["waiting", "accepted", "answered", "dead", "closed"]
Key = tuple[str, str]


class Sent(msgspec.Struct, frozen=True, array_like=True):
    """`client` and `service` are encoded identifiers, `peer` is the provider's member. `receipt` is this gateway's word
    to the client, `peer_receipt` the provider's gateway's, `answer_receipt` the one over the answer."""

    seq: int
    client: str
    message_id: str
    service: str
    peer: str
    lane: str
    fingerprint: bytes
    state: State
    due: EpochS
    tries: int
    accepted_at: EpochS
    until_at: EpochS
    receipt: str
    peer_receipt: str
    answer_receipt: str
    answer_status: int
    changed_at: EpochS
    reason: str
    unfetched: int = 0
    """1: nobody fetches the answer; a good one is put away at once."""

    @property
    def key(self) -> Key:
        return self.client, self.message_id


def add(tx: Tx, message: Sent) -> bool:
    """False when its client used this id before."""
    return bool(
        tx.run(
            SQL["add"],
            client=message.client,
            message_id=message.message_id,
            service=message.service,
            peer=message.peer,
            lane=message.lane,
            fingerprint=message.fingerprint,
            accepted_at=message.accepted_at,
            until_at=message.until_at,
            receipt=message.receipt,
            now=message.changed_at,
            unfetched=message.unfetched,
        )
    )


def find(tx: Tx, key: Key) -> Sent | None:
    row = tx.row(SQL["find"], client=key[0], message_id=key[1])
    return _sent(row) if row else None


def of_client(tx: Tx, client: str, after: int, limit: int) -> list[Sent]:
    return _all(tx.rows(SQL["of_client"], client=client, after=after, limit=limit))


def keys(tx: Tx, state: State) -> list[str]:
    return [str(row[0]) for row in tx.rows(SQL["keys"], state=state)]


def due(tx: Tx, state: State, peer: str, *, now: EpochS, limit: int) -> list[Sent]:
    return _all(tx.rows(SQL["due"], state=state, peer=peer, now=now, limit=limit))


def next_due(tx: Tx, state: State, peer: str) -> EpochS | None:
    row = tx.row(SQL["next_due"], state=state, peer=peer)
    return EpochS(cast(float, row[0])) if row else None


def taken(tx: Tx, key: Key, receipt: str, *, now: EpochS, due: EpochS) -> bool:
    return bool(tx.run(SQL["taken"], client=key[0], message_id=key[1], receipt=receipt, now=now, due=due))


def again(tx: Tx, message: Sent, reason: str, *, due: EpochS) -> bool:
    said = reason[:DELIVERY_REASON_CHARACTERS]
    client, message_id = message.key
    return bool(tx.run(SQL["again"], client=client, message_id=message_id, state=message.state, due=due, reason=said))


def hasten(tx: Tx, peer: str, *, now: EpochS) -> int:
    """The peer is back: how many go now instead of later."""
    return tx.run(SQL["hasten"], peer=peer, now=now)


def answered(tx: Tx, key: Key, receipt: str, status: int, *, now: EpochS) -> bool:
    """False when it has an answer already."""
    client, message_id = key
    return bool(tx.run(SQL["answered"], client=client, message_id=message_id, receipt=receipt, status=status, now=now))


def bury(tx: Tx, key: Key, reason: str, *, now: EpochS) -> bool:
    said = reason[:DELIVERY_REASON_CHARACTERS]
    return bool(tx.run(SQL["bury"], client=key[0], message_id=key[1], reason=said, now=now))


def close(tx: Tx, key: Key, *, now: EpochS) -> bool:
    return bool(tx.run(SQL["close"], client=key[0], message_id=key[1], now=now))


def revive(tx: Tx, key: Key, *, until: EpochS, now: EpochS) -> bool:
    return bool(tx.run(SQL["revive"], client=key[0], message_id=key[1], until_at=until, now=now))


def dead(tx: Tx, after: int, limit: int) -> list[Sent]:
    return _all(tx.rows(SQL["dead"], after=after, limit=limit))


def old(tx: Tx, state: State, before: EpochS, limit: int) -> list[Sent]:
    return _all(tx.rows(SQL["old"], state=state, before=before, limit=limit))


def forget(tx: Tx, key: Key, state: State) -> bool:
    return bool(tx.run(SQL["forget"], client=key[0], message_id=key[1], state=state))


def depths(tx: Tx) -> list[tuple[str, State, int, EpochS]]:
    """For each peer and state: how many, and since when the oldest waits."""
    return cast("list[tuple[str, State, int, EpochS]]", tx.rows(SQL["depths"]))


def _all(rows: list[Row]) -> list[Sent]:
    return [_sent(row) for row in rows]


def _sent(row: Row) -> Sent:
    return msgspec.convert(row, Sent)
