"""The records of PFIF 1.4: a person, and notes about a person. The order of the fields is the order on the wire.

Source: PFIF 1.4 (http://zesty.ca/pfif/1.4). Times are UTC, `2015-06-27T12:32:00Z`; ids are `domain/opaque`.
"""

from __future__ import annotations

from typing import Final

import msgspec

STATUSES: Final = ("information_sought", "is_note_author", "believed_alive", "believed_missing", "believed_dead")
SEXES: Final = ("female", "male", "other")


class Note(msgspec.Struct, frozen=True, omit_defaults=True):
    """What somebody wrote about a person. Mandatory: `note_record_id`, `author_name`, `source_date`, `text`."""

    note_record_id: str = ""
    person_record_id: str = ""
    linked_person_record_id: str = ""
    entry_date: str = ""
    author_name: str = ""
    author_email: str = ""
    author_phone: str = ""
    source_date: str = ""
    author_made_contact: str = ""
    status: str = ""
    email_of_found_person: str = ""
    phone_of_found_person: str = ""
    last_known_location: str = ""
    text: str = ""
    photo_url: str = ""


class Person(msgspec.Struct, frozen=True, omit_defaults=True):
    """A person somebody looks for or tells of. Mandatory: `person_record_id`, `source_date`, `full_name`."""

    person_record_id: str = ""
    entry_date: str = ""
    expiry_date: str = ""
    author_name: str = ""
    author_email: str = ""
    author_phone: str = ""
    source_name: str = ""
    source_date: str = ""
    source_url: str = ""
    full_name: str = ""
    given_name: str = ""
    family_name: str = ""
    alternate_names: str = ""
    description: str = ""
    sex: str = ""
    date_of_birth: str = ""
    age: str = ""
    home_street: str = ""
    home_neighborhood: str = ""
    home_city: str = ""
    home_state: str = ""
    home_postal_code: str = ""
    home_country: str = ""
    photo_url: str = ""
    profile_urls: str = ""
    notes: tuple[Note, ...] = ()


class Fault(msgspec.Struct, frozen=True):
    """A record that was left out: `kind` person or note, its id as far as it had one, the field, and the fix."""

    kind: str
    id: str
    field: str
    fix: str


class Reading(msgspec.Struct, frozen=True):
    """A document as read. `persons` hold their own notes; `notes` stood beside them. `faults` were left out."""

    version: str
    persons: tuple[Person, ...]
    notes: tuple[Note, ...]
    faults: tuple[Fault, ...]


PERSON_FIELDS: Final = tuple(name for name in Person.__struct_fields__ if name != "notes")
NOTE_FIELDS: Final = Note.__struct_fields__
MANDATORY: Final = {
    "person": frozenset({"person_record_id", "source_date", "full_name"}),
    "note": frozenset({"note_record_id", "author_name", "source_date", "text"}),
}
SENSITIVE: Final = frozenset(
    {"date_of_birth", "author_email", "author_phone", "email_of_found_person", "phone_of_found_person"}
)
"""Fields that only a key with full read may see; without it they are blank."""
