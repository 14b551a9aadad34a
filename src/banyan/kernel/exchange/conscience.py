"""The gate's conscience: weighs a use of personal data before it runs, and writes it down before it is answered.

One look at the policy's records, one judgement, one durable entry in the ledger; the answer is minimised to what was
granted. Without a conscience personal data is refused, as ever.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import lru_cache, partial
from hashlib import sha256
from typing import Any, Final

import msgspec

from banyan.errors import Denied, Invalid
from banyan.kernel.catalogue.operation import Operation, Text
from banyan.kernel.catalogue.personal import minimised, personal_fields
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.helping import by_hand, help_record
from banyan.kernel.exchange.settling import LEVELS, Settling, settle_all
from banyan.kernel.identity.caller import Caller
from banyan.kernel.identity.identifiers import is_passport, normalized_person_number, person_number_kind
from banyan.kernel.identity.pseudonyms import pseudonym
from banyan.kernel.ledger.entries import ReleaseRecord
from banyan.kernel.ledger.log import Alongside, Ledger, Recorded
from banyan.kernel.policy import records
from banyan.kernel.policy.bases import LegalBasis, Register
from banyan.kernel.policy.decision import Decision
from banyan.kernel.policy.explaining import MESSAGES, allowed, refused, unreasoned
from banyan.kernel.policy.judging import ConsentTerms, OrderTerms, Use, Verdict, judge_by
from banyan.kernel.policy.order_shelf import shelf_of
from banyan.kernel.policy.records import Footing, PurposeShelf
from banyan.kernel.storage.store import Store, Tx
from banyan.limits import REASON_CHARS

BOUND: Final = ("citizen", "representative", "app")
"""Callers who may leave the person's number out: an app does not even know it."""
FIELDS: Final = "fields"
"""The request's field that says which personal fields are asked for; without it, or empty: all of them."""
PURPOSE: Final = "purpose"
"""The request's field that says what for, as a code of the register; without it, or empty: the operation's own."""
REASON: Final = "reason"
"""The request's field that says why an order is used; somebody else of the agency reads it at the review."""


class Weighed(msgspec.Struct, frozen=True, gc=False):
    """A use that was weighed: why it is refused, if it is, and what the ledger and the minimising need."""

    refusal: Decision | None
    verdict: Verdict
    subject: bytes
    fields: tuple[str, ...]
    known: Mapping[str, str]
    purpose: str
    reason: str = ""
    footing: Footing | None = None
    once: str = ""
    """What the use is about, of an operation that does a thing of one name once."""

    @property
    def basis(self) -> str:
        """The id of the basis it rests on."""
        return self.verdict.basis.id if self.refusal is None and self.verdict.basis is not None else "none"

    @property
    def decision(self) -> Decision:
        """In words; those of an allowed use are made when they are read."""
        return self.refusal or allowed(self.verdict)


