"""The centre's pages beside the directory's own, open to who is no member yet. All that is sent here is signed.

GET  /directory/anchor              the authority's keys, to be compared by another way
POST /directory/requests            a request to join; 202 with its name, and officers decide
GET  /directory/issued?request=NAME what was given for it; 404 until then
POST /directory/renewals            a member's request for its next certificate or key; answered at once
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from banyan.errors import NotFound, Problem
from banyan.kernel.exchange.directory.centre import Centre
from banyan.kernel.exchange.directory.pages import JSON, PREFIX, TEXT, Told
from banyan.wire import jcs

PATHS: Final = ("anchor", "requests", "issued", "renewals")


def answer(centre: Centre, verb: str, target: str, body: bytes, *, heard: Callable[[], None] | None = None) -> Told:
    """Takes the folder's lock and reads files: call it in a thread. `heard` is called when a snapshot was issued."""
    path, _, query = target.partition("?")
    try:
        with centre.turn():
            before = centre.authority.snapshot.version
            told = _answer(centre, verb, path.removeprefix(PREFIX), query, body)
            is_news = centre.authority.snapshot.version != before
    except Problem as problem:
        return Told(problem.status, TEXT, f"{problem.title} {problem.remedy}\n".encode())
    if is_news and heard:
        heard()
    return told


def _answer(centre: Centre, verb: str, page: str, query: str, body: bytes) -> Told:
    match verb, page:
        case "GET", "anchor":
            return Told(200, JSON, jcs.encode(centre.anchor))
        case "POST", "requests":
            request = centre.submit(body)
            return Told(202, JSON, jcs.encode({"request": request.name, "fingerprint": request.fingerprint}))
        case "GET", "issued":
            welcome = centre.welcome(query.removeprefix("request="))
            if welcome is not None:
                return Told(200, JSON, msgspec.json.encode(welcome))
            raise NotFound("Nothing was given for this request yet.", remedy="Officers of the centre decide on it.")
        case "POST", "renewals":
            return Told(200, JSON, msgspec.json.encode(centre.renew(body)))
    raise NotFound("There is no such page.")
