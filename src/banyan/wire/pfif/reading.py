"""Read a PFIF document of version 1.1, 1.2, 1.3 or 1.4 into records of 1.4.

Older names become today's; white space around a value is no part of it; a note within a person is about that person.
A record that cannot stand is left out and named in `faults`, and the others stay: half a hospital's list is worth more
than none. What is no PFIF at all raises Invalid.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final
from xml.etree.ElementTree import Element

import msgspec

from banyan.errors import Invalid, Limit
from banyan.limits_casualties import PFIF_FAULTS, PFIF_FIELD_CHARACTERS, PFIF_RECORDS
from banyan.wire.pfif.model import NOTE_FIELDS, PERSON_FIELDS, SEXES, STATUSES, Fault, Note, Person, Reading
from banyan.wire.xmltext import parse

NAMESPACE: Final = "http://zesty.ca/pfif/"
VERSIONS: Final = ("1.1", "1.2", "1.3", "1.4")
RENAMED: Final = {
    "first_name": "given_name",
    "last_name": "family_name",
    "found": "author_made_contact",
    "home_zip": "home_postal_code",
    "other": "description",
}
_ID: Final = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*/\S{1,400}")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z")
_BIRTH: Final = re.compile(r"\d{4}(?:-\d\d(?:-\d\d)?)?")
_AGE: Final = re.compile(r"\d{1,3}(?:-\d{1,3})?")
_SQUARE: Final = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
_BLOCK: Final = re.compile(r"description:[ \t]*\n?(?P<said>(?:[ \t]+[^\n]*\n?|[ \t]*\n)*)")
_ABOUT: Final = frozenset({"person_record_id", "source_date", "entry_date", "expiry_date"})
_MOMENTS: Final = ("source_date", "entry_date", "expiry_date")


def read(body: bytes) -> Reading:
    """The document's records. Raises Invalid (no PFIF) or Limit (too many records, too large, too deep)."""
    root = parse(body)
    version = _version(root)
    space = f"{{{NAMESPACE}{version}}}"
    persons: list[Person] = []
    notes: list[Note] = []
    faults: list[Fault] = []
    records = 0
    for item in root:
        records += 1 + (len(item.findall(f"{space}note")) if item.tag == f"{space}person" else 0)
        if records > PFIF_RECORDS:
            raise Limit("PFIF_RECORDS", remedy=f"Send at most {PFIF_RECORDS} persons and notes in one document.")
        if item.tag == f"{space}person":
            found = _person(item, space, faults)
            persons += [found] if found is not None else []
        elif item.tag == f"{space}note":
            note = _note(item, space, "", faults)
            notes += [note] if note is not None else []
    return Reading(version, tuple(persons), tuple(notes), tuple(faults[:PFIF_FAULTS]))


def _version(root: Element) -> str:
    for version in VERSIONS:
        if root.tag == f"{{{NAMESPACE}{version}}}pfif":
            return version
    raise Invalid(
        "the document is no PFIF 1.1 to 1.4",
        remedy=f"Its root is `pfif` in one of the namespaces {NAMESPACE}1.1 to 1.4.",
    )


def person_of(values: Mapping[str, str], faults: list[Fault], notes: tuple[Note, ...] = ()) -> Person | None:
    """The person of these fields, by their names of 1.4; None when it cannot stand, and `faults` say why."""
    found = dict(values)
    if "full_name" not in found:
        joined = _joined(found.get("given_name", ""), found.get("family_name", ""))
        found |= {"full_name": joined} if joined else {}
    is_tombstone = "expiry_date" in found and found.keys() <= _ABOUT
    mandatory = (
        ("person_record_id", "source_date") if is_tombstone else ("person_record_id", "source_date", "full_name")
    )
    return msgspec.convert({**found, "notes": notes}, Person) if _stands("person", found, mandatory, faults) else None


def note_of(values: Mapping[str, str], faults: list[Fault]) -> Note | None:
    """The note of these fields; None when it cannot stand."""
    mandatory = ("note_record_id", "person_record_id", "source_date")
    return Note(**values) if _stands("note", values, mandatory, faults) else None


