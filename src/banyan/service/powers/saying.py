"""A legal basis in words anybody can read: what for, which fields, by whom, how long, until when, by which article."""

from __future__ import annotations

import msgspec

from banyan.kernel.catalogue.messages import LANGUAGES
from banyan.kernel.catalogue.operation import Text
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.policy import vocabulary
from banyan.kernel.policy.bases import LegalBasis


class BasisWords(msgspec.Struct, frozen=True):
    """One basis. `needs` is order, consent or empty; moments are RFC 3339 UTC, `sunset` empty when the law sets none;
    `is_current` between its first moment and its sunset. `recipients` may hold `*`: anybody. `relief` is the exception
    of PDPA article 6 that lets special categories be used. `reveal_after_days` defers the notice to the person."""

    id: str
    version: str
    title: Text
    statute: Text
    pcode: str
    clause: str
    clause_text: Text
    operations: tuple[str, ...]
    purposes: tuple[Text, ...]
    categories: tuple[Text, ...]
    recipients: tuple[str, ...]
    fields: tuple[str, ...]
    retention_days: int
    per_subject_per_day: int
    valid_from: str
    sunset: str
    needs: str
    relief: str
    is_secondary: bool
    assurance: int
    reveal_after_days: int
    is_current: bool


def words_of(basis: LegalBasis, now: EpochS) -> BasisWords:
    return BasisWords(
        id=basis.id,
        version=basis.version,
        title=dict(basis.title),
        statute={lang: basis.statute.said(lang) for lang in LANGUAGES},
        pcode=basis.statute.pcode,
        clause=basis.pdpa,
        clause_text=dict(vocabulary.CLAUSES[basis.pdpa]),
        operations=basis.operations,
        purposes=tuple(_coded(code, vocabulary.PURPOSES[code]) for code in basis.purposes),
        categories=tuple(_coded(code, vocabulary.CATEGORIES[code]) for code in basis.categories),
        recipients=basis.recipients,
        fields=basis.fields,
        retention_days=basis.retention_days,
        per_subject_per_day=basis.per_subject_per_day,
        valid_from=iso(basis.valid_from),
        sunset=iso(basis.sunset) if basis.sunset else "",
        needs=basis.needs,
        relief=basis.relief,
        is_secondary=basis.is_secondary,
        assurance=basis.assurance,
        reveal_after_days=basis.reveal_after_days,
        is_current=basis.valid_from <= now and (not basis.sunset or now < basis.sunset),
    )


def _coded(code: str, words: Text) -> dict[str, str]:
    """A code of the Act's lists with its title."""
    return {lang: f"{code} {words[lang]}" for lang in LANGUAGES}
