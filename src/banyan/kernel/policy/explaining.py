"""A verdict in words, zh-Hant and en: which statute allows a use, or every rule in its way and what to do."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from banyan.kernel.catalogue.messages import LANGUAGES, load_messages
from banyan.kernel.catalogue.operation import Operation, Text
from banyan.kernel.policy.bases import LegalBasis
from banyan.kernel.policy.decision import Decision
from banyan.kernel.policy.judging import Use, Verdict
from banyan.kernel.policy.vocabulary import PURPOSES

MESSAGES = load_messages("banyan.kernel.policy", "personal.toml")
GAPS = {"zh-Hant": "", "en": " "}
COMMAS = {"zh-Hant": "、", "en": ", "}


def allowed(verdict: Verdict) -> Decision:
    """The decision of an allowed use; its basis is the id in the register."""
    assert verdict.basis is not None, "an allowed use has a basis"
    return _allowed(verdict.basis)


@lru_cache(maxsize=4_096)
def _allowed(basis: LegalBasis) -> Decision:
    """The same words for every use on this text of the basis."""
    said = {
        lang: MESSAGES.text("allowed", lang, basis=basis.title[lang], statute=basis.statute.said(lang))
        for lang in LANGUAGES
    }
    return Decision(allowed=True, basis=basis.id, explanation=said, remedy=dict.fromkeys(LANGUAGES, ""))


def refused(operation: Operation, verdict: Verdict, use: Use) -> Decision:
    """The decision of a refused use: what was refused, by which rules, under which nearest basis, and what to do."""
    return _refused(operation, verdict, use, verdict.rules)


def unreasoned(operation: Operation, verdict: Verdict, use: Use) -> Decision:
    """The decision of a use that an order would let through, if it said why it is needed."""
    assert verdict.basis is not None, "only the reason is missing"
    return _refused(operation, msgspec.structs.replace(verdict, nearest=verdict.basis), use, ("no-reason",))


def _refused(operation: Operation, verdict: Verdict, use: Use, rules: tuple[str, ...]) -> Decision:
    said, remedy = {}, {}
    for lang in LANGUAGES:
        values = _values(operation, verdict, use, lang)
        reasons = [MESSAGES.text(f"rule.{rule}", lang, **values) for rule in rules]
        head = MESSAGES.text("refused", lang, **values)
        said[lang] = GAPS[lang].join([head, *reasons])
        fixes = [MESSAGES.text(f"fix.{rule}", lang, **values) for rule in rules]
        remedy[lang] = GAPS[lang].join(dict.fromkeys(fixes))
    return Decision(allowed=False, basis="none", explanation=said, remedy=remedy, missing=tuple(rules))


def _values(operation: Operation, verdict: Verdict, use: Use, lang: str) -> dict[str, str]:
    nearest = verdict.nearest
    return {
        "operation": operation.title[lang],
        "purpose": _purpose(use.purpose, lang),
        "recipient": use.recipient or MESSAGES.text("nobody", lang),
        "fields": COMMAS[lang].join(verdict.over or use.fields),
        "basis": nearest.title[lang] if nearest else "",
        "statute": nearest.statute.said(lang) if nearest else "",
        "per_day": str(nearest.per_subject_per_day) if nearest else "",
        "assurance": str(nearest.assurance) if nearest else "",
    }


def _purpose(code: str, lang: str) -> str:
    title: Text = PURPOSES.get(code, {})
    return f"{code} {title[lang]}" if title else code