class Conscience:
    """Weighs by the records in `policy` and writes to `ledger`. `subject_key` names persons in both."""

    def __init__(self, policy: Store, ledger: Ledger, *, subject_key: bytes) -> None:
        assert policy is ledger.store, "a use and what it uses up are one commit"
        self._policy, self._ledger, self._key = policy, ledger, subject_key
        self._register: Register | None = None
        self._changes, self._turn = 0, asyncio.Lock()
        self._purposes = PurposeShelf()
        self._orders = shelf_of(policy)
        self.name_of: Callable[[str], str] = str
        """What an agency is called, by its member id, for people who see who used their data; the id itself unless
        somebody knows better."""

        self.known_as: Callable[[bytes], Awaitable[bytes]] | None = None
        """Of a document that is no national number: the name of the person who has it, where some service knows; a look
        by passport or by an old resident number then stands in the list that this person sees."""

    def forget(self) -> None:
        """The register changed: read it anew at the next use."""
        self._register = None
        self._changes += 1

    def subject(self, number: str) -> bytes:
        """A person's name in policy and ledger, from the number as people write it."""
        return pseudonym(self._key, normalized_person_number(number).encode())

    async def weigh(
        self, declared: Operation, request: msgspec.Struct, caller: Caller, *, purpose: str, now: EpochS
    ) -> Weighed:
        """Weigh one use. Raises Invalid when no person or an unknown field is named; a refusal is in the decision."""
        known = _known(declared.answer)
        asked = _asked(getattr(request, FIELDS, ()), known)
        subject = await self._whose(declared, request, caller)
        named, recipient = subject.hex(), caller.agency
        purpose = purpose or str(getattr(request, PURPOSE, "")) or declared.purpose
        candidates = (await self._bases()).candidates(declared.id, purpose, recipient)
        about = About(named, recipient, declared.id, purpose, now)
        on = await self._on_record(about, candidates)
        consents = [terms for terms, _ in on.consents]
        if caller.kind == "app":  # what this token's person gave with it, not what the agency has besides
            consents = [one for one in consents if one.reference in caller.consents]
        use = Use(
            operation=declared.id,
            purpose=purpose,
            recipient=recipient,
            fields=asked,
            now=now,
            assurance=LEVELS.get(caller.assurance, 0),
            consents=tuple(consents),
            orders=on.orders,
            uses_today=on.uses_today,
            has_opted_out=on.has_opted_out,
            is_self=_is_self(caller, named),
        )
        verdict = judge_by(candidates, use)
        reason = _reason(request)
        refusal = None
        if not verdict.is_allowed:
            refusal = refused(declared, verdict, use)
        elif _is_under_order(verdict) and not reason:
            refusal = unreasoned(declared, verdict, use)
        standing = (one for terms, one in on.consents if terms.reference == verdict.reference and not one.is_once)
        footing = next(standing, None)
        named_by = str(getattr(request, declared.once)) if declared.once else ""
        return Weighed(refusal, verdict, subject, asked, known, use.purpose, reason, footing, named_by)

    async def release(
        self, weighed: Weighed, declared: Operation, caller: Caller, *, trace: str, now: EpochS
    ) -> Recorded:
        """Write the use into the ledger with what it uses up, in one commit that is durable when this returns; one that
        is about something named, the first time only. Raises Conflict when its order or consent ended meanwhile, or
        another call took the last use of the day."""
        basis = weighed.verdict.basis
        assert basis is not None, "only an allowed use is released"
        record = _record(weighed, basis, declared, caller, trace=trace, now=now, name=self.name_of(caller.agency))
        record = by_hand(record, declared, caller)
        use = Settling(
            subject=weighed.subject.hex(),
            operation=declared.id,
            purpose=weighed.purpose,
            fields=weighed.fields,
            caller=caller,
            now=now,
            consent=weighed.verdict.reference if basis.needs == "consent" else "",
            footing=weighed.footing if basis.needs == "consent" else None,
            order=weighed.verdict.reference if basis.needs == "order" else "",
            reason=weighed.reason,
            per_day=basis.per_subject_per_day,
            is_secondary=basis.is_secondary,
            is_reviewed_daily=basis.reviewed == "daily",
        )
        alongside = Alongside(settle_all, use) if use.is_needed else None
        once = _name_of(weighed, declared, caller) if weighed.once else ""
        return await self._ledger.release(weighed.subject, record, alongside=alongside, once=once)

    async def note_help(self, declared: Operation, caller: Caller, *, trace: str, now: EpochS) -> Recorded:
        """Write into the person's list what another does about their affairs; durable before it is done."""
        record = help_record(declared, caller, trace=trace, now=now)
        return await self._ledger.release(bytes.fromhex(caller.subject), record)

    @staticmethod
    def minimise(answer: Any, weighed: Weighed) -> Any:
        """The answer with the granted fields only."""
        return minimised(answer, frozenset(weighed.fields), weighed.known)

    async def bases(self) -> Register:
        """The register that uses are judged by."""
        return await self._bases()

    async def _on_record(self, about: About, candidates: Sequence[LegalBasis]) -> OnRecord:
        orders = await self._orders.terms(about.now) if any(basis.needs == "order" for basis in candidates) else ()
        if not any(map(_is_recorded, candidates)):
            return OnRecord(orders=orders)
        on = await self._policy.read(partial(_records_for, about, candidates, self._purposes))
        return msgspec.structs.replace(on, orders=orders)

    async def _whose(self, declared: Operation, request: msgspec.Struct, caller: Caller) -> bytes:
        """Whose data: by the number in the request; without one, of who asks or let the app ask. An app's token is of
        one person and reads nobody else's: Denied."""
        number = str(getattr(request, declared.subject))
        if not number and caller.kind in BOUND and caller.subject:
            return bytes.fromhex(caller.subject)
        number = _checked(declared, normalized_person_number(number))
        subject = pseudonym(self._key, number.encode())
        if self.known_as is not None and person_number_kind(number) != "national":
            subject = await self.known_as(subject)
        if caller.kind == "app" and caller.subject and not hmac.compare_digest(caller.subject, subject.hex()):
            raise Denied(
                MESSAGES.text("other_person", "zh-Hant"),
                remedy=MESSAGES.text("other_person_remedy", "zh-Hant"),
                kind="other-person",
            )
        return subject

    async def _bases(self) -> Register:
        """The register, read by one caller while the others wait: it may take seconds."""
        while (register := self._register) is None:
            async with self._turn:
                changes = self._changes
                if self._register is None:
                    read = await self._policy.read_long(records.read_register)
                    await self._policy.read_long(self._purposes.fill)
                    self._register = read if changes == self._changes else None
        return register


