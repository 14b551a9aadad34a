"""Any record comes back; a hostile or broken document is refused, and takes no other record with it."""

from __future__ import annotations

from datetime import UTC, datetime
from xml.etree import ElementTree

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from banyan.errors import Invalid, Limit
from banyan.limits_casualties import PFIF_RECORDS
from banyan.wire import pfif
from banyan.wire.pfif.model import NOTE_FIELDS, PERSON_FIELDS, SENSITIVE, SEXES, STATUSES

WORDS = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), min_size=1, max_size=40
).map(str.strip).filter(bool)  # fmt: skip
IDS = st.from_regex(r"[a-z]{1,8}\.example/[a-z0-9.]{1,12}", fullmatch=True)
TIMES = st.integers(631_152_000, 2_208_988_800).map(
    lambda at: datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
)
VALUES = {
    "person_record_id": IDS, "note_record_id": IDS, "linked_person_record_id": IDS, "entry_date": TIMES,
    "expiry_date": TIMES, "source_date": TIMES, "sex": st.sampled_from(SEXES), "status": st.sampled_from(STATUSES),
    "age": st.from_regex(r"[0-9]{1,3}(-[0-9]{1,3})?", fullmatch=True), "date_of_birth": st.just("1970-01"),
    "author_made_contact": st.sampled_from(("true", "false")),
}  # fmt: skip
DATES = "<pfif:source_date>2015-06-27T12:32:00Z</pfif:source_date>"


def records(names: tuple[str, ...], mandatory: set[str]) -> st.SearchStrategy[dict[str, str]]:
    needed = {name: VALUES.get(name, WORDS) for name in names if name in mandatory}
    return st.fixed_dictionaries(needed, optional={n: VALUES.get(n, WORDS) for n in names if n not in mandatory})


NOTES = records(NOTE_FIELDS, {"note_record_id", "person_record_id", "author_name", "source_date", "text"})
PERSONS = records(PERSON_FIELDS, {"person_record_id", "source_date", "full_name"})


@st.composite
def persons(draw: st.DrawFn) -> pfif.Person:
    values = draw(PERSONS)
    notes = [{**one, "person_record_id": values["person_record_id"]} for one in draw(st.lists(NOTES, max_size=3))]
    return msgspec.convert({**values, "notes": notes}, pfif.Person)


def document(inner: str, version: str = "1.4") -> bytes:
    return f'<pfif:pfif xmlns:pfif="http://zesty.ca/pfif/{version}">{inner}</pfif:pfif>'.encode()


@given(st.lists(persons(), max_size=3))
def test_any_person_with_notes_comes_back(given_: list[pfif.Person]) -> None:
    found = pfif.read(pfif.write(given_))
    assert (list(found.persons), found.faults) == (given_, ())


@given(persons())
def test_without_full_read_no_sensitive_field_leaves(person: pfif.Person) -> None:
    cut = pfif.without_sensitive(person)
    assert not any(getattr(one, name, "") for one in (cut, *cut.notes) for name in SENSITIVE)
    assert cut.full_name == person.full_name


@given(persons())
def test_a_tombstone_holds_days_and_the_id_and_is_read_again(person: pfif.Person) -> None:
    dead = pfif.tombstone(msgspec.structs.replace(person, expiry_date="2015-08-01T00:00:00Z"))
    kept = {name for name in PERSON_FIELDS if getattr(dead, name)}
    assert kept <= {"person_record_id", "source_date", "entry_date", "expiry_date"}
    assert pfif.read(pfif.write([dead])).persons == (dead,)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<pfif/>",
        b"<pfif:pfif xmlns:pfif='http://zesty.ca/pfif/9.9'/>",
        b'<!DOCTYPE p [<!ENTITY a "b">]><pfif:pfif xmlns:pfif="http://zesty.ca/pfif/1.4">&a;</pfif:pfif>',
        b'<!DOCTYPE p SYSTEM "file:///etc/passwd"><pfif:pfif xmlns:pfif="http://zesty.ca/pfif/1.4"/>',
        document("<pfif:person>")[:-1],
        document("\x00"),
    ],
)
def test_what_is_no_pfif_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid):
        pfif.read(body)