def _person(item: Element, space: str, faults: list[Fault]) -> Person | None:
    values = _values(item, space, PERSON_FIELDS)
    id = values.get("person_record_id", "")
    notes = [_note(one, space, id, faults) for one in item.findall(f"{space}note")]
    return person_of(values, faults, tuple(note for note in notes if note is not None))


def _note(item: Element, space: str, person: str, faults: list[Fault]) -> Note | None:
    values = _values(item, space, NOTE_FIELDS)
    if person:
        about = values.setdefault("person_record_id", person)
        if about != person:
            faults.append(
                Fault("note", values.get("note_record_id", ""), "person_record_id", f"the person is {person}")
            )
            return None
    return note_of(values, faults)


def _values(item: Element, space: str, known: Iterable[str]) -> dict[str, str]:
    """The fields of a record that are not empty, by their names of 1.4; of two with one name the first stands."""
    wanted, found = set(known), dict[str, str]()
    for child in item:
        old = child.tag.removeprefix(space)
        name = RENAMED.get(old, old)
        text = "".join(child.itertext()).strip()
        if name in wanted and text and name not in found and child.tag != old:
            found[name] = _described(text) if old == "other" else text
    return found


def _described(other: str) -> str:
    """The description within the older field `other`: a block of indented lines; without one, all of it."""
    block = _BLOCK.match(other + "\n")
    if block is None or block.end() < len(other):
        return other
    return "\n".join(line.strip() for line in block["said"].splitlines()).strip()


def _joined(given: str, family: str) -> str:
    """A full name of the two parts of 1.1 and 1.2, in the order and spacing of its script."""
    if _SQUARE.fullmatch(given + family):
        return family + given
    return f"{given} {family}".strip()


def _stands(kind: str, values: Mapping[str, str], mandatory: tuple[str, ...], faults: list[Fault]) -> bool:
    """Whether the record can be kept; what is wrong with it is added to `faults`."""
    wrong = [(name, "say it: it is mandatory") for name in mandatory if name not in values]
    wrong += [
        (name, f"at most {PFIF_FIELD_CHARACTERS} characters")
        for name, value in values.items()
        if len(value) > PFIF_FIELD_CHARACTERS
    ]
    wrong += [
        (name, "domain/opaque")
        for name in ("person_record_id", "note_record_id", "linked_person_record_id")
        if name in values and not _ID.fullmatch(values[name])
    ]
    wrong += [(name, "UTC, as 2015-06-27T12:32:00Z") for name in _MOMENTS if name in values and not _time(values[name])]
    wrong += _vocabulary(values)
    faults += [Fault(kind, values.get(f"{kind}_record_id", "")[:400], name, fix) for name, fix in wrong]
    return not wrong


def _vocabulary(values: Mapping[str, str]) -> list[tuple[str, str]]:
    rules = {
        "sex": (values.get("sex", "") in ("", *SEXES), f"one of {', '.join(SEXES)}"),
        "status": (values.get("status", "") in ("", *STATUSES), f"one of {', '.join(STATUSES)}"),
        "author_made_contact": (values.get("author_made_contact", "") in ("", "true", "false"), "true or false"),
        "date_of_birth": (
            not values.get("date_of_birth") or _birth(values["date_of_birth"]),
            "1970, 1970-01 or 1970-01-31",
        ),
        "age": (not values.get("age") or bool(_AGE.fullmatch(values["age"])), "35 or 35-45"),
    }
    return [(name, fix) for name, (is_right, fix) in rules.items() if not is_right]


def _time(text: str) -> bool:
    if not (text.isascii() and _TIME.fullmatch(text)):
        return False
    try:
        datetime.fromisoformat(text[:19])
    except ValueError:
        return False
    return True


def _birth(text: str) -> bool:
    if not (text.isascii() and _BIRTH.fullmatch(text)):
        return False
    try:
        datetime.fromisoformat(text + "-01-01"[len(text) - 4 :] if len(text) < 10 else text)
    except ValueError:
        return False
    return True
