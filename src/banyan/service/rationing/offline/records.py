"""Terminals, leases, receipts and marks, read and written within a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final

import msgspec

from banyan.kernel.identity.openid.jose import decoded
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Row, SqlValue, Tx
from banyan.limits_rationing import OFFLINE_SWEEP
from banyan.service.rationing.offline.chain import Link
from banyan.service.rationing.offline.formats import Close, Lease, Taken, key_of

SQL: Final = load_statements("banyan.service.rationing.offline", "offline.sql")


class Terminal(msgspec.Struct, frozen=True):
    """`is_over`: it gets no lease any more (lost, stolen, closed)."""

    id: str
    outlet: str
    area: str
    sign: dict[str, str]
    agree: dict[str, str]
    is_over: bool = False


class Kept(msgspec.Struct, frozen=True):
    """A receipt of the set. `key` is the engine's."""

    id: bytes
    terminal: str
    token: str
    key: bytes


class Standing(msgspec.Struct, frozen=True):
    """What became of a receipt that came."""

    is_merged: bool
    state: str


def terminal_of(tx: Tx, id: str) -> Terminal | None:
    row = tx.row(SQL["terminal"], id=id)
    return None if row is None else _terminal(row)


def terminals(tx: Tx, outlet: str, most: int) -> tuple[Terminal, ...]:
    return tuple(_terminal(row) for row in tx.rows(SQL["terminals_of"], outlet=outlet, most=most))


def has_terminals(tx: Tx) -> bool:
    return tx.row(SQL["any_terminal"]) is not None


def enrol(tx: Tx, terminal: Terminal, *, by: str, at: float) -> Terminal:
    """The terminal as it is known; the first time that is as it came."""
    tx.run(
        SQL["enrol"],
        id=terminal.id,
        outlet=terminal.outlet,
        area=terminal.area,
        sign_jwk=msgspec.json.encode(terminal.sign),
        agree_jwk=msgspec.json.encode(terminal.agree),
        at=at,
        by=by,
    )
    if terminal.area:
        put_outlet(tx, terminal.outlet, terminal.area)
    known = terminal_of(tx, terminal.id)
    assert known is not None, "it was just put"
    return known


def put_outlet(tx: Tx, outlet: str, area: str) -> None:
    tx.run(SQL["put_outlet"], outlet=outlet, area=area)


def end(tx: Tx, id: str, outlet: str, at: float) -> None:
    tx.run(SQL["end_terminal"], id=id, outlet=outlet, at=at)


def add_lease(tx: Tx, lease: Lease) -> None:
    tx.run(
        SQL["add_lease"],
        id=lease.jti,
        terminal=lease.sub,
        outlet=lease.outlet,
        item=lease.item,
        qty=lease.qty,
        reserve=lease.reserve,
        from_s=lease.iat,
        until_s=lease.exp,
        grace_s=lease.grace,
    )


def lease_of(tx: Tx, id: str, member: str) -> tuple[Lease, bool] | None:
    """A lease, and whether it is still open."""
    row = tx.row(SQL["lease"], id=id)
    return None if row is None else (_lease(row, member), row[9] is None)


def overdue(tx: Tx, now: float, member: str) -> list[Lease]:
    return [_lease(row, member) for row in tx.rows(SQL["overdue"], now=int(now), most=OFFLINE_SWEEP)]


def keep(tx: Tx, taken: Taken, at: float) -> Standing:
    """Add a receipt to the set, unless it is there. The engine's key is terminal and counter; where another receipt has
    that counter already, the key is this one's own digest: both sales happened."""
    row = tx.row(SQL["receipt_states"], id=taken.id)
    if row is not None:
        return Standing(bool(row[0]), str(row[1]))
    receipt = taken.receipt
    is_forked = tx.row(SQL["same_counter"], terminal=receipt.trm, counter=receipt.ctr) is not None
    tx.run(
        SQL["keep_receipt"],
        id=taken.id,
        terminal=receipt.trm,
        counter=receipt.ctr,
        prev=decoded(receipt.prev),
        lease=receipt.lease,
        kind="close" if isinstance(receipt, Close) else "sale",
        qty=receipt.sold if isinstance(receipt, Close) else receipt.qty,
        at_s=receipt.at,
        token=taken.token,
        key=sha256(taken.id).digest()[:16] if is_forked else key_of(receipt.trm, receipt.ctr),
        came_at=at,
    )
    return Standing(False, "")


def waiting(tx: Tx) -> list[Kept]:
    """Kept and not merged, the oldest first."""
    rows = tx.rows(SQL["waiting"], most=OFFLINE_SWEEP)
    return [Kept(_bytes(id), str(terminal), str(token), _bytes(key)) for id, terminal, token, key, _ in rows]


def merged(tx: Tx, id: bytes, *, state: str, over: int = 0, short: int = 0) -> None:
    tx.run(SQL["merged"], id=id, state=state, over=over, short=short)


def chain(tx: Tx, terminal: str) -> list[Link]:
    rows = tx.rows(SQL["chain"], terminal=terminal)
    return [Link(_int(counter), _bytes(id), _bytes(prev), _int(at)) for counter, id, prev, at in rows]


def closes(tx: Tx, terminal: str) -> list[tuple[str, int]]:
    """Leases that the terminal says it sells no more of, with the counter of that word."""
    return [(str(lease), _int(counter)) for lease, counter in tx.rows(SQL["closes"], terminal=terminal)]


def set_hash(tx: Tx) -> tuple[int, bytes]:
    """How many receipts the set has, and SHA-256 of their ids in order: two nodes that hold the same receipts say the
    same, whatever way they came."""
    whole, count = sha256(), 0
    for (id,) in tx.rows(SQL["every_id"]):
        whole.update(_bytes(id))
        count += 1
    return count, whole.digest()


def mark(tx: Tx, person: bytes, epoch: int, tokens: Sequence[bytes], outlet: str) -> None:
    values: list[dict[str, SqlValue]] = [
        {"person": person, "epoch": epoch, "token": token, "outlet": outlet} for token in tokens
    ]
    tx.run_many(SQL["mark"], values)


def marks_near(tx: Tx, area: str, since: int) -> list[tuple[bytes, int, bytes]]:
    rows = tx.rows(SQL["marks_near"], area=area, since=since)
    return [(_bytes(person), _int(epoch), _bytes(token)) for person, epoch, token in rows]


def _terminal(row: Row) -> Terminal:
    id, outlet, area, sign, agree, ended = row
    return Terminal(str(id), str(outlet), str(area), _jwk(sign), _jwk(agree), ended is not None)


def _lease(row: Row, member: str) -> Lease:
    id, terminal, outlet, item, qty, reserve, from_s, until_s, grace_s = row[:9]
    return Lease(
        iss=member,
        sub=str(terminal),
        jti=str(id),
        outlet=str(outlet),
        item=str(item),
        qty=_int(qty),
        reserve=_int(reserve),
        iat=_int(from_s),
        exp=_int(until_s),
        grace=_int(grace_s),
    )


def _jwk(value: Any) -> dict[str, str]:
    return msgspec.json.decode(_bytes(value), type=dict[str, str])


def _int(value: object) -> int:
    assert isinstance(value, int), "a whole number was written"
    return value


def _bytes(value: object) -> bytes:
    assert isinstance(value, bytes), "bytes were written"
    return value