def test_too_many_and_too_deep_are_refused() -> None:
    with pytest.raises(Limit):
        pfif.read(document("<pfif:note/>" * (PFIF_RECORDS + 1)))
    with pytest.raises(Limit):
        pfif.read(document("<pfif:person>" + "<pfif:note/>" * (PFIF_RECORDS + 1) + "</pfif:person>"))
    with pytest.raises(Limit):
        pfif.read(document("<a>" * 100 + "</a>" * 100))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("person_record_id", "no-slash"),
        ("source_date", "2015-02-30T00:00:00Z"),
        ("source_date", "2015-06-27"),
        ("sex", "F"),
        ("age", "about 30"),
        ("date_of_birth", "1970-13"),
        ("full_name", "x" * 20_001),
    ],
)
def test_one_bad_record_is_named_and_the_other_stays(field: str, value: str) -> None:
    values = {
        "person_record_id": "h.example/1",
        "source_date": "2015-06-27T12:32:00Z",
        "full_name": "王小明",
        field: value,
    }
    bad = "".join(f"<pfif:{name}>{text}</pfif:{name}>" for name, text in values.items())
    good = f"<pfif:person_record_id>h.example/2</pfif:person_record_id>{DATES}<pfif:full_name>陳美玉</pfif:full_name>"
    found = pfif.read(document(f"<pfif:person>{bad}</pfif:person><pfif:person>{good}</pfif:person>"))
    assert [one.full_name for one in found.persons] == ["陳美玉"]
    assert [(one.kind, one.field) for one in found.faults] == [("person", field)]


def test_names_of_old_versions_are_joined_in_their_own_order() -> None:
    parts = "<pfif:first_name>{}</pfif:first_name><pfif:last_name>{}</pfif:last_name>"
    head = f"<pfif:person><pfif:person_record_id>h.example/1</pfif:person_record_id>{DATES}"
    chinese = pfif.read(document(head + parts.format("小明", "王") + "</pfif:person>", "1.2"))
    english = pfif.read(document(head + parts.format("Ann", "Lee") + "</pfif:person>", "1.1"))
    assert (chinese.persons[0].full_name, english.persons[0].full_name) == ("王小明", "Ann Lee")


def test_a_note_about_another_than_its_person_is_left_out() -> None:
    note = f"<pfif:note><pfif:note_record_id>h.example/n</pfif:note_record_id>{DATES}" \
        "<pfif:person_record_id>h.example/9</pfif:person_record_id></pfif:note>"  # fmt: skip
    head = f"<pfif:person_record_id>h.example/1</pfif:person_record_id>{DATES}<pfif:full_name>A</pfif:full_name>"
    found = pfif.read(document(f"<pfif:person>{head}{note}</pfif:person>"))
    assert found.persons[0].notes == ()
    assert [(one.kind, one.field) for one in found.faults] == [("note", "person_record_id")]


def test_the_status_names_what_was_skipped_and_escapes_it() -> None:
    fault = pfif.Fault("person", "h.example/<1>", "person_record_id", "not your domain")
    root = ElementTree.fromstring(pfif.status([pfif.Batch("person", 2, 1, (fault,)), pfif.Batch("note", 0, 0)]))
    space = "{http://zesty.ca/pfif/1.4/status}"
    kinds = [one.text for one in root.iter(f"{space}record_type")]
    assert kinds == ["pfif:person", "pfif:note"]
    assert [one.text for one in root.iter(f"{space}written")] == ["1", "0"]
    assert next(root.iter("{http://zesty.ca/pfif/1.4}person_record_id")).text == "h.example/<1>"
    assert next(root.iter(f"{space}error")).text == "person_record_id: not your domain"


@given(st.lists(persons(), max_size=2))
def test_feeds_are_well_formed_and_carry_the_records(given_: list[pfif.Person]) -> None:
    head = pfif.Entry("https://h.example/feeds/person", "Persons", "2015-06-27T12:32:00Z")
    atom, space = "{http://www.w3.org/2005/Atom}", "{http://zesty.ca/pfif/1.4}"
    root = ElementTree.fromstring(pfif.person_feed(head, given_))
    ids = [one.text for one in root.iterfind(f"{atom}entry/{space}person/{space}person_record_id")]
    assert ids == [one.person_record_id for one in given_]
    notes = [note for one in given_ for note in one.notes]
    found = ElementTree.fromstring(pfif.note_feed(head, notes))
    assert [one.text for one in found.iterfind(f"{atom}entry/{atom}id")] == [f"pfif:{n.note_record_id}" for n in notes]


def test_the_feed_of_the_repository_says_whether_it_is_a_drill() -> None:
    repo = pfif.RepoEntry(
        "https://h.example/pfif", {"zh-Hant": "演習", "en": "Drill"}, "2015-06-27T12:32:00Z", True, True
    )
    root = ElementTree.fromstring(
        pfif.repo_feed(pfif.Entry("https://h.example/x", "T", "2015-06-27T12:32:00Z"), [repo])
    )
    space = "{http://schemas.google.com/personfinder/2012}"
    assert [one.text for one in root.iter(f"{space}test_mode")] == ["true"]
    assert [one.text for one in root.iter(f"{space}title")] == ["演習", "Drill"]
