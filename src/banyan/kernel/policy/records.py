"""The records of policy: bases, orders and reviews, offers, purposes, consents, opt-outs, counts of a day.

Each function is one transaction's step on a Tx; the store answers when it is durable. Subjects are pseudonyms as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Final, TypeVar

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.kernel.policy import consents as consent_rules
from banyan.kernel.policy import orders as order_rules
from banyan.kernel.policy.bases import LegalBasis, Register, register
from banyan.kernel.policy.consents import Cap, Consent, Declaration, Purpose, PurposeTerms
from banyan.kernel.policy.judging import ConsentTerms, OrderTerms
from banyan.kernel.policy.orders import Order, Review
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Row, SqlValue, Tx
from banyan.limits import POLICY_LIST

SQL: Final = load_statements("banyan.kernel.policy", "policy.sql")
ORDERS: Final = "orders"
"""The store's signal that orders, or reviews of their uses, are others than they were."""
DAY_S: Final = 86_400
ALL_PURPOSES: Final = "*"
"""The part of `consent_turn` that every purpose is in."""
FEW_PARTS: Final = 8
"""So many turns are looked up one by one; more are read with all the others, which are 257 short rows."""
T = TypeVar("T")
_encode: Final = msgspec.json.Encoder().encode
_consents: Final = msgspec.json.Decoder(Consent)
_purpose_terms: Final = msgspec.json.Decoder(PurposeTerms)


class OrderUses(msgspec.Struct, frozen=True):
    """How often an agency used an order on one of Taiwan's days."""

    order: str
    agency: str
    day: int
    uses: int


class ReviewStanding(msgspec.Struct, frozen=True):
    """An agency's open reviews: all, those past their time, and when the first was or is due."""

    agency: str
    waiting: int
    overdue: int
    due: EpochS


def put_basis(tx: Tx, basis: LegalBasis, at: EpochS) -> None:
    """Register a basis; the caller has checked the whole register with it (`bases.register`)."""
    document = _encode(basis)
    tx.run(SQL["put_basis"], id=basis.id, version=basis.version, document=document)
    tx.run(SQL["keep_basis_version"], version=basis.version, id=basis.id, document=document, at=at)


def read_register(tx: Tx) -> Register:
    return register(_all(tx.rows(SQL["bases"]), LegalBasis))


def basis_of_version(tx: Tx, version: str) -> LegalBasis | None:
    """The text a use names, also after it was changed."""
    return _one(tx.row(SQL["basis_version"], version=version), LegalBasis)


def put_order(tx: Tx, order: Order) -> None:
    tx.run(SQL["put_power"], id=order.id, document=_encode(order), until=order.last_second)
    tx.signal(ORDERS)


def order_by_id(tx: Tx, id: str) -> Order | None:
    return _one(tx.row(SQL["power"], id=id), Order)


def all_orders(tx: Tx) -> list[Order]:
    return _all(tx.rows(SQL["powers"], limit=POLICY_LIST), Order)


def put_review(tx: Tx, review: Review) -> None:
    _put_review(tx, review)
    tx.signal(ORDERS)


def _put_review(tx: Tx, review: Review) -> None:
    tx.run(
        SQL["put_review"],
        use_idx=review.use,
        power=review.order,
        agency=review.agency,
        due=review.due,
        is_open=int(review.is_justified is None),
        document=_encode(review),
    )


def review_of(tx: Tx, use: int) -> Review | None:
    return _one(tx.row(SQL["review"], use_idx=use), Review)


def open_reviews(tx: Tx) -> list[Review]:
    return _all(tx.rows(SQL["open_reviews"], limit=POLICY_LIST), Review)


def open_reviews_of(tx: Tx, agency: str) -> list[Review]:
    return _all(tx.rows(SQL["open_reviews_of"], agency=agency, limit=POLICY_LIST), Review)


