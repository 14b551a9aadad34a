"""The report: for each rule whether it held, what was seen, and how to mend it; as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

import msgspec

from banyan.kernel.catalogue.messages import LANGUAGES
from banyan.kit.claims import App, Kind
from banyan.kit.judging import RULES, Finding, Rule, Severity
from banyan.kit.wording import MESSAGES

EVIDENCE: Final = 5
"""Findings shown of one rule; the count says how many there are."""
Result = Literal["pass", "fail"]


class RuleReport(msgspec.Struct, frozen=True):
    """One rule: `title` what it asks, `why`, `mend` how to keep it, all in both languages; `found` how many times it
    was broken, with the first as evidence."""

    id: Rule
    severity: Severity
    result: Result
    title: Mapping[str, str]
    why: Mapping[str, str]
    mend: Mapping[str, str]
    found: int
    evidence: Sequence[Finding]


class Report(msgspec.Struct, frozen=True):
    """`conforms`: no error. `cases` says how many outlets of each kind were compared: what was not seen was not
    checked. `seq` are the node's numbers before and after."""

    url: str
    kind: Kind
    reference: str
    seq: tuple[int, int]
    checked_at: str
    conforms: bool
    claims: int
    outlets: int
    cases: Mapping[str, int]
    rules: Sequence[RuleReport]


def rules_of(findings: Sequence[Finding]) -> list[RuleReport]:
    reports = []
    for rule, severity in RULES.items():
        broken = [finding for finding in findings if finding.rule == rule]
        reports.append(
            RuleReport(
                id=rule,
                severity=severity,
                result="fail" if broken else "pass",
                title=_both(f"rule.{rule}.title"),
                why=_both(f"rule.{rule}.why"),
                mend=_both(f"rule.{rule}.mend"),
                found=len(broken),
                evidence=broken[:EVIDENCE],
            )
        )
    return reports


def conforms(findings: Sequence[Finding]) -> bool:
    return not any(RULES[finding.rule] == "error" for finding in findings)


def _both(key: str) -> dict[str, str]:
    return {lang: MESSAGES.text(key, lang) for lang in LANGUAGES}


def as_text(report: Report, lang: str) -> Iterator[str]:
    """Lines for a person: the verdict, what was compared, and each broken rule with its evidence and its mending."""

    def say(key: str, **values: object) -> str:
        return MESSAGES.text(f"said.{key}", lang, **values)

    yield say("conforms" if report.conforms else "does_not", url=report.url)
    yield say("compared", kind=say(f"kind_{report.kind}"), claims=report.claims, outlets=report.outlets)
    yield say("with", reference=report.reference, before=report.seq[0], after=report.seq[1], at=report.checked_at)
    seen = [f"{say(f'case_{case}')} {count}" for case, count in report.cases.items() if count]
    unseen = [say(f"case_{case}") for case, count in report.cases.items() if not count]
    if seen:
        yield say("seen", cases=say("comma").join(seen))
    if unseen:
        yield say("unseen", cases=say("comma").join(unseen))
    for rule in report.rules:
        if rule.result == "fail":
            yield ""
            yield say(f"broken_{rule.severity}", title=rule.title[lang], id=rule.id, found=rule.found)
            yield "  " + rule.why[lang]
            yield from (f"  - {_evidence(finding, say('shown'), say('right'))}" for finding in rule.evidence)
            yield "  " + say("mend", text=rule.mend[lang])
    yield ""
    passed = sum(rule.result == "pass" for rule in report.rules)
    yield say("sum", passed=passed, rules=len(report.rules))


def _evidence(finding: Finding, shown: str, right: str) -> str:
    about = " ".join(part for part in (finding.where, finding.code, finding.item) if part)
    return f"{about}: {shown} {finding.shown or '—'}; {right} {finding.expected}"


def outlets_of(app: App) -> int:
    return len({claim.code for claim in app.claims})
