"""Legal bases: the register of reasons that the law knows, and the candidates for one question, found by index.

A basis says who may read which fields of which operation, for which purpose, by which article, how often, how long it
is kept, and when the power ends. It is data; the register of an agency is published whole (PDPA article 17).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from hashlib import sha256
from itertools import product
from typing import Final, Literal

import msgspec

from banyan.errors import FieldError, Invalid
from banyan.kernel.catalogue.operation import Text
from banyan.kernel.events.clock import EpochS
from banyan.kernel.policy import vocabulary

BasisKind = Literal["consent", "legal-obligation", "official-authority", "public-interest", "vital-interest"]
"""The terms of the Data Privacy Vocabulary that a Taiwanese basis maps to (`vocabulary.DPV`)."""
Relief = Literal["", "6-1-1", "6-1-2", "6-1-3", "6-1-4", "6-1-5", "6-1-6"]
"""Which exception of PDPA article 6 lets special categories be used; empty: none does."""
EVERYONE: Final = "*"


class Statute(msgspec.Struct, frozen=True, gc=False):
    """An article in force. `pcode` is its number in the Ministry of Justice's database (L0050001 傳染病防治法)."""

    pcode: str
    article: str
    name: Text
    paragraph: str = ""

    def said(self, lang: str) -> str:
        if lang == "en":
            return f"{self.name['en']}, article {self.article}" + (f"-{self.paragraph}" if self.paragraph else "")
        return f"{self.name['zh-Hant']}第 {self.article} 條" + (f"第 {self.paragraph} 項" if self.paragraph else "")


# `dict` keeps the version once it is computed: 12 us, needed twice a use.
class LegalBasis(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """One reason. `pdpa` is the clause of PDPA article 15 or 16 that lets the agency collect or use (`16-1`).

    `operations` are ids or `service.*`; `recipients` are member ids, or `*`; `fields` are names the operation declares.
    `retention_days` binds the recipient; `per_subject_per_day` 0 is without a bound; `sunset` 0 is without an end,
    which only an ordinary power may have. `needs` an order in force, the subject's consent, or that the subject asks in
    person (`self`: their right to see and copy, PDPA articles 3 and 10). `assurance` is the lowest
    login (1-3). `reveal_after_days` defers the notice to the subject.
    """

    id: str
    title: Text
    kind: BasisKind
    statute: Statute
    pdpa: str
    operations: tuple[str, ...]
    purposes: tuple[str, ...]
    categories: tuple[str, ...]
    recipients: tuple[str, ...]
    fields: tuple[str, ...]
    valid_from: EpochS
    retention_days: int
    sunset: EpochS = EpochS(0)
    per_subject_per_day: int = 0
    needs: Literal["", "order", "consent", "self"] = ""
    relief: Relief = ""
    is_secondary: bool = False
    """Use for another purpose than the data was collected for: the subject may opt out (111-憲判-13)."""
    assurance: int = 2
    reveal_after_days: int = 0
    reviewed: Literal["each", "daily"] = "each"
    """Under an order, what somebody else of the agency reviews: each use, or a day's uses together. The latter is for
    what a machine asks by a fixed rule, a million times a day: docs/decisions/0111."""

    @cached_property
    def version(self) -> str:
        """A hash of the whole basis: a use names the text that was in force. What is as ever is left out: bases of
        before there was the word keep their hash."""
        text = msgspec.to_builtins(self)
        if self.reviewed == "each":
            del text["reviewed"]
        return sha256(msgspec.json.encode(text, order="sorted")).hexdigest()[:16]

    @cached_property
    def weighed(self) -> tuple[object, ...]:
        """What the rules weigh in it besides its moments: two bases with the same are judged alike."""
        is_special = bool(vocabulary.SPECIAL & set(self.categories))
        bounds = (self.assurance, self.per_subject_per_day, self.is_secondary)
        return (self.needs, self.fields, is_special, self.relief, *bounds)

    def __hash__(self) -> int:
        return hash(self.version)


class Register(msgspec.Struct, frozen=True):
    """The bases in force, by operation, purpose and recipient. Made once per change, asked at every call: four looks
    into the index, whether there are ten bases or a hundred thousand."""

    by_use: dict[tuple[str, str, str], tuple[LegalBasis, ...]]
    by_id: dict[str, LegalBasis]

    def candidates(self, operation: str, purpose: str, recipient: str) -> list[LegalBasis]:
        """Bases that speak of this use by this recipient, the most specific first; their terms are not judged here."""
        found: list[LegalBasis] = []
        for named in (operation, operation.partition(".")[0] + ".*"):
            for who in (recipient, EVERYONE):
                found += self.by_use.get((named, purpose, who), ())
        return found


def register(bases: Iterable[LegalBasis]) -> Register:
    """The index over checked bases. Raises Invalid naming the basis and what it lacks."""
    by_use: defaultdict[tuple[str, str, str], list[LegalBasis]] = defaultdict(list)
    by_id: dict[str, LegalBasis] = {}
    for basis in bases:
        faults = faults_of(basis)
        if basis.id in by_id:
            faults = [*faults, FieldError("id", f"{basis.id} is there already")]
        if faults:
            raise Invalid(f"legal basis {basis.id}: {faults[0].field}: {faults[0].fix}", fields=tuple(faults))
        by_id[basis.id] = basis
        for derived in ("version", "weighed"):
            getattr(basis, derived)  # now, not within somebody's call
        recipients = (EVERYONE,) if EVERYONE in basis.recipients else basis.recipients
        for use in product(basis.operations, basis.purposes, recipients):
            by_use[use].append(basis)
    return Register({use: tuple(found) for use, found in by_use.items()}, by_id)


def faults_of(basis: LegalBasis) -> Sequence[FieldError]:
    """What keeps a basis out of the register."""
    found = [FieldError(name, "say at least one") for name in ("operations", "purposes", "recipients", "fields")
             if not getattr(basis, name)]  # fmt: skip
    found += [FieldError("purposes", f"{code} is no purpose code") for code in basis.purposes
              if code not in vocabulary.PURPOSES]  # fmt: skip
    found += [FieldError("categories", f"{code} is no category code") for code in basis.categories
              if code not in vocabulary.CATEGORIES]  # fmt: skip
    if basis.pdpa not in vocabulary.CLAUSES:
        found.append(FieldError("pdpa", f"one of {', '.join(vocabulary.CLAUSES)}"))
    if basis.needs == "order" and not basis.sunset:
        found.append(FieldError("sunset", "a power that needs an order ends by itself: say when"))
    if basis.kind == "consent" and basis.needs != "consent":
        found.append(FieldError("needs", "a basis of consent needs the subject's consent"))
    if vocabulary.SPECIAL & set(basis.categories) and not basis.relief:
        found.append(FieldError("relief", "special categories need an exception of PDPA article 6"))
    if not 1 <= basis.assurance <= 3:
        found.append(FieldError("assurance", "1 to 3"))
    if basis.retention_days < 1:
        found.append(FieldError("retention_days", "at least 1"))
    return found
