"""The gate's conscience: weighs a use of personal data before it runs, and writes it down before it is answered.

One look at the policy's records, one judgement, one durable entry in the ledger; the answer is minimised to what was
granted. Without a conscience personal data is refused, as ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, Final

import msgspec

from banyan.errors import Invalid
from banyan.kernel.catalogue.operation import Operation, Text
from banyan.kernel.catalogue.personal import minimised, personal_fields
from banyan.kernel.events.clock import EpochS
from banyan.kernel.identity.caller import Caller
from banyan.kernel.identity.identifiers import normalized_person_number, person_number_kind
from banyan.kernel.identity.pseudonyms import pseudonym
from banyan.kernel.ledger.entries import ReleaseRecord
from banyan.kernel.ledger.log import Ledger, Recorded
from banyan.kernel.policy import records
from banyan.kernel.policy.bases import LegalBasis, Register
from banyan.kernel.policy.decision import Decision
from banyan.kernel.policy.explaining import allowed, refused
from banyan.kernel.policy.judging import Use, Verdict, judge
from banyan.kernel.storage.store import Store, Tx

LEVELS: Final = {"aal1": 1, "aal2": 2, "aal3": 3}
"""Assurance as the policy counts it; a sign-in of no known level counts as none (NIST SP 800-63B)."""
FIELDS: Final = "fields"
"""The request's field that says which personal fields are asked for; without it, or empty: all of them."""


class Weighed(msgspec.Struct, frozen=True):
    """A use that was weighed: the decision for the gate, and what the ledger and the minimising need."""

    decision: Decision
    verdict: Verdict
    subject: bytes
    fields: tuple[str, ...]
    known: Mapping[str, str]


class Conscience:
    """Weighs by the records in `policy` and writes to `ledger`. `subject_key` names persons in both."""

    def __init__(self, policy: Store, ledger: Ledger, *, subject_key: bytes) -> None:
        self._policy, self._ledger, self._key = policy, ledger, subject_key
        self._register: Register | None = None

    def forget(self) -> None:
        """The register changed: read it anew at the next use."""
        self._register = None

    def subject(self, number: str) -> bytes:
        """A person's name in policy and ledger, from the number as people write it."""
        return pseudonym(self._key, normalized_person_number(number).encode())

    async def weigh(
        self, declared: Operation, request: msgspec.Struct, caller: Caller, *, purpose: str, now: EpochS
    ) -> Weighed:
        """Weigh one use. Raises Invalid when no person or an unknown field is named; a refusal is in the decision."""
        known = _fields_of(declared.id, declared)
        asked = _asked(declared, request, known)
        subject = self.subject(_number(declared, request))
        bases = await self._bases()
        use = Use(
            operation=declared.id,
            purpose=purpose or declared.purpose,
            recipient=caller.agency,
            fields=asked,
            now=now,
            assurance=LEVELS.get(caller.assurance, 0),
        )
        candidates = bases.candidates(use.operation, use.purpose, use.recipient)
        if candidates:
            use = await self._policy.read(partial(_with_records, use, subject.hex(), candidates))
        verdict = judge(bases, use)
        decision = allowed(declared, verdict) if verdict.is_allowed else refused(declared, verdict, use)
        return Weighed(decision, verdict, subject, asked, known)

    async def release(
        self, weighed: Weighed, declared: Operation, caller: Caller, *, trace: str, now: EpochS
    ) -> Recorded:
        """Write the use into the ledger and its count; both durable when it returns."""
        basis, verdict = weighed.verdict.basis, weighed.verdict
        assert basis is not None, "only an allowed use is released"
        record = _record(basis, verdict, weighed.fields, declared, caller, trace, now)
        subject = weighed.subject.hex()
        if basis.per_subject_per_day:
            count = partial(records.count_use, subject=subject, recipient=caller.agency, operation=declared.id, now=now)
            recorded, _ = await asyncio.gather(self._ledger.release(weighed.subject, record), self._policy.write(count))
            return recorded
        return await self._ledger.release(weighed.subject, record)

    @staticmethod
    def minimise(answer: Any, weighed: Weighed) -> Any:
        """The answer with the granted fields only."""
        return minimised(answer, frozenset(weighed.fields), weighed.known)

    async def _bases(self) -> Register:
        if self._register is None:
            self._register = await self._policy.read_long(records.read_register)
        return self._register


def _with_records(use: Use, subject: str, candidates: Sequence[LegalBasis], tx: Tx) -> Use:
    """The use with the records that its candidates weigh; others are not even read."""
    needs = {basis.needs for basis in candidates}
    is_counted = any(basis.per_subject_per_day for basis in candidates)
    is_secondary = any(basis.is_secondary for basis in candidates)
    return msgspec.structs.replace(
        use,
        consents=records.consent_terms(tx, subject, use.recipient, use.purpose, use.now) if "consent" in needs else (),
        orders=records.order_terms(tx, use.now) if "order" in needs else (),
        uses_today=records.uses_today(tx, subject, use.recipient, use.operation, use.now) if is_counted else 0,
        has_opted_out=is_secondary and records.has_opted_out(tx, subject, use.operation),
    )


def _record(
    basis: LegalBasis, verdict: Verdict, fields: tuple[str, ...], declared: Operation, caller: Caller, trace: str,
    now: EpochS,
) -> ReleaseRecord:  # fmt: skip
    title: Text = declared.title
    return ReleaseRecord(
        at=now,
        operation=declared.id,
        action=dict(title),
        receiver=caller.agency,
        receiver_name=caller.agency,
        system=caller.channel,
        basis=f"{basis.id}@{basis.version}",
        statute=basis.statute.said("zh-Hant"),
        purpose=declared.purpose,
        fields=fields,
        reference=verdict.reference,
        request=trace,
        reveal_after=verdict.reveal_after,
    )


def _number(declared: Operation, request: msgspec.Struct) -> str:
    number = str(getattr(request, declared.subject))
    if person_number_kind(normalized_person_number(number)) is None:
        raise Invalid.at(declared.subject, "a national ID or resident number with its right check digit")
    return number


def _asked(declared: Operation, request: msgspec.Struct, known: Mapping[str, str]) -> tuple[str, ...]:
    given = getattr(request, FIELDS, ())
    unknown = sorted(set(given) - known.keys())
    if unknown:
        raise Invalid.at(FIELDS, f"{unknown[0]} is none of {', '.join(sorted(known))}")
    return tuple(sorted(given or known))


@lru_cache(maxsize=4_096)
def _known(answer: Any) -> Mapping[str, str]:
    return personal_fields(answer)


def _fields_of(_: str, declared: Operation) -> Mapping[str, str]:
    return _known(declared.answer)
