"""PFIF as Person Finder's clients speak it: write, read, search, feeds; keys, domains, blanks, tombstones."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from tests.make import Client, shared_data
from tests.service.casualties.test_pages import at_the_door
from tests.service.casualties.world import SYSTEM, World

from banyan.kernel.events import Event
from banyan.kernel.events.clock import EpochS, iso
from banyan.service.casualties.expiring import expire
from banyan.service.casualties.service import SERVICE
from banyan.wire import pfif

ROOT = "/pfif/casualties"
ID = "test.google.com/person.21009"
PF = "{http://zesty.ca/pfif/1.4}"


async def a_key(world: World, domain: str = "test.google.com", **may: bool) -> dict[str, str]:
    given = await world.call("give_key", SYSTEM, domain=domain, **may)
    return {"pfif-key": given.key, "content-type": "application/xml"}


def fresh(world: World) -> bytes:
    """Person Finder's document, from today: its own day is long over."""
    body = shared_data("supplies/pfif/test.pfif-1.4.xml").read_bytes()
    return body.replace(b"2000-01-01T00:00:00Z", iso(EpochS(world.now[0])).encode())


def test_a_document_is_written_read_searched_and_fed() -> None:
    async def story(world: World, client: Client) -> None:
        head = await a_key(world, may_write=True, is_full=True)
        answer = await client.post(f"{ROOT}/api/write", body=fresh(world), headers=head)
        assert answer.status == 200
        space = "{http://zesty.ca/pfif/1.4/status}"
        assert [one.text for one in ElementTree.fromstring(answer.body).iter(f"{space}written")] == ["1", "4"]
        got = await client.get(f"{ROOT}/api/read?id={ID}", headers=head)
        person = pfif.read(got.body).persons[0]
        sent = pfif.read(fresh(world)).persons[0]
        assert person.full_name == sent.full_name
        assert person.author_email == sent.author_email
        assert person.entry_date == iso(EpochS(world.now[0]))
        assert sorted(one.note_record_id for one in person.notes) == sorted(one.note_record_id for one in sent.notes)
        found = await client.get(f"{ROOT}/api/search?q=_test_full_name1%20_test_full_name2", headers=head)
        assert [one.person_record_id for one in pfif.read(found.body).persons] == [ID]
        feed = await client.get(f"{ROOT}/feeds/person?omit_notes=yes", headers=head)
        assert [one.text for one in ElementTree.fromstring(feed.body).iter(f"{PF}person_record_id")] == [ID]
        notes = await client.get(f"{ROOT}/feeds/note?max_results=2&skip=1&person_record_id={ID}", headers=head)
        assert len(list(ElementTree.fromstring(notes.body).iter(f"{PF}note"))) == 2
        later = iso(EpochS(world.now[0] + 1))
        none = await client.get(f"{ROOT}/feeds/person?min_entry_date={later}", headers=head)
        assert list(ElementTree.fromstring(none.body).iter(f"{PF}person")) == []

    at_the_door(story)


def test_without_a_key_there_is_nothing_and_without_full_read_blanks() -> None:
    async def story(world: World, client: Client) -> None:
        writer = await a_key(world, may_write=True)
        await client.post(f"{ROOT}/api/write", body=fresh(world), headers=writer)
        for path in (f"/api/read?id={ID}", "/api/search?q=x", "/feeds/person", "/feeds/note", "/feeds/note?key=wrong"):
            refused = await client.get(ROOT + path)
            assert (refused.status, refused.text) == (403, "Missing or invalid authorization key\n")
        reader = await a_key(world, domain="other.example")
        denied = await client.post(f"{ROOT}/api/write", body=fresh(world), headers=reader)
        assert denied.status == 403
        got = await client.get(f"{ROOT}/api/read?id={ID}", headers=reader)
        person = pfif.read(got.body).persons[0]
        assert not any(getattr(one, "author_email", "") for one in (person, *person.notes))
        assert person.date_of_birth == ""
        missing = await client.get(f"{ROOT}/api/read?id=h.example/1", headers=reader)
        assert (missing.status, missing.text) == (400, "No person record with ID h.example/1\n")
        await world.call("end_key", SYSTEM, domain="other.example")
        assert (await client.get(f"{ROOT}/api/read?id={ID}", headers=reader)).status == 403
        assert (await client.get(f"{ROOT}/feeds/repo")).status == 200

    at_the_door(story)


def test_a_foreign_domain_and_a_word_of_death_are_skipped() -> None:
    async def story(world: World, client: Client) -> None:
        other = await a_key(world, domain="other.example", may_write=True)
        answer = await client.post(f"{ROOT}/api/write", body=fresh(world), headers=other)
        assert "not in the domain other.example" in answer.text
        assert "<status:written>0</status:written>" in answer.text
        dead = shared_data("supplies/pfif/test.pfif-1.2-believed-dead.xml").read_bytes()
        plain = await client.post(f"{ROOT}/api/write", body=dead, headers=await a_key(world, may_write=True))
        assert "may not say believed_dead" in plain.text
        may = await a_key(world, may_write=True, may_tell_death=True)
        assert (
            "<status:written>1</status:written>"
            in (await client.post(f"{ROOT}/api/write", body=dead, headers=may)).text
        )
        broken = await client.post(f"{ROOT}/api/write", body=b"<x", headers=may)
        assert broken.status == 400

    at_the_door(story)


