"""Rounds, orders, charges, words and refunds as they are kept: each function a step within a transaction."""

from __future__ import annotations

from datetime import date
from typing import Any, Final, TypeVar, cast

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Row, SqlValue, Tx
from banyan.limits_rationing import PREORDER_BATCH, PREORDER_MESSAGES, PREORDER_ROUNDS
from banyan.service.rationing.engine.model import Buyer
from banyan.service.rationing.preorder.money import Reason
from banyan.service.rationing.preorder.payment import Method
from banyan.service.rationing.preorder.rounds import Round
from banyan.service.rationing.preorder.rounds import State as RoundState
from banyan.service.rationing.preorder.states import Owed, State

SQL: Final = load_statements("banyan.service.rationing.preorder", "preorder.sql")
CHAT: Final = load_statements("banyan.service.rationing.preorder", "chats.sql")
T = TypeVar("T")
NO_PARITY: Final = -1
ChargeState = str
"""asked (the provider was not heard yet), open, paid, failed, cancelled."""


class Kept(msgspec.Struct, frozen=True):
    """A round as it stands. `cut`: places below it were won in the draw; `pool`: the engine has the goods."""

    round: Round
    state: RoundState
    cut: int
    pool: bool
    at: EpochS
    figures: bytes = b""


class Order(msgspec.Struct, frozen=True):
    """One person's order in a round. `kept` and `held` are the money here; `word` is the check word of its messages."""

    id: str
    round: str
    person: bytes
    grp: bytes
    state: State
    place: int
    turn: int
    pay_by: EpochS
    reminded: int
    kept: int
    held: int
    owes: Owed
    code: str
    word: str
    born: str
    kind: str
    parity: int
    store: str
    at: EpochS
    done_at: EpochS

    @property
    def buyer(self) -> Buyer:
        parity = None if self.parity == NO_PARITY else self.parity
        return Buyer(self.person, date.fromisoformat(self.born), parity, cast(Any, self.kind))


class KeptCharge(msgspec.Struct, frozen=True):
    reference: str
    preorder: str
    method: Method
    amount: int
    state: ChargeState
    bank: str
    account: str
    page: str
    slip: str
    until: EpochS
    at: EpochS


class KeptRefund(msgspec.Struct, frozen=True):
    """`state`: due, pending, failed (it is tried again), manual (a person pays it out), done."""

    id: str
    preorder: str
    round: str
    reference: str
    payment: str
    amount: int
    reason: Reason
    state: str
    tries: int
    due: EpochS
    moved_at: EpochS
    at: EpochS

    @property
    def key(self) -> str:
        """What the provider knows this try by: another only after it said that one failed."""
        return f"{self.id}.{self.tries}"


class Message(msgspec.Struct, frozen=True):
    """What a person was told: the kind of message and its figures."""

    at: EpochS
    kind: str
    facts: dict[str, str | int]


def round_of(tx: Tx, id: str) -> Kept | None:
    row = tx.row(SQL["round"], id=id)
    return _kept(row) if row is not None else None


def rounds(tx: Tx) -> list[Kept]:
    """The newest first."""
    return [_kept(row) for row in tx.rows(SQL["rounds"], limit=PREORDER_ROUNDS)]


def order_of(tx: Tx, round: str, person: bytes) -> Order | None:
    return _one(tx.row(SQL["of_person"], round=round, person=person))


def order_by_id(tx: Tx, id: str) -> Order | None:
    return _one(tx.row(SQL["by_id"], id=id))


def order_by_code(tx: Tx, code: str) -> Order | None:
    return _one(tx.row(SQL["by_code"], code=code))


def orders_of(tx: Tx, person: bytes) -> list[Order]:
    return orders(tx, "all_of_person", person=person, limit=PREORDER_ROUNDS)


def orders(tx: Tx, statement: str, **values: SqlValue) -> list[Order]:
    """Orders by a named statement; a batch of them unless it says how many."""
    bound = values if "limit" in values else {**values, "limit": PREORDER_BATCH}
    return [_read(row, Order) for row in tx.rows(SQL[statement], **bound)]


def ticket_of(tx: Tx, id: str) -> bytes:
    """Empty before the draw's list is closed, and where places go as people come."""
    row = tx.row(SQL["ticket_of"], id=id)
    return cast(bytes, row[0]) if row is not None else b""


def charge_of(tx: Tx, reference: str) -> KeptCharge | None:
    row = tx.row(SQL["charge"], reference=reference)
    return _read(row, KeptCharge) if row is not None else None


def charges_of(tx: Tx, order: str) -> list[KeptCharge]:
    return [_read(row, KeptCharge) for row in tx.rows(SQL["charges"], preorder=order)]


def charges(tx: Tx, statement: str, **values: SqlValue) -> list[KeptCharge]:
    return [_read(row, KeptCharge) for row in tx.rows(SQL[statement], limit=PREORDER_BATCH, **values)]


def refunds_of(tx: Tx, order: str) -> list[KeptRefund]:
    return [_read(row, KeptRefund) for row in tx.rows(SQL["refunds"], preorder=order)]


def refunds(tx: Tx, statement: str, **values: SqlValue) -> list[KeptRefund]:
    return [_read(row, KeptRefund) for row in tx.rows(SQL[statement], limit=PREORDER_BATCH, **values)]


def tell(tx: Tx, order: Order, kind: str, now: EpochS, **facts: str | int) -> None:
    """Say something to the person, in the commit that makes it true."""
    tx.run(SQL["tell"], preorder=order.id, at=now, kind=kind, facts=msgspec.json.encode(facts))
    tx.run(SQL["phone_waits"], preorder=order.id)
    tx.run(CHAT["wait"], preorder=order.id)


def messages_of(tx: Tx, order: str) -> list[Message]:
    rows = tx.rows(SQL["messages"], preorder=order, limit=PREORDER_MESSAGES)
    return [Message(_at(row[0]), str(row[1]), msgspec.json.decode(cast(bytes, row[2]))) for row in rows]


def count(tx: Tx, statement: str, **values: SqlValue) -> int:
    row = tx.row(SQL[statement], **values)
    return int(str(row[0])) if row is not None else 0


def moment(tx: Tx, statement: str, **values: SqlValue) -> EpochS | None:
    """The first column of a statement that finds a time, or nothing."""
    row = tx.row(SQL[statement], **values)
    return _at(row[0]) if row is not None else None


def _at(value: SqlValue) -> EpochS:
    return EpochS(float(str(value)))


def _kept(row: Row) -> Kept:
    return Kept(
        msgspec.json.decode(cast(bytes, row[1]), type=Round),
        cast(RoundState, row[2]),
        int(str(row[3])),
        bool(row[4]),
        _at(row[5]),
        cast(bytes, row[6]),
    )


def _one(row: Row | None) -> Order | None:
    return _read(row, Order) if row is not None else None


def _read(row: Row, kind: type[T]) -> T:
    return msgspec.convert(dict(zip(cast(Any, kind).__struct_fields__, row, strict=True)), kind)
