"""The Atom feeds of a PFIF repository: persons, notes, and the repository itself (RFC 4287 with PFIF 1.4 inside).

Peers synchronise by them: they ask for entries since `min_entry_date` and page on with `skip`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from banyan.wire.pfif.model import Note, Person
from banyan.wire.pfif.writing import DECLARATION, NAMESPACE, note_element, person_element
from banyan.wire.xmltext import element

ATOM: Final = "http://www.w3.org/2005/Atom"
GPF: Final = "http://schemas.google.com/personfinder/2012"


class Entry(msgspec.Struct, frozen=True):
    """What a feed says of itself: its address, title and moment (UTC)."""

    address: str
    title: str
    updated: str


class RepoEntry(msgspec.Struct, frozen=True):
    """A repository: its start page, titles by language (the first is its own), and whether it is a drill."""

    address: str
    titles: Mapping[str, str]
    published: str
    is_key_needed: bool
    is_test: bool


def person_feed(head: Entry, persons: Iterable[Person]) -> bytes:
    """Persons with their notes, newest entry first as the caller gives them."""
    return _feed(head, {"xmlns:pfif": NAMESPACE}, (_person(one) for one in persons))


def note_feed(head: Entry, notes: Iterable[Note]) -> bytes:
    return _feed(head, {"xmlns:pfif": NAMESPACE}, (_note(one) for one in notes))


def repo_feed(head: Entry, repos: Iterable[RepoEntry]) -> bytes:
    return _feed(head, {"xmlns:gpf": GPF}, (_repo(one) for one in repos))


def _person(person: Person) -> str:
    inner = [
        person_element(person, "    "),
        element("id", f"pfif:{person.person_record_id}"),
        element("title", person.full_name),
        _author(person.author_name, person.author_email),
        element("updated", person.entry_date or person.source_date),
        element("source", inner=element("title", person.source_name)) if person.source_name else "",
        element("content", person.full_name),
    ]
    return _entry(inner)


def _note(note: Note) -> str:
    inner = [
        note_element(note, "    "),
        element("id", f"pfif:{note.note_record_id}"),
        element("title", note.text),
        _author(note.author_name, note.author_email),
        element("updated", note.entry_date or note.source_date),
        element("content", note.text),
    ]
    return _entry(inner)


def _repo(repo: RepoEntry) -> str:
    own = next(iter(repo.titles))
    key = "true" if repo.is_key_needed else "false"
    facts = [
        *(element("gpf:title", title, {"xml:lang": lang}) for lang, title in repo.titles.items()),
        element("gpf:read_auth_key_required", key),
        element("gpf:search_auth_key_required", key),
        element("gpf:test_mode", "true" if repo.is_test else "false"),
    ]
    inner = [
        element("id", repo.address),
        element("published", repo.published),
        element("updated", repo.published),
        element("title", repo.titles[own], {"xml:lang": own}),
        element("content", attributes={"type": "text/xml"}, inner=element("gpf:repo", inner="".join(facts))),
    ]
    return _entry(inner)


def _author(name: str, email: str) -> str:
    return element("author", inner=element("name", name) + (element("email", email) if email else ""))


def _entry(parts: Iterable[str]) -> str:
    return (
        "  <entry>\n"
        + "\n".join(part if part.startswith(" ") else f"    {part}" for part in parts if part)
        + "\n  </entry>"
    )


def _feed(head: Entry, spaces: Mapping[str, str], entries: Iterable[str]) -> bytes:
    lines = [
        "  " + element("id", head.address),
        "  " + element("title", head.title),
        "  " + element("updated", head.updated),
        "  " + element("link", attributes={"rel": "self", "href": head.address}),
        *entries,
    ]
    marks = "".join(f' {name}="{uri}"' for name, uri in {"xmlns": ATOM, **spaces}.items())
    return (DECLARATION + f"<feed{marks}>\n" + "\n".join(lines) + "\n</feed>\n").encode()
