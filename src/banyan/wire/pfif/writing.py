"""Write PFIF 1.4: fields in the standard's order, a line each; empty ones are left out unless they are mandatory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from banyan.wire.pfif.model import MANDATORY, NOTE_FIELDS, PERSON_FIELDS, SENSITIVE, Note, Person
from banyan.wire.xmltext import text

MEDIA_TYPE: Final = "application/xml; charset=utf-8"
NAMESPACE: Final = "http://zesty.ca/pfif/1.4"
DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
_ABOUT: Final = frozenset({"person_record_id", "source_date", "entry_date", "expiry_date"})


def write(persons: Iterable[Person]) -> bytes:
    """A document of persons with their notes."""
    return _document(person_element(one, "  ") for one in persons)


def write_notes(notes: Iterable[Note]) -> bytes:
    """A document of notes that stand alone."""
    return _document(note_element(one, "  ") for one in notes)


def person_element(person: Person, indent: str) -> str:
    """`<pfif:person>`; the prefix must be bound around it."""
    lines = _lines(person, "person", PERSON_FIELDS, indent)
    lines += [note_element(note, indent + "  ") for note in person.notes]
    return "\n".join([f"{indent}<pfif:person>", *lines, f"{indent}</pfif:person>"])


def note_element(note: Note, indent: str) -> str:
    """`<pfif:note>`; the prefix must be bound around it."""
    lines = _lines(note, "note", NOTE_FIELDS, indent)
    return "\n".join([f"{indent}<pfif:note>", *lines, f"{indent}</pfif:note>"])


def without_sensitive(person: Person) -> Person:
    """The person as a key without full read sees it."""
    blank = dict.fromkeys(SENSITIVE & set(PERSON_FIELDS), "")
    of_note = dict.fromkeys(SENSITIVE & set(NOTE_FIELDS), "")
    notes = tuple(msgspec.structs.replace(note, **of_note) for note in person.notes)
    return msgspec.structs.replace(person, **blank, notes=notes)


def tombstone(person: Person) -> Person:
    """What stays of an expired person: that there was a record, and its days (PFIF 1.4, data expiry)."""
    return msgspec.convert({name: getattr(person, name) for name in _ABOUT}, Person)


def _document(elements: Iterable[str]) -> bytes:
    inner = "".join(one + "\n" for one in elements)
    return f'{DECLARATION}<pfif:pfif xmlns:pfif="{NAMESPACE}">\n{inner}</pfif:pfif>\n'.encode()


def _lines(record: Person | Note, kind: str, fields: tuple[str, ...], indent: str) -> list[str]:
    found = [(name, getattr(record, name)) for name in fields]
    return [
        f"{indent}  <pfif:{name}>{text(value)}</pfif:{name}>"
        for name, value in found
        if value or name in MANDATORY[kind]
    ]