def used_under_order(tx: Tx, review: Review, now: EpochS, *, is_daily: bool = False) -> None:
    """A use under an order: its review is open and it is in the published counts, or neither. With `is_daily` the
    review of the day's first use is that of all."""
    if is_daily:
        review = order_rules.of_the_day(review, now)
    of_day: dict[str, SqlValue] = {"power": review.order, "agency": review.agency, "due": review.due}
    if not is_daily or tx.row(SQL["review_of_day"], **of_day) is None:
        _put_review(tx, review)  # it suspends nobody before ORDER_REVIEW_DAYS, so no shelf need hear of it now
    tx.run(SQL["count_order_use"], power=review.order, agency=review.agency, day=day_of(now))


def order_uses(tx: Tx, most: int) -> list[OrderUses]:
    rows = tx.rows(SQL["order_uses"], limit=most)
    return [OrderUses(str(power), str(agency), int(str(day)), int(str(uses))) for power, agency, day, uses in rows]


def review_standing(tx: Tx, now: EpochS) -> list[ReviewStanding]:
    """How each agency with open reviews stands."""
    rows = tx.rows(SQL["review_standing"], now=now, limit=POLICY_LIST)
    return [
        ReviewStanding(str(agency), int(str(waiting)), int(str(overdue)), EpochS(float(str(due))))
        for agency, waiting, overdue, due in rows
    ]


def order_terms(tx: Tx, now: EpochS) -> tuple[OrderTerms, ...]:
    """Every order that has not ended, as the judge weighs it now."""
    orders = orders_after(tx, now)
    if not orders:
        return ()
    overdue = tuple(str(row[0]) for row in tx.rows(SQL["overdue"], now=now))
    return tuple(msgspec.structs.replace(order_rules.terms(order, (), now), suspended=overdue) for order in orders)


def orders_after(tx: Tx, now: EpochS) -> list[Order]:
    """Those that have not ended, the newest end first."""
    return [_order(_bytes(row[0])) for row in tx.rows(SQL["powers_after"], now=now, limit=POLICY_LIST)]


def first_due(tx: Tx) -> list[tuple[str, EpochS]]:
    """When each agency's first open review is due."""
    return [(str(agency), EpochS(float(str(due)))) for agency, due in tx.rows(SQL["first_due"])]


def put_declaration(tx: Tx, declaration: Declaration) -> None:
    tx.run(SQL["put_declaration"], id=declaration.id, document=_encode(declaration))


def declaration_by_id(tx: Tx, id: str) -> Declaration | None:
    return _one(tx.row(SQL["declaration"], id=id), Declaration)


def put_purpose(tx: Tx, purpose: Purpose) -> None:
    tx.run(SQL["turn_over"], part=ALL_PURPOSES)
    tx.run(SQL["put_purpose"], id=purpose.id, recipient=purpose.recipient, document=_encode(purpose))


def purpose_by_id(tx: Tx, id: str) -> Purpose | None:
    return _one(tx.row(SQL["purpose"], id=id), Purpose)


def all_purposes(tx: Tx) -> list[Purpose]:
    return _all(tx.rows(SQL["purposes"], limit=POLICY_LIST), Purpose)


def consents_under(tx: Tx, purpose: str, *, after: str, most: int) -> list[Consent]:
    """Everybody's consents under a purpose by id, from the one after `after`."""
    return _all(tx.rows(SQL["consents_of_purpose"], purpose=purpose, after=after, limit=most), Consent)


def end_consents(tx: Tx, purpose: Purpose, now: EpochS, *, after: str, most: int) -> list[Consent]:
    """End some of the consents under a closed purpose; as they stand now, also those that had ended before."""
    assert not purpose.is_open, "only a closed purpose ends its consents"
    found = []
    for consent in consents_under(tx, purpose.id, after=after, most=most):
        ended = consent_rules.invalidate(consent, now)
        if ended != consent:
            put_consent(tx, ended, purpose)
        found.append(ended)
    return found


def put_cap(tx: Tx, cap: Cap) -> None:
    tx.run(SQL["put_cap"], purpose=cap.purpose, document=_encode(cap))


