"""What is wrong with an alert: findings, each with the element's path, a stable code, and a sentence saying the fix."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from banyan.limits_alerts import CAP_FINDINGS
from banyan.wire.cap.model import Alert


class Layer(StrEnum):
    """XML: not readable at all. STRUCTURE: against the schema. MEANING: against the standard's prose."""

    XML = "xml"
    STRUCTURE = "structure"
    MEANING = "meaning"


class Severity(StrEnum):
    """ERROR: the standard forbids it. WARNING: it advises against it, or receivers stumble over it."""

    ERROR = "error"
    WARNING = "warning"


class Finding(msgspec.Struct, frozen=True):
    """`path` as `alert/info[1]/area[2]/polygon[1]`; `fix` is one sentence for who wrote the alert."""

    path: str
    code: str
    fix: str
    layer: Layer = Layer.MEANING
    severity: Severity = Severity.ERROR


class Verdict(msgspec.Struct, frozen=True):
    """Of one document. `version` is the CAP version its namespace says, empty when it is none of ours."""

    version: str
    findings: tuple[Finding, ...] = ()

    @property
    def is_structured(self) -> bool:
        """Does the schema of its version accept it?"""
        return bool(self.version) and all(each.layer is Layer.MEANING for each in self.findings)

    @property
    def is_valid(self) -> bool:
        """No error of any layer; warnings may stand."""
        return bool(self.version) and all(each.severity is not Severity.ERROR for each in self.findings)

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(each for each in self.findings if each.severity is Severity.ERROR)


class Judged(msgspec.Struct, frozen=True):
    """The alert, upgraded to CAP 1.2, when the schema accepts it and its times can be placed; and what is wrong."""

    alert: Alert | None
    verdict: Verdict


class Findings:
    """Collects findings up to CAP_FINDINGS; a document with more is of another kind."""

    def __init__(self) -> None:
        self.found: list[Finding] = []

    def structure(self, path: str, code: str, fix: str) -> None:
        self.add(Finding(path, code, fix, Layer.STRUCTURE))

    def error(self, path: str, code: str, fix: str) -> None:
        self.add(Finding(path, code, fix))

    def warning(self, path: str, code: str, fix: str) -> None:
        self.add(Finding(path, code, fix, severity=Severity.WARNING))

    def add(self, finding: Finding) -> None:
        """Structure is judged before meaning, so what a full list leaves out never changes the schema's verdict."""
        if len(self.found) < CAP_FINDINGS:
            self.found.append(finding)
