"""Read the CSV of Person Finder's bulk import: a heading of PFIF's field names, a line a person, with a note or not.

As its import did: an id without a domain gets the importer's, a note of a line is about its person, and a person whom
several lines name is one with several notes. Source: Person Finder, app/resources/static/fixed/sample-import.csv.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Final

import msgspec

from banyan.errors import Invalid, Limit
from banyan.limits_casualties import PFIF_FAULTS, PFIF_FIELD_CHARACTERS, PFIF_RECORDS
from banyan.wire.pfif.model import NOTE_FIELDS, PERSON_FIELDS, Fault, Note, Person, Reading
from banyan.wire.pfif.reading import note_of, person_of

VERSION: Final = "1.4"
_IDS: Final = ("person_record_id", "note_record_id", "linked_person_record_id")
_NOTE_ONLY: Final = frozenset(NOTE_FIELDS) - frozenset(PERSON_FIELDS)
_SHARED: Final = ("author_name", "author_email", "author_phone", "source_date", "person_record_id")
"""What a line says once, of its person and of its note."""


def read_csv(body: bytes, domain: str) -> Reading:
    """The records of the file. Raises Invalid (no such heading, no UTF-8) or Limit (too many lines)."""
    try:
        text = body.decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise Invalid.at("body", "CSV in UTF-8 with a heading of PFIF's field names") from error
    if len(rows) > PFIF_RECORDS:
        raise Limit("PFIF_RECORDS", remedy=f"Send at most {PFIF_RECORDS} lines at once.")
    if not rows or "person_record_id" not in rows[0]:
        raise Invalid.at("person_record_id", "a column of this name, and at least one line")
    persons: dict[str, Person] = {}
    notes: list[Note] = []
    faults: list[Fault] = []
    for row in rows:
        values = _values(row, domain)
        person = person_of({name: values[name] for name in PERSON_FIELDS if name in values}, faults)
        if person is not None:
            persons.setdefault(person.person_record_id, person)
        if None in row:  # Person Finder's own sample is so: its heading lacks home_street
            more = len(row[None] or ())
            fix = f"the line has {more} cells more than the heading: is a column's name missing?"
            faults.append(Fault("note", values.get("person_record_id", ""), "note_record_id", fix))
        elif values.keys() & _NOTE_ONLY:
            said = {name: values[name] for name in values if name in _NOTE_ONLY or name in _SHARED}
            note = note_of(said, faults)
            notes += [note] if note is not None else []
    return Reading(VERSION, _joined(persons, notes), _alone(persons, notes), tuple(faults[:PFIF_FAULTS]))


def _values(row: Mapping[str | None, str | list[str] | None], domain: str) -> dict[str, str]:
    """The cells that say something, by field; ids with a domain, yes and no in small letters."""
    found = {}
    for name, cell in row.items():
        if name is None or not isinstance(cell, str) or not cell.strip():
            continue
        value = cell.strip()[: PFIF_FIELD_CHARACTERS + 1]
        if name in _IDS and "/" not in value:
            value = f"{domain}/{value}"
        found[name.strip()] = value.lower() if name == "author_made_contact" else value
    return found


def _joined(persons: Mapping[str, Person], notes: list[Note]) -> tuple[Person, ...]:
    return tuple(
        msgspec.structs.replace(one, notes=tuple(note for note in notes if note.person_record_id == id))
        for id, one in persons.items()
    )


def _alone(persons: Mapping[str, Person], notes: list[Note]) -> tuple[Note, ...]:
    return tuple(note for note in notes if note.person_record_id not in persons)