def _is_self(caller: Caller, subject: str) -> bool:
    """Whether this is the person, or who acts for them; an app that they let in is neither."""
    return caller.kind in ("citizen", "representative") and hmac.compare_digest(caller.subject, subject)


def _is_under_order(verdict: Verdict) -> bool:
    return verdict.basis is not None and verdict.basis.needs == "order"


class About(msgspec.Struct, frozen=True, gc=False):
    """Whose data, for whom and what for."""

    subject: str
    recipient: str
    operation: str
    purpose: str
    now: EpochS


class OnRecord(msgspec.Struct, frozen=True, gc=False):
    """The records that candidates weigh; what they do not weigh is not even read. Consents with what they rest on."""

    consents: Sequence[tuple[ConsentTerms, Footing]] = ()
    orders: tuple[OrderTerms, ...] = ()
    uses_today: int = 0
    has_opted_out: bool = False


def _records_for(about: About, candidates: Sequence[LegalBasis], purposes: PurposeShelf, tx: Tx) -> OnRecord:
    subject, recipient, now = about.subject, about.recipient, about.now
    needs = {basis.needs for basis in candidates}
    consents: Sequence[tuple[ConsentTerms, Footing]] = ()
    if "consent" in needs:
        consents = records.consents_weighed(tx, purposes, subject, recipient, about.purpose, now=now)
    is_counted = any(basis.per_subject_per_day for basis in candidates)
    is_secondary = any(basis.is_secondary for basis in candidates)
    return OnRecord(
        consents,
        uses_today=records.uses_today(tx, subject, recipient, about.operation, now) if is_counted else 0,
        has_opted_out=is_secondary and records.has_opted_out(tx, subject, about.operation, about.purpose),
    )


def _is_recorded(basis: LegalBasis) -> bool:
    """Whether what it asks for stands in records of the subject."""
    return basis.needs == "consent" or bool(basis.per_subject_per_day) or basis.is_secondary


def _record(
    weighed: Weighed, basis: LegalBasis, declared: Operation, caller: Caller, *, trace: str, now: EpochS, name: str
) -> ReleaseRecord:
    verdict = weighed.verdict
    title: Text = declared.title
    return ReleaseRecord(
        at=now,
        operation=declared.id,
        action=dict(title),
        receiver=caller.agency,
        receiver_name=name,
        system=caller.channel,
        basis=f"{basis.id}@{basis.version}",
        statute=basis.statute.said("zh-Hant"),
        purpose=weighed.purpose,
        fields=weighed.fields,
        reference=verdict.reference,
        request=trace,
        reveal_after=verdict.reveal_after,
    )


def _name_of(weighed: Weighed, declared: Operation, caller: Caller) -> str:
    """The name of a use that is written once: of whom, by whom, under which order, about what. It says none of it."""
    parts = (declared.id, caller.agency, weighed.verdict.reference, weighed.subject.hex(), weighed.once)
    return "use/" + sha256(msgspec.json.encode(parts)).hexdigest()


def _checked(declared: Operation, number: str) -> str:
    if person_number_kind(number) is None and not is_passport(number):
        raise Invalid.at(declared.subject, "a national ID or resident number with its right check digit")
    return number


def _reason(request: msgspec.Struct) -> str:
    reason = str(getattr(request, REASON, "")).strip()
    if len(reason) > REASON_CHARS:
        raise Invalid.at(REASON, f"at most {REASON_CHARS} characters")
    return reason


def _asked(given: Sequence[str], known: Mapping[str, str]) -> tuple[str, ...]:
    unknown = [name for name in given if name not in known]
    if unknown:
        raise Invalid.at(FIELDS, f"{min(unknown)} is none of {', '.join(sorted(known))}")
    return tuple(sorted(given or known))


@lru_cache(maxsize=4_096)
def _known(answer: Any) -> Mapping[str, str]:
    return personal_fields(answer)
