"""What the standard asks of each field, as faults that name the field, the rule's code, and the values of its sentence.

The sentences stand in the service's messages (`national.CODE`), so this codec stays without language.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Literal

import msgspec

from banyan.wire.national.model import (
    CATEGORIES,
    COSTS,
    RECOMMENDED,
    REQUIRED,
    REQUIRED_OF_RESOURCE,
    TYPES,
    Dataset,
    Resource,
)
from banyan.wire.national.periodicity import parse, states_two

IDENTIFIER = re.compile(r"[0-9A-Z]{10}-\d{6}")
_URL = re.compile(r"https?://[^\s/?#]+\S*", re.IGNORECASE)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_YEAR = re.compile(r"\d{4}|\d{4}-\d{2}")
CHARACTER_SETS = ("UTF-8", "UTF-16", "BIG5", "CP950", "ASCII", "ISO-8859-1", "BINARY")
"""`BINARY` for files that are not text (xlsx, parquet, zip)."""

Severity = Literal["error", "warning"]


class Fault(msgspec.Struct, frozen=True):
    """One field against the standard: an error refuses the dataset, a warning is said."""

    field: str
    code: str
    severity: Severity = "error"
    values: dict[str, str] = {}


def check(dataset: Dataset, at: str = "") -> list[Fault]:
    """All faults of a dataset. `at` is put before each field name (`3.`) when there are several datasets."""
    faults = [*_texts(dataset), *_conditional(dataset)]
    if not dataset.distribution:
        faults.append(Fault("distribution", "required"))
    for index, resource in enumerate(dataset.distribution):
        faults += [
            msgspec.structs.replace(fault, field=f"distribution.{index}.{fault.field}")
            for fault in _resource(resource, dataset, index)
        ]
    return [msgspec.structs.replace(fault, field=at + fault.field) for fault in faults]


def _texts(dataset: Dataset) -> Iterator[Fault]:
    for name in REQUIRED:
        if not getattr(dataset, name):
            yield Fault(name, "required")
    for name in RECOMMENDED:
        if not getattr(dataset, name):
            yield Fault(name, "recommended", "warning")
    for name, rule in _RULES.items():
        text = getattr(dataset, name)
        fault = rule(name, text) if text else None
        if fault:
            yield fault


def _conditional(dataset: Dataset) -> Iterator[Fault]:
    if dataset.cost == "付費":
        for name in ("costURL", "costLaw"):
            if not getattr(dataset, name):
                yield Fault(name, "required-when-paid")
    begin, end = dataset.temporalCoverageFrom, dataset.temporalCoverageTo
    if begin and end and begin > end:
        yield Fault("temporalCoverageTo", "before-from", values={"from": begin, "to": end})
    if dataset.numberOfData is not None and dataset.numberOfData < 0:
        yield Fault("numberOfData", "negative", values={"found": str(dataset.numberOfData)})


def _resource(resource: Resource, dataset: Dataset, index: int) -> Iterator[Fault]:
    for name in REQUIRED_OF_RESOURCE:
        if not getattr(resource, name):
            yield Fault(name, "required")
    if resource.resourceID and dataset.identifier:
        expected = rf"{re.escape(dataset.identifier)}-\d{{3}}"
        if not re.fullmatch(expected, resource.resourceID):
            example = f"{dataset.identifier}-{index + 1:03}"
            yield Fault("resourceID", "resource-id", values={"found": resource.resourceID, "example": example})
    if bool(resource.accessURL) == bool(resource.downloadURL):
        yield Fault("accessURL" if dataset.type in ("SERVICES", "TOOLS") else "downloadURL", "one-url")
    for name in ("accessURL", "downloadURL", "metadataSourceOfData"):
        fault = _url(name, getattr(resource, name)) if getattr(resource, name) else None
        if fault:
            yield fault
    if resource.resourceModified and (fault := _moment("resourceModified", resource.resourceModified)):
        yield fault
    known = resource.characterSetCode.upper().replace("BIG-5", "BIG5").replace("UTF8", "UTF-8")
    if resource.characterSetCode and known not in CHARACTER_SETS:
        allowed = "、".join(CHARACTER_SETS)
        values = {"found": resource.characterSetCode, "allowed": allowed}
        yield Fault("characterSetCode", "not-in-list", "warning", values)


def _one_of(allowed: tuple[str, ...]) -> Callable[[str, str], Fault | None]:
    def rule(name: str, text: str) -> Fault | None:
        if text in allowed:
            return None
        return Fault(name, "not-in-list", values={"found": text, "allowed": "、".join(allowed)})

    return rule


def _identifier(name: str, text: str) -> Fault | None:
    return None if IDENTIFIER.fullmatch(text) else Fault(name, "identifier", values={"found": text})


def _url(name: str, text: str) -> Fault | None:
    return None if _URL.fullmatch(text) else Fault(name, "url", values={"found": text})


def _email(name: str, text: str) -> Fault | None:
    return None if _EMAIL.fullmatch(text) else Fault(name, "email", values={"found": text})


def _frequency(name: str, text: str) -> Fault | None:
    read = parse(text)
    if read is None:
        return Fault(name, "frequency-two" if states_two(text) else "frequency", values={"found": text})
    if read.standard.replace(" ", "") != text.replace(" ", ""):
        return Fault(name, "frequency-form", "warning", {"found": text, "standard": read.standard})
    return None


def _moment(name: str, text: str) -> Fault | None:
    if _YEAR.fullmatch(text):
        return Fault(name, "date-coarse", "warning", {"found": text})
    try:
        if len(text) == 10:
            date.fromisoformat(text)
        else:
            datetime.fromisoformat(text)
    except ValueError:
        return Fault(name, "date", values={"found": text})
    return None


_RULES: Mapping[str, Callable[[str, str], Fault | None]] = {
    "categoryCode": _one_of(tuple(CATEGORIES)),
    "identifier": _identifier,
    "type": _one_of(TYPES),
    "cost": _one_of(COSTS),
    "licenseURL": _url,
    "costURL": _url,
    "landingPage": _url,
    "organizationContactEmail": _email,
    "publisherContactEmail": _email,
    "accrualPeriodicity": _frequency,
    "temporalCoverageFrom": _moment,
    "temporalCoverageTo": _moment,
    "issued": _moment,
    "modified": _moment,
}
