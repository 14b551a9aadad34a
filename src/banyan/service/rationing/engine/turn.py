"""One transaction of the engine over SQL records: the clock's row is held, so all nodes decide in one order."""

from __future__ import annotations

from typing import Final
from zlib import crc32

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Row, SqlValue, Tx
from banyan.service.rationing.engine.days import day_of
from banyan.service.rationing.engine.law import Law
from banyan.service.rationing.engine.model import Event, Receipt, Refusal, Stock
from banyan.service.rationing.engine.rulebook import Edition, RuleBook
from banyan.service.rationing.engine.rules import Purchase

SQL = load_statements("banyan.service.rationing.engine", "recorded.sql")
_MOVES: Final = ("available", "delivered", "corrected", "returned", "sold", "reserved", "leased", "short")


class Hold(msgspec.Struct, frozen=True):
    """A row of `hold`."""

    key: bytes
    outlet: str
    item: str
    qty: int
    kept: int
    until_ms: int
    state: str
    is_lease: bool
    person: bytes
    day: int
    granted_ms: int


class Turn:
    """`begin` takes the row, `end` writes the time and the newest number."""

    def __init__(self, tx: Tx, at_ms: int, law: Law) -> None:
        self.tx = tx
        row = tx.row(SQL["take_turn"])
        assert row is not None, "the migration made the row"
        self.at_ms, self.seq = max(at_ms, whole(row[0])), whole(row[1])
        self.law = law
        self.day = day_of(self.at_ms / 1000)
        self.now = EpochS(self.at_ms / 1000)
        self.events: list[Event] = []

    def end(self) -> None:
        self.tx.run(SQL["end_turn"], at=self.at_ms, seq=self.seq)

    def known(self, key: bytes, checksum: int) -> Receipt | Refusal | None:
        """The receipt of this command when its key was used; a refusal when it was another's."""
        row = self.tx.row(SQL["command"], key=key)
        if row is None:
            return None
        return receipt(key, row) if whole(row[1]) == checksum else Refusal("key_reused", field="key")

    def accept(self, key: bytes, checksum: int, *, over: int = 0, short: int = 0) -> Receipt:
        self.seq += 1
        values = {"seq": self.seq, "sum": checksum, "at": self.at_ms, "over": over, "short": short}
        self.tx.run(SQL["keep_command"], key=key, **values)
        return Receipt(self.seq, self.now, key, over, short)

    def tell(self, what: str, key: bytes, outlet: str, item: str, qty: int, *, ref: bytes = b"") -> None:
        """After the change, so that the stock is the one after it."""
        self.events.append(Event(self.seq, self.now, what, key, outlet, item, qty, self.stock(outlet, item), ref))

    def stock(self, outlet: str, item: str) -> Stock:
        row = self.tx.row(SQL["stock"], outlet=outlet, item=item)
        return Stock() if row is None else Stock(*map(whole, row))

    def move(self, outlet: str, item: str, **units: int) -> None:
        """By Stock's names."""
        changes = {name: units.get(name, 0) for name in _MOVES}
        if not self.tx.run(SQL["move"], outlet=outlet, item=item, **changes):
            self.tx.run(SQL["first_move"], outlet=outlet, item=item, **changes)

    def history(self, person: bytes) -> list[Purchase]:
        return history(self.tx, person)

    def count(self, person: bytes, day: int, item: str, qty: int) -> None:
        """A purchase; what is too old to matter goes."""
        self.tx.run(SQL["forget_purchases"], person=person, day=day - self.law.kept_days)
        self.tx.run(SQL["add_purchase"], person=person, day=day, item=item, qty=qty)

    def take_back(self, person: bytes, day: int, item: str, qty: int) -> None:
        """Units of that day count no longer: as many as there are."""
        for n, units in self.tx.rows(SQL["purchases_of"], person=person, day=day, item=item):
            taken = min(qty, whole(units))
            if not taken:
                return
            qty -= taken
            self.tx.run(SQL["drop_purchase" if taken == units else "shrink_purchase"], **_part(n, taken, whole(units)))

    def bought(self, person: bytes, day: int, item: str) -> int:
        return sum(whole(units) for _, units in self.tx.rows(SQL["purchases_of"], person=person, day=day, item=item))

    def hold(self, key: bytes) -> Hold | None:
        row = self.tx.row(SQL["hold"], key=key)
        return None if row is None else as_hold(row)

    def release(self, hold: Hold, state: str, *, keeps_quota: bool = False) -> None:
        """What is still held is available again."""
        self.tx.run(SQL["settle_hold"], key=hold.key, state=state)
        self.move(
            hold.outlet, hold.item, available=hold.kept, **{"leased" if hold.is_lease else "reserved": -hold.kept}
        )
        if not hold.is_lease and not keeps_quota:
            self.take_back(hold.person, hold.day, hold.item, hold.kept)

    def expire(self) -> int:
        """What is due; how many."""
        due = [as_hold(row) for row in self.tx.rows(SQL["due"], at=self.at_ms)]
        for hold in due:
            self.seq += 1
            self.release(hold, "expired")
            self.tell("expire", hold.key, hold.outlet, hold.item, hold.kept, ref=hold.key)
        return len(due)

    def put_edition(self, edition: Edition) -> None:
        self.tx.run(SQL["put_edition"], since=edition.since.isoformat(), body=msgspec.json.encode(edition).decode())
        self.law = self.law.with_edition(edition)


def history(tx: Tx, person: bytes) -> list[Purchase]:
    rows = tx.rows(SQL["purchases"], person=person)
    return [Purchase(whole(day), str(item), whole(qty)) for day, item, qty in rows]


def book_of(tx: Tx) -> RuleBook:
    rows = tx.rows(SQL["editions"])
    return RuleBook(tuple(msgspec.json.decode(str(body), type=Edition) for _, body in rows))


def receipt(key: bytes, row: Row) -> Receipt:
    seq, _, at, over, short = map(whole, row)
    return Receipt(seq, EpochS(at / 1000), key, over, short)


def as_hold(row: Row) -> Hold:
    key, outlet, item, qty, kept, until, state, is_lease, person, day, granted = row
    assert isinstance(key, bytes)
    assert isinstance(person, bytes)
    return Hold(
        key, str(outlet), str(item), whole(qty), whole(kept), whole(until), str(state), bool(is_lease), person,
        whole(day), whole(granted),
    )  # fmt: skip


def checksum(*parts: object) -> int:
    """Four bytes of what a command says."""
    return crc32("\x1f".join(map(str, parts)).encode())


def whole(value: SqlValue) -> int:
    assert isinstance(value, int), f"{value!r} is no whole number"
    return value


def _part(n: SqlValue, taken: int, units: int) -> dict[str, SqlValue]:
    return {"n": n} if taken == units else {"n": n, "qty": taken}
