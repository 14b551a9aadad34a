"""Resources of FHIR R4 by their own names: what is read is bounded and the rest of it passed over, what is written is
whole. Source: hl7.org/fhir/R4; TW Core IG (twcore.mohw.gov.tw) for the systems of identifiers.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec

MEDIA_TYPE: Final = "application/fhir+json"
NATIONAL: Final = "http://www.moi.gov.tw"
"""TW Core: 身分證字號, type NNxxx with the suffix TWN."""
RESIDENT: Final = "http://www.immigration.gov.tw"
"""TW Core: 居留證號碼, type PRC."""
PASSPORT_TW: Final = "http://www.boca.gov.tw"
"""TW Core: 護照號碼, type PPN."""
PASSPORT: Final = "http://hl7.org/fhir/sid/passport-"
"""FHIR's own systems of passports, by the issuing state's three letters."""
V2_0203: Final = "http://terminology.hl7.org/CodeSystem/v2-0203"
Text = Annotated[str, msgspec.Meta(max_length=2_048)]


class _Element(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Members that are not ours are passed over."""


class Coding(_Element, frozen=True):
    system: Text = ""
    code: Text = ""
    display: Text = ""


class CodeableConcept(_Element, frozen=True):
    coding: tuple[Coding, ...] = ()
    text: Text = ""


class Identifier(_Element, frozen=True):
    system: Text = ""
    value: Text = ""
    use: Text = ""
    type: CodeableConcept = CodeableConcept()


class Reference(_Element, frozen=True):
    reference: Text = ""
    identifier: Identifier = Identifier()
    display: Text = ""


class Period(_Element, frozen=True):
    start: Text = ""
    end: Text = ""


class Patient(_Element, frozen=True):
    """What is read of a Patient: who it is by number, never the name."""

    resource_type: Annotated[str, msgspec.Meta(pattern="^Patient$")]
    id: Text = ""
    identifier: Annotated[tuple[Identifier, ...], msgspec.Meta(max_length=50)] = ()


class Meta(_Element, frozen=True):
    last_updated: Text = ""
    profile: tuple[str, ...] = ()
    security: tuple[Coding, ...] = ()


class _Resource(_Element, frozen=True, omit_defaults=True, tag_field="resourceType", tag=lambda name: name):
    pass


class Flag(_Resource, frozen=True):
    """`period` is the window by the rule, so that its end is in the data."""

    id: str
    meta: Meta
    identifier: tuple[Identifier, ...]
    status: str
    category: tuple[CodeableConcept, ...]
    code: CodeableConcept
    subject: Reference
    period: Period
    author: Reference


class Agent(_Element, frozen=True):
    type: CodeableConcept
    who: Reference
    requestor: bool
    purpose_of_use: tuple[CodeableConcept, ...] = ()


class ProvenanceAgent(_Element, frozen=True):
    type: CodeableConcept
    who: Reference


class ProvenanceEntity(_Element, frozen=True):
    role: str
    what: Reference


class Provenance(_Resource, frozen=True):
    """Whence a Flag: the rule and the register."""

    id: str
    target: tuple[Reference, ...]
    recorded: str
    agent: tuple[ProvenanceAgent, ...]
    policy: tuple[str, ...] = ()
    entity: tuple[ProvenanceEntity, ...] = ()


class AuditSource(_Element, frozen=True):
    observer: Reference


class AuditEntity(_Element, frozen=True):
    what: Reference
    description: str = ""


class AuditEvent(_Resource, frozen=True):
    """One look-up, as its subject may keep it."""

    id: str
    type: Coding
    action: str
    recorded: str
    outcome: str
    agent: tuple[dict[str, Any], ...]
    source: AuditSource
    entity: tuple[AuditEntity, ...] = ()


class Search(_Element, frozen=True):
    mode: str


class Entry(_Element, frozen=True):
    full_url: str
    resource: Flag | Provenance | AuditEvent
    search: Search


class Bundle(_Resource, frozen=True):
    type: str
    total: int | None = None
    entry: tuple[Entry, ...] = ()


class Issue(_Element, frozen=True):
    severity: str
    code: str
    diagnostics: str


class OperationOutcome(_Resource, frozen=True):
    issue: tuple[Issue, ...]


class AnswerItem(_Element, frozen=True):
    """One answer; of the choice only what a form of ours needs. What was asked because of it stands in it (R4's qrs-1:
    an item with an answer has no items beside it)."""

    value_string: str | None = None
    value_boolean: bool | None = None
    value_date: str | None = None
    value_coding: Coding | None = None
    item: tuple[Item, ...] = ()


class Item(_Element, frozen=True):
    link_id: str
    text: str = ""
    answer: tuple[AnswerItem, ...] = ()
    item: tuple[Item, ...] = ()


class QuestionnaireResponse(_Resource, frozen=True):
    id: str
    questionnaire: str
    status: str
    authored: str
    subject: Reference
    author: Reference
    item: tuple[Item, ...]


def document_of(one: Identifier) -> str:
    """A person's document as Banyan names it: a national or resident number, or P:STATE:NUMBER of a passport; empty for
    a medical record number and other systems. A system's trailing slash is not told from none."""
    system, value = one.system.rstrip("/"), one.value.strip()
    if not value or one.use == "old":
        return ""
    if system in (NATIONAL, RESIDENT):
        return value
    if system == PASSPORT_TW:
        return f"P:TWN:{value}"
    if system.startswith(PASSPORT) and len(state := system.removeprefix(PASSPORT)) == 3:
        return f"P:{state.upper()}:{value}"
    return ""


def identifier_of(document: str) -> Identifier:
    """The other way round."""
    if document.startswith("P:"):
        _, state, number = document.split(":", 2)
        system = PASSPORT_TW if state == "TWN" else PASSPORT + state
        return Identifier(system, number, "official", CodeableConcept((Coding(V2_0203, "PPN"),)))
    is_national = document[1:2] in ("1", "2")
    kind = Coding(V2_0203, "NNxxx" if is_national else "PRC")
    return Identifier(NATIONAL if is_national else RESIDENT, document, "official", CodeableConcept((kind,)))
