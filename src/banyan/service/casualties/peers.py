"""Person Finder's doors: `/pfif/casualties/api/read|search|write` and its Atom feeds, in its own words and codes.

The key stands in `key=` as its clients send it, or in the header `PFIF-Key`, which stands in no log.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final

from banyan.errors import Denied, Invalid, Limit
from banyan.kernel.catalogue import FaceAnswer, FaceRequest
from banyan.kernel.events.clock import iso
from banyan.limits_casualties import PFIF_RESULTS, PFIF_SHEET
from banyan.service.casualties.exchanging import Records
from banyan.service.casualties.service import SERVICE
from banyan.wire import pfif
from banyan.wire.atom import MEDIA_TYPE as ATOM
from banyan.wire.pfif.reading import VERSIONS

ROOT: Final = "/pfif/casualties"
PAGE: Final = 10
SEARCHED: Final = 100
BODY: Final = 4 * 1024 * 1024
"""Of a written document: 2,000 records of 2 KB."""
TITLES: Final = {"zh-Hant": "傷病患查詢", "en": "Casualty look-up"}


@SERVICE.face("GET", path=f"{ROOT}/api/read", rate="query")
async def read(request: FaceRequest) -> FaceAnswer:
    """One person with notes."""

    async def answer(given: dict[str, str]) -> FaceAnswer:
        id = given.get("id", "")
        found = await _records(request, given, id=id) if id else Records()
        if not found.persons:
            return _plain(400, f"No person record with ID {id}\n" if id else "Missing id parameter\n")
        return FaceAnswer(pfif.write(found.persons), media_type=pfif.MEDIA_TYPE)

    return await _said(request, answer)


@SERVICE.face("GET", path=f"{ROOT}/api/search", rate="query")
async def search(request: FaceRequest) -> FaceAnswer:
    """Persons by name (in any script and spelling) or by id."""

    async def answer(given: dict[str, str]) -> FaceAnswer:
        if not (given.get("q") or given.get("id")):
            return _plain(400, "Missing q parameter\n")
        most = _number(given, "max_results", SEARCHED)
        found = await _records(request, given, q=given.get("q", ""), id=given.get("id", ""), most=most)
        return FaceAnswer(pfif.write(found.persons), media_type=pfif.MEDIA_TYPE)

    return await _said(request, answer)


@SERVICE.face("POST", path=f"{ROOT}/api/write", rate="write")
async def write(request: FaceRequest) -> FaceAnswer:
    """A document of persons and notes; the answer says what was skipped and why."""

    async def answer(given: dict[str, str]) -> FaceAnswer:
        found = pfif.read(await request.body(BODY))
        sent = {"persons": found.persons, "notes": found.notes, "faults": found.faults}
        done = await request.call("casualties.pfif_write", {"key": _key(request, given), **sent})
        return FaceAnswer(pfif.status(done.batches), media_type=pfif.MEDIA_TYPE)

    return await _said(request, answer)


@SERVICE.face("POST", path=f"{ROOT}/api/import", rate="write")
async def import_csv(request: FaceRequest) -> FaceAnswer:
    """Person Finder's bulk import: the body is its CSV; the answer is that of a write."""

    async def answer(given: dict[str, str]) -> FaceAnswer:
        try:
            text = (await request.body(PFIF_SHEET)).decode()
        except UnicodeDecodeError:
            return _plain(400, "The sheet is not UTF-8\n")
        done = await request.call("casualties.pfif_import", {"key": _key(request, given), "text": text})
        return FaceAnswer(pfif.status(done.batches), media_type=pfif.MEDIA_TYPE)

    return await _said(request, answer)


@SERVICE.face("GET", path=f"{ROOT}/feeds/person", rate="query")
async def persons(request: FaceRequest) -> FaceAnswer:
    """Persons, oldest first since `min_entry_date`, else the newest; `omit_notes=yes` leaves their notes out."""

    async def answer(given: dict[str, str]) -> FaceAnswer:
        found = await _feed(request, given, "person")
        return FaceAnswer(pfif.person_feed(_head(request, "person"), found.persons), media_type=ATOM)

    return await _said(request, answer)