def all_caps(tx: Tx) -> list[Cap]:
    return _all(tx.rows(SQL["caps"]), Cap)


def put_consent(tx: Tx, consent: Consent, purpose: Purpose) -> None:
    tx.run(
        SQL["put_consent"],
        id=consent.id,
        subject=consent.subject,
        recipient=purpose.recipient,
        purpose=purpose.id,
        code=purpose.purpose,
        document=_encode(consent),
    )
    tx.run(SQL["turn_over"], part=_part(consent.subject))


def consent_by_id(tx: Tx, id: str) -> Consent | None:
    return _one(tx.row(SQL["consent"], id=id), Consent)


def consent_and_purpose(tx: Tx, id: str) -> tuple[Consent, Purpose] | None:
    """A consent with its purpose, as they stand."""
    row = tx.row(SQL["consent_and_purpose"], id=id)
    return None if row is None else (_read(row[0], Consent), _read(row[1], Purpose))


def consents_of(tx: Tx, subject: str) -> list[Consent]:
    return _all(tx.rows(SQL["consents_of"], subject=subject, limit=POLICY_LIST), Consent)


class Footing(msgspec.Struct, frozen=True, gc=False):
    """What a consent that was weighed rests on: its purpose and how often that may read a day. `turns` are those it
    was read in: while they are on, it stands as it did."""

    purpose: str
    per_day: int
    is_once: bool
    turns: tuple[int, int]


class PurposeShelf:
    """What is weighed of every purpose, in memory as the register of bases is, and as new as the records: they say
    which turn it is, and what was written in it."""

    __slots__ = ("_kept", "_turn")

    def __init__(self) -> None:
        self._kept: dict[str, PurposeTerms] = {}
        self._turn = -1

    def fill(self, tx: Tx) -> None:
        """Read them all, which may take a second."""
        row = tx.row(SQL["purposes_turn"])
        assert row is not None, "the turn of purposes is made by its migration"
        self._catch_up(tx, int(str(row[0])))

    def at(self, tx: Tx, id: str, turn: int) -> PurposeTerms:
        """A purpose as it stands in this transaction, whose turn is `turn`."""
        if turn != self._turn:
            self._catch_up(tx, turn)
        return self._kept[id]

    def _catch_up(self, tx: Tx, turn: int) -> None:
        rows = tx.rows(SQL["purposes_since"], turn=self._turn)
        self._kept.update((one.id, one) for one in (_purpose_terms.decode(_bytes(row[0])) for row in rows))
        self._turn = turn


def consents_weighed(
    tx: Tx, shelf: PurposeShelf, subject: str, recipient: str, code: str, *, now: EpochS
) -> list[tuple[ConsentTerms, Footing]]:
    """A subject's consents to this recipient for this purpose, as the judge weighs them, and what they rest on."""
    named = {"subject": subject, "recipient": recipient, "code": code, "part": _part(subject)}
    found = []
    for document, id, uses, part, purposes in tx.rows(SQL["consents_for"], **named, day=day_of(now)):
        turns = (int(part or 0), int(purposes or 0))
        consent, purpose = _consents.decode(document), shelf.at(tx, str(id), turns[1])  # type: ignore[arg-type]  # bytes
        terms = consent_rules.terms(consent, purpose, now, int(uses or 0))
        found.append((terms, Footing(purpose.id, purpose.per_day, consent.is_once, turns)))
    if len(found) > 1:
        found.sort(key=lambda one: one[0].reference)  # nearly always there is one: ordering it in SQL costs 2 us
    return found


def consent_terms(tx: Tx, subject: str, recipient: str, code: str, now: EpochS) -> tuple[ConsentTerms, ...]:
    """The same without what they rest on."""
    return tuple(terms for terms, _ in consents_weighed(tx, PurposeShelf(), subject, recipient, code, now=now))


