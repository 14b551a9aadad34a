"""What was answered as FHIR R4: Flag with the window as its period, Provenance of each, AuditEvent of a look, and what
this server can do. Values in, resources out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from banyan.service.travel.contesting import OwnLook
from banyan.service.travel.flagging import Flagged, Shown
from banyan.wire.fhir import model as fhir
from banyan.wire.fhir.model import CodeableConcept, Coding, Entry, Flag, Identifier, Meta, Period, Reference

CATEGORY: Final = Coding("http://terminology.hl7.org/CodeSystem/flag-category", "safety", "Safety")
AUTHOR: Final = Coding("http://terminology.hl7.org/CodeSystem/provenance-participant-type", "author", "Author")
READ: Final = Coding("http://terminology.hl7.org/CodeSystem/audit-event-type", "rest", "RESTful Operation")
PUBLIC_HEALTH: Final = Coding("http://terminology.hl7.org/CodeSystem/v3-ActReason", "PUBHLTH", "public health")
TAIWAN: Final = "+08:00"


def flags_of(
    found: Flagged,
    marks: Sequence[Shown],
    ids: Sequence[str],
    *,
    asked: Identifier,
    base: str,
    now: str,
    lang: str,
    has_provenance: bool,
) -> fhir.Bundle:
    """A searchset. `asked` is how the caller named the patient: it is given back, and nothing else of them."""
    subject = Reference(identifier=Identifier(asked.system, asked.value))
    flags = [_flag(mark, id, subject, base, now=now, lang=lang) for mark, id in zip(marks, ids, strict=True)]
    entries = [Entry(f"{base}/fhir/Flag/{one.id}", one, fhir.Search("match")) for one in flags]
    if has_provenance:
        for one, mark in zip(flags, marks, strict=True):
            made = _provenance(one.id, mark, found.order, base, now)
            entries.append(Entry(f"{base}/fhir/Provenance/{made.id}", made, fhir.Search("include")))
    return fhir.Bundle("searchset", len(flags), tuple(entries))


def audit_of(looks: Sequence[OwnLook], *, base: str) -> fhir.Bundle:
    """A person's own looks, for them to keep. No number stands in it: it is about who asks."""
    entries = tuple(Entry(f"{base}/fhir/AuditEvent/{one.id}", _audit(one, base), fhir.Search("match")) for one in looks)
    return fhir.Bundle("searchset", len(entries), entries)


def capability(base: str, now: str) -> dict[str, Any]:
    """The CapabilityStatement: one resource, one search."""
    return {
        "resourceType": "CapabilityStatement", "status": "active", "date": now, "kind": "instance",
        "fhirVersion": "4.0.1", "format": ["application/fhir+json"], "publisher": "Banyan",
        "implementation": {"description": "Travel flags at visits, under an order", "url": f"{base}/fhir"},
        "rest": [{
            "mode": "server",
            "security": {
                "cors": False,
                "description": "OAuth 2.0 bearer token of a hospital's registered app; mTLS between agencies.",
            },
            "resource": [{
                "type": "Flag", "interaction": [{"code": "search-type"}], "versioning": "no-version",
                "searchRevInclude": ["Provenance:target"],
                "documentation": "Search by POST /fhir/Flag/_search where you can: an address may be kept on its way.",
                "searchParam": [{
                    "name": "patient.identifier", "type": "token",
                    "documentation": "SYSTEM|VALUE with the systems of TW Core or FHIR's passports. One patient.",
                }],
            }],
        }],
    }  # fmt: skip


def outcome(code: str, said: str) -> fhir.OperationOutcome:
    return fhir.OperationOutcome((fhir.Issue("error", code, said),))


def _flag(mark: Shown, id: str, subject: Reference, base: str, *, now: str, lang: str) -> Flag:
    title = mark.title[lang]
    tags = (Coding("http://terminology.hl7.org/CodeSystem/v3-ActCode", "CPLYPOL", "comply with policy"),)
    said = title + ("（當事人申訴中 contested）" if mark.is_contested else "")
    return Flag(
        id=id,
        meta=Meta(now, security=tags),
        identifier=(Identifier(f"{base}/travel/marks", f"{mark.rule}/{mark.start}"),),
        status="active" if mark.state == "now" else "inactive",
        category=(CodeableConcept((CATEGORY,)),),
        code=CodeableConcept((Coding(f"{base}/travel/rules", mark.rule, title),), said),
        subject=subject,
        period=Period(f"{mark.start}T00:00:00{TAIWAN}", f"{mark.end}T23:59:59{TAIWAN}"),
        author=Reference(display=mark.source),
    )


def _provenance(flag: str, mark: Shown, order: str, base: str, now: str) -> fhir.Provenance:
    return fhir.Provenance(
        id=f"p-{flag}"[:64],
        target=(Reference(f"Flag/{flag}"),),
        recorded=now,
        policy=(f"{base}/travel/rules#{mark.rule}", f"{base}/powers#{order}"),
        agent=(fhir.ProvenanceAgent(CodeableConcept((AUTHOR,)), Reference(display=mark.source)),),
    )


def _audit(look: OwnLook, base: str) -> fhir.AuditEvent:
    told = "; ".join(f"{one.rule} {one.start}/{one.end}" for one in look.told or ()) or "-"
    return fhir.AuditEvent(
        id=look.id,
        type=READ,
        action="R",
        recorded=_instant(look.at),
        outcome="0",
        agent=({
            "type": {"coding": [{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "110153"}]},
            "who": {"display": look.agency}, "requestor": True,
            "purposeOfUse": [{"coding": [{"system": PUBLIC_HEALTH.system, "code": PUBLIC_HEALTH.code}],
                              "text": look.reason or "-"}],
        },),
        source=fhir.AuditSource(Reference(display=base)),
        entity=(fhir.AuditEntity(Reference(display="Flag"), told),),
    )  # fmt: skip


def _instant(at: str) -> str:
    return datetime.fromisoformat(at).isoformat(timespec="seconds")
