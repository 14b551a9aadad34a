"""Person Finder's own test documents: read in every version, written in the standard's order, the same again."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from tests.make import shared_data

from banyan.errors import Invalid
from banyan.wire.pfif import read, read_csv, write, write_notes
from banyan.wire.pfif.model import NOTE_FIELDS, PERSON_FIELDS
from banyan.wire.pfif.reading import RENAMED

DOCUMENTS = {
    "test.pfif-1.1.xml": ("1.1", 1, 2),
    "test.pfif-1.2.xml": ("1.2", 1, 4),
    "test.pfif-1.2-badrecord.xml": ("1.2", 2, 4),
    "test.pfif-1.2-believed-dead.xml": ("1.2", 0, 1),
    "test.pfif-1.2-note.xml": ("1.2", 0, 2),
    "test.pfif-1.2-notification.xml": ("1.2", 0, 1),
    "test.pfif-1.2-source.xml": ("1.2", 1, 0),
    "global-test.pfif-1.2-source.xml": ("1.2", 1, 0),
    "test.pfif-1.4.xml": ("1.4", 1, 4),
}
JOINED = {"full_name"}
"""What 1.1 and 1.2 had no field for: made of the two parts."""


def canonical(body: bytes) -> list[tuple[str, list[tuple[str, str]]]]:
    """Each record as the standard's order of what the document says, read by another parser."""
    found = []
    for item in ElementTree.fromstring(body).iter():
        kind = item.tag.rpartition("}")[2]
        if kind not in ("person", "note"):
            continue
        order = PERSON_FIELDS if kind == "person" else NOTE_FIELDS
        said = {}
        for child in item:
            old = child.tag.rpartition("}")[2]
            text = "".join(child.itertext()).strip()
            if old == "other":
                text = text.removeprefix("description:").strip()
            if text:
                said[RENAMED.get(old, old)] = text
        found.append((kind, [(name, said[name]) for name in order if name in said]))
    return found


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_of_person_finder_comes_back_in_field_order(name: str) -> None:
    body = shared_data(f"supplies/pfif/{name}").read_bytes()
    version, persons, notes = DOCUMENTS[name]
    found = read(body)
    assert (found.version, len(found.persons), found.faults) == (version, persons, ())
    assert len(found.notes) + sum(len(one.notes) for one in found.persons) == notes
    written = write(found.persons) if found.persons else write_notes(found.notes)
    again = read(written)
    assert (again.persons, again.notes) == (found.persons, found.notes)
    assert (write(again.persons) if again.persons else write_notes(again.notes)) == written
    ours, theirs = canonical(written), canonical(body)
    added = {"person": JOINED if version < "1.4" else set(), "note": {"person_record_id"}}
    for (kind, mine), (_, his) in zip(ours, theirs, strict=True):
        extra = added[kind] - {field for field, _ in his}
        assert [pair for pair in mine if pair[0] not in extra] == his


def test_the_document_of_version_1_4_is_written_byte_for_byte_in_order() -> None:
    """Only order, comments and white space around values differ: put in order by hand, the bytes are the same."""
    body = shared_data("supplies/pfif/test.pfif-1.4.xml").read_bytes()
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<pfif:pfif xmlns:pfif="http://zesty.ca/pfif/1.4">',
        "  <pfif:person>",
    ]
    (person, *notes) = canonical(body)
    lines += [f"    <pfif:{name}>{value}</pfif:{name}>" for name, value in person[1]]
    for _, fields in notes:
        said = {
            "note_record_id": "",
            "author_name": "",
            "text": "",
            "person_record_id": person[1][0][1],
            **dict(fields),
        }
        mandatory = ("note_record_id", "author_name", "source_date", "text")
        lines.append("    <pfif:note>")
        for name in NOTE_FIELDS:
            if said.get(name) or name in mandatory:
                lines.append(f"      <pfif:{name}>{said.get(name, '')}</pfif:{name}>")
        lines.append("    </pfif:note>")
    lines += ["  </pfif:person>", "</pfif:pfif>", ""]
    assert write(read(body).persons).decode() == "\n".join(lines)


def test_the_sample_of_the_bulk_import_as_it_is_has_a_line_longer_than_its_heading() -> None:
    found = read_csv(shared_data("supplies/pfif/sample-import.csv").read_bytes(), "example.org")
    assert [(one.person_record_id, one.full_name, one.notes) for one in found.persons] == [
        ("example.org/1", "Test Person", ()),
    ]  # fmt: skip
    assert [(one.kind, one.id, one.field) for one in found.faults] == [("note", "example.org/1", "note_record_id")]
    assert "1 cells more than the heading" in found.faults[0].fix


def test_the_sample_of_the_bulk_import_with_its_heading_mended_is_a_person_with_a_note() -> None:
    body = shared_data("supplies/pfif/sample-import.csv").read_bytes()
    body = body.replace(b"age,home_neighborhood", b"age,home_street,home_neighborhood")
    found = read_csv(body, "example.org")
    assert (found.faults, found.notes) == ((), ())
    (person,) = found.persons
    assert (person.person_record_id, person.full_name, person.sex) == ("example.org/1", "Test Person", "male")
    assert (person.author_name, person.source_name, person.source_date) == (
        "Test Author", "Test source", "2013-02-14T00:00:00Z",
    )  # fmt: skip
    (note,) = person.notes
    assert (note.note_record_id, note.person_record_id) == ("example.org/1", "example.org/1")
    assert (note.author_made_contact, note.status, note.text) == ("false", "believed_missing", "He is missing")
    assert (note.author_name, note.source_date) == ("Test Author", "2013-02-14T00:00:00Z")
    assert read(write(found.persons)).persons == found.persons


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"full_name\nx\n", "person_record_id"),
        (b"person_record_id\n", "person_record_id"),
        (b"\xff\xfe\x00", "body"),
        (b'person_record_id\n"x', "body"),
    ],
)
def test_what_is_no_sheet_of_persons_is_refused(body: bytes, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_csv(body, "example.org")
    assert caught.value.fields[0].field == field


def test_lines_of_one_person_are_one_with_her_notes_and_a_wrong_line_is_named() -> None:
    head = "person_record_id,full_name,source_date,note_record_id,author_name,text,status\n"
    lines = (
        "a,Wang,2026-11-23T00:00:00Z,n1,Lee,seen,believed_alive\n"
        "a,Wang,2026-11-23T00:00:00Z,n2,Lee,again,\n"
        "b,Chen,yesterday,,,,\n"
        "other.org/c,Lin,2026-11-23T00:00:00Z,n3,Lee,x,perhaps\n"
    )
    found = read_csv((head + lines).encode(), "example.org")
    assert [(one.person_record_id, len(one.notes)) for one in found.persons] == [
        ("example.org/a", 2), ("other.org/c", 0),
    ]  # fmt: skip
    assert {(one.kind, one.id, one.field) for one in found.faults} == {
        ("person", "example.org/b", "source_date"), ("note", "example.org/n3", "status"),
    }  # fmt: skip
