"""Person Finder's own test documents: read in every version, written in the standard's order, the same again."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from tests.make import shared_data

from banyan.wire.pfif import read, write, write_notes
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