def test_an_expired_person_is_a_tombstone_for_peers_and_takes_the_notes_along() -> None:
    async def story(world: World, client: Client) -> None:
        head = await a_key(world, may_write=True, is_full=True)
        await client.post(f"{ROOT}/api/write", body=fresh(world), headers=head)
        world.now[0] += 41 * 86_400
        ctx = world.node.gate.context(SERVICE.name, SYSTEM)
        await expire(ctx, Event("expire", "all", b"", EpochS(world.now[0])))
        got = await client.get(f"{ROOT}/api/read?id={ID}", headers=head)
        person = pfif.read(got.body).persons[0]
        assert (person.full_name, person.notes) == ("", ())
        assert person.person_record_id == ID
        assert person.entry_date == iso(EpochS(world.now[0]))
        found = await client.get(f"{ROOT}/api/search?q=_test_full_name1%20_test_full_name2", headers=head)
        assert pfif.read(found.body).persons == ()

    at_the_door(story)


def test_hospitals_patients_never_leave_by_pfif() -> None:
    async def story(world: World, client: Client) -> None:
        await world.call("paste", SYSTEM, text="王曉明,男,79/3/12,A123456789,急診", hospital="馬偕")
        head = await a_key(world, is_full=True)
        for path in ("/api/search?q=%E7%8E%8B%E6%9B%89%E6%98%8E", "/feeds/person", "/feeds/note"):
            assert "王" not in (await client.get(ROOT + path, headers=head)).text

    at_the_door(story)


DOCUMENTS = {  # persons and notes written; of 1.2-badrecord only what stands
    "test.pfif-1.1.xml": ("1", "2"),
    "test.pfif-1.2.xml": ("1", "4"),
    "test.pfif-1.2-badrecord.xml": ("2", "4"),
    "test.pfif-1.2-believed-dead.xml": ("0", "1"),
    "test.pfif-1.2-note.xml": ("0", "2"),
    "test.pfif-1.2-notification.xml": ("0", "1"),
    "test.pfif-1.2-source.xml": ("1", "0"),
    "global-test.pfif-1.2-source.xml": ("1", "0"),
    "test.pfif-1.4.xml": ("1", "4"),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_each_document_of_person_finder_is_written_and_fed_again(name: str) -> None:
    """As its own client sent them to /api/write: what stood in one comes out of the feeds, notes and persons."""

    async def story(world: World, client: Client) -> None:
        body = shared_data(f"supplies/pfif/{name}").read_bytes()
        sent = pfif.read(body)
        ids = [one.person_record_id for one in sent.persons] + [one.note_record_id for one in _notes(sent)]
        written = [0, 0]
        for domain in sorted({id.partition("/")[0] for id in ids}):
            head = await a_key(world, domain=domain, may_write=True, is_full=True, may_tell_death=True)
            answer = await client.post(f"{ROOT}/api/write", body=body, headers=head)
            assert answer.status == 200
            space = "{http://zesty.ca/pfif/1.4/status}"
            for at, one in enumerate(ElementTree.fromstring(answer.body).iter(f"{space}written")):
                written[at] += int(one.text or "0")
        assert tuple(map(str, written)) == DOCUMENTS[name]
        feeds = [await client.get(f"{ROOT}/feeds/{kind}?max_results=200", headers=head) for kind in ("person", "note")]
        persons, notes = (list(ElementTree.fromstring(one.body).iter(f"{PF}{kind}_record_id"))
                          for one, kind in zip(feeds, ("person", "note"), strict=True))  # fmt: skip
        assert {one.text for one in persons} >= {one.person_record_id for one in sent.persons}
        living = {one.note_record_id for one in sent.notes}
        assert {one.text for one in notes} >= living

    at_the_door(story)


def test_the_sheet_of_the_bulk_import_is_taken_under_the_keys_domain() -> None:
    async def story(world: World, client: Client) -> None:
        head = await a_key(world, domain="example.org", may_write=True, is_full=True)
        body = shared_data("supplies/pfif/sample-import.csv").read_bytes()
        body = body.replace(b"age,home_neighborhood", b"age,home_street,home_neighborhood")
        body = body.replace(b"2013-02-14T00:00:00Z", iso(EpochS(world.now[0])).encode())
        answer = await client.post(f"{ROOT}/api/import", body=body, headers=head | {"content-type": "text/csv"})
        assert answer.text.count("<status:written>1</status:written>") == 2
        got = await client.get(f"{ROOT}/api/read?id=example.org/1", headers=head)
        (person,) = pfif.read(got.body).persons
        assert (person.full_name, person.notes[0].text) == ("Test Person", "He is missing")
        for way in (await a_key(world, domain="example.org"), {"content-type": "text/csv"}):
            assert (await client.post(f"{ROOT}/api/import", body=body, headers=way)).status == 403
        for wrong in (b"\xff\xfe", b"full_name\nx\n"):
            assert (await client.post(f"{ROOT}/api/import", body=wrong, headers=head)).status == 400

    at_the_door(story)


def _notes(sent: pfif.Reading) -> list[pfif.Note]:
    return [*sent.notes, *(note for person in sent.persons for note in person.notes)]