@SERVICE.face("GET", path=f"{ROOT}/feeds/note", rate="query")
async def notes(request: FaceRequest) -> FaceAnswer:
    """Notes, of one person with `person_record_id`."""

    async def answer(given: dict[str, str]) -> FaceAnswer:
        found = await _feed(request, given, "note")
        return FaceAnswer(pfif.note_feed(_head(request, "note"), found.notes), media_type=ATOM)

    return await _said(request, answer)


@SERVICE.face("GET", path=f"{ROOT}/feeds/repo", rate="read")
async def repo(request: FaceRequest) -> FaceAnswer:
    """This repository: its languages, and that it needs a key."""
    entry = pfif.RepoEntry(f"{request.base_url}/casualties", TITLES, iso(request.now), True, False)
    return FaceAnswer(pfif.repo_feed(_head(request, "repo"), [entry]), media_type=ATOM)


async def _said(request: FaceRequest, answer: Callable[[dict[str, str]], Awaitable[FaceAnswer]]) -> FaceAnswer:
    """The answer, or the refusal as Person Finder's clients know it: one line of text."""
    given = dict(request.query)
    if given.get("version", VERSIONS[-1]) != VERSIONS[-1]:
        return _plain(400, f"Only PFIF {VERSIONS[-1]} is written here\n")
    try:
        return await answer(given)
    except Denied:
        return _plain(403, "Missing or invalid authorization key\n")
    except Limit as problem:
        return _plain(problem.status, f"{problem.title} {problem.remedy}\n")
    except Invalid as problem:
        return _plain(400, f"{problem.title} {problem.remedy}\n")


async def _records(request: FaceRequest, given: dict[str, str], **wanted: Any) -> Records:
    found: Records = await request.call("casualties.pfif_read", {"key": _key(request, given), **wanted})
    return found


async def _feed(request: FaceRequest, given: dict[str, str], kind: str) -> Records:
    since = given.get("min_entry_date", "")
    return await _records(
        request,
        given,
        kind=kind,
        person=given.get("person_record_id", ""),
        since=_moment(since) if since else -1.0,
        skip=_number(given, "skip", 0),
        most=_number(given, "max_results", PAGE),
        has_notes=given.get("omit_notes", "") != "yes",
    )


def _key(request: FaceRequest, given: dict[str, str]) -> str:
    return (request.header("pfif-key") or given.get("key", ""))[:100]


def _number(given: dict[str, str], name: str, usual: int) -> int:
    """A number, at most what a page holds (Person Finder took larger ones for that); raises Invalid for none."""
    text = given.get(name, "")
    if not text:
        return usual
    if not (text.isascii() and text.isdigit() and len(text) < 7):
        raise Invalid.at(name, "a number", status=400)
    return int(text) if name == "skip" else max(1, min(PFIF_RESULTS, int(text)))


def _moment(text: str) -> float:
    try:
        return max(0.0, datetime.fromisoformat(text).timestamp())
    except (ValueError, OverflowError):
        raise Invalid.at("min_entry_date", "UTC, as 2015-06-27T12:32:00Z", status=400) from None


def _head(request: FaceRequest, kind: str) -> pfif.Entry:
    titles = {"person": "Person Feed", "note": "Note Feed", "repo": "Repository Feed"}
    return pfif.Entry(f"{request.base_url}{ROOT}/feeds/{kind}", titles[kind], iso(request.now))


def _plain(status: int, text: str) -> FaceAnswer:
    return FaceAnswer(text.encode(), media_type="text/plain; charset=utf-8", status=status)


__all__ = ["import_csv", "notes", "persons", "read", "repo", "search", "write"]