def turns(tx: Tx, subjects: Iterable[str]) -> dict[str, tuple[int, int]]:
    """For each subject the turns that are on: of their consents, and of all purposes."""
    parts = {subject: _part(subject) for subject in subjects}
    if len(parts) < FEW_PARTS:
        on = {part: tx.row(SQL["turn"], part=part) for part in (ALL_PURPOSES, *parts.values())}
        found = {part: row[0] for part, row in on.items() if row is not None}
    else:
        found = {str(part): turn for part, turn in tx.rows(SQL["turns"])}
    purposes = int(str(found.get(ALL_PURPOSES, 0)))
    return {subject: (int(str(found.get(part, 0))), purposes) for subject, part in parts.items()}


def _part(subject: str) -> str:
    """256 parts: a consent that is given or ends disturbs one use in 256 that was weighed and not yet written down."""
    return subject[:2]


def opt_out(tx: Tx, subject: str, operation: str, at: EpochS) -> None:
    """Stop the secondary use of an operation's data (`nhi.study`, `nhi.*`) or for a purpose (`157`); `*` of all."""
    tx.run(SQL["opt_out"], subject=subject, operation=operation, at=at)


def opt_in(tx: Tx, subject: str, operation: str) -> None:
    tx.run(SQL["opt_in"], subject=subject, operation=operation)


def has_opted_out(tx: Tx, subject: str, operation: str, purpose: str = "") -> bool:
    """Whether the subject's word stands against this secondary use: of this data, for this purpose, or of all."""
    whole = operation.partition(".")[0] + ".*"
    return tx.row(SQL["opted_out"], subject=subject, operation=operation, whole=whole, purpose=purpose) is not None


def count_use(tx: Tx, subject: str, recipient: str, operation: str, *, most: int, now: EpochS) -> bool:
    """Count one more use today; False, and nothing counted, when there were `most` already."""
    named = {"subject": subject, "recipient": recipient, "operation": operation}
    return tx.run(SQL["count_use"], **named, day=day_of(now), most=most) > 0


def count_purpose_use(tx: Tx, subject: str, purpose: Purpose, now: EpochS) -> bool:
    """Count one more use for a purpose today; False, and nothing counted, when it had its day's share already."""
    named = {"purpose": purpose.id, "subject": subject}
    return tx.run(SQL["count_purpose_use"], **named, day=day_of(now), most=purpose.per_day) > 0


def count_purpose_uses(tx: Tx, uses: Sequence[tuple[str, Footing, EpochS]]) -> bool:
    """Count one more use for each subject and purpose at its moment; False when one of them had its day's share, and
    then what was counted must not stand."""
    rows: list[dict[str, SqlValue]] = [
        {"day": day_of(now), "subject": subject, "purpose": on.purpose, "most": on.per_day} for subject, on, now in uses
    ]
    return tx.run_many(SQL["count_purpose_use"], rows) == len(rows)


def forget_counts(tx: Tx, now: EpochS) -> None:
    """Counts of days before today bound nothing any more; what is left of them says who was read when."""
    tx.run(SQL["forget_counts"], day=day_of(now))
    tx.run(SQL["forget_purpose_uses"], day=day_of(now))


def uses_today(tx: Tx, subject: str, recipient: str, operation: str, now: EpochS) -> int:
    day = day_of(now)
    row = tx.row(SQL["uses_on"], subject=subject, recipient=recipient, operation=operation, day=day)
    return int(str(row[0])) if row else 0


def day_of(now: EpochS) -> int:
    """Taiwan's day, as a number."""
    return int(now + 8 * 3_600) // DAY_S


def _one(row: Row | None, kind: type[T]) -> T | None:
    return None if row is None else _read(row[0], kind)


def _all(rows: Sequence[Row], kind: type[T]) -> list[T]:
    return [_read(row[0], kind) for row in rows]


def _read(document: Any, kind: type[T]) -> T:
    return msgspec.json.decode(_bytes(document), type=kind)


@lru_cache(maxsize=POLICY_LIST)
def _order(document: bytes) -> Order:
    """Decoded once: the few orders in force are read again at each look."""
    return _read(document, Order)


def _bytes(document: Any) -> bytes:
    assert isinstance(document, bytes), "a document is bytes"
    return document
