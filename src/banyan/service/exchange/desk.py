"""The console's forms: propose, approve and end a grant; try a dead letter again or give it up.

Plain forms of our own pages (the door checks that); each act is the operation of the same name, which judges who may.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone
from typing import Any, Final

from banyan.errors import Conflict, FieldError, Invalid, Limit, NotFound, Problem
from banyan.kernel.catalogue import FaceRequest, FormData, View
from banyan.kernel.policy import vocabulary
from banyan.service.exchange.granting import Nothing
from banyan.service.exchange.pages import GRANTS, PRIVATE, QUEUE, admit, under
from banyan.service.exchange.service import SERVICE
from banyan.service.exchange.wording import MESSAGES

TAIPEI: Final = timezone(timedelta(hours=8))
PRIORITIES: Final = ("crisis", "normal", "bulk")
REQUIRED: Final = ("service", "client", "until")
OPTIONAL: Final = ("purpose", "basis", "priority", "per_minute", "path")
FIELDS: Final = {
    "agency": "service", "service-unknown": "service", "client-unknown": "client", "own-member": "client",
    "purpose-missing": "purpose", "purpose-unknown": "purpose", "basis-purpose": "purpose", "basis-unknown": "basis",
    "basis-operation": "basis", "basis-recipient": "basis", "basis-over": "basis", "past": "until",
    "too-long": "until",
}  # fmt: skip
"""Which box of the form a refusal of the rules is about."""


@SERVICE.page("GET", path="/exchange/grants")
async def grants(request: FaceRequest) -> View:
    return await _grants_view(request, {}, ())


@SERVICE.page("POST", path="/exchange/grants", rate="write")
async def propose(request: FaceRequest) -> View:
    """Propose; nothing is allowed yet. What does not stand comes back with the form and its words."""
    form = await request.form()
    admit(request)
    given = {name: form.get(name).strip() for name in (*REQUIRED, *OPTIONAL)}
    wrong = [FieldError(name, said(request, "missing")) for name in REQUIRED if not given[name]]
    if wrong:
        return await _grants_view(request, given, tuple(wrong), status=422)
    try:
        await request.call("exchange.propose_grant", _proposal(request, given))
    except (Invalid, Conflict, Limit) as problem:
        return await _grants_view(request, given, _words(problem), status=problem.status)
    return View("", {}, redirect="/exchange/grants", headers=PRIVATE)


@SERVICE.page("POST", path="/exchange/grants/{id}", rate="write")
async def act(request: FaceRequest) -> View:
    """Approve or end."""
    form, id = await request.form(), request.params["id"]
    admit(request)
    operation = {"approve": "exchange.approve_grant", "end": "exchange.end_grant"}.get(form.get("do"))
    if operation is None:
        raise Invalid.at("do", "approve or end")
    try:
        await request.call(operation, {"id": id})
    except Conflict as problem:
        return await _grants_view(request, {}, (FieldError("", _sentence(problem)),), status=problem.status)
    return View("", {}, redirect="/exchange/grants", headers=PRIVATE)


@SERVICE.page("GET", path="/exchange/queue")
async def queue(request: FaceRequest) -> View:
    return await _queue_view(request, ())


@SERVICE.page("POST", path="/exchange/queue", rate="write")
async def settle(request: FaceRequest) -> View:
    """Try a dead letter again, or give it up. Giving up asks for a tick: it cannot be taken back."""
    form: FormData = await request.form()
    admit(request)
    chosen = form.get("do")
    operation = {"revive": "exchange.revive_letter", "discard": "exchange.discard_letter"}.get(chosen)
    if operation is None:
        raise Invalid.at("do", "revive or discard")
    place = form.get("place")
    tick = f"sure-{place if place.isascii() and place.isdigit() and len(place) < 4 else 1}"  # each letter has its box
    if chosen == "discard" and form.get(tick) != "yes":
        return await _queue_view(request, (FieldError(tick, said(request, "sure")),), status=422)
    try:
        await request.call(operation, {"id": form.get("id")})
    except (NotFound, Conflict) as problem:
        return await _queue_view(request, (FieldError("", _sentence(problem)),), status=problem.status)
    return View("", {}, redirect="/exchange/queue", headers=PRIVATE)


async def _grants_view(
    request: FaceRequest, given: Mapping[str, str], wrong: tuple[FieldError, ...], *, status: int = 200
) -> View:
    admit(request)
    found = await request.call("exchange.grants", Nothing())
    standing = await request.call("exchange.standing", Nothing())
    bases = await request.call("exchange.bases", Nothing())
    agency = request.caller.agency
    values = {
        "grants": found,
        "given": given,
        "errors": wrong,
        "services": [one for one in standing.services if one.provider == agency],
        "clients": [
            f"{one.id}/{subsystem}" for one in standing.members if one.id != agency for subsystem in one.subsystems
        ],
        "bases": bases,
        "purposes": sorted(vocabulary.PURPOSES.items()),
        "priorities": PRIORITIES,
        **under(request, GRANTS),
    }
    return View("exchange/grants.html", values, title=GRANTS[request.lang], status=status, headers=PRIVATE)


async def _queue_view(request: FaceRequest, wrong: tuple[FieldError, ...], *, status: int = 200) -> View:
    admit(request)
    found = await request.call("exchange.letters", Nothing())
    values = {
        "dead": [one for one in found if one.state != "waiting"],
        "waiting": [one for one in found if one.state == "waiting"],
        "errors": wrong,
        **under(request, QUEUE),
    }
    return View("exchange/queue.html", values, title=QUEUE[request.lang], status=status, headers=PRIVATE)


def _proposal(request: FaceRequest, given: Mapping[str, str]) -> dict[str, Any]:
    """The form as the operation takes it. Raises Invalid naming the box."""
    asked: dict[str, Any] = {name: given[name] for name in ("client", "service")}
    asked["until"] = _last_moment(request, given["until"])
    asked["priority"] = given["priority"] or "normal"
    if given["per_minute"]:
        if not (given["per_minute"].isascii() and given["per_minute"].isdigit() and len(given["per_minute"]) < 8):
            raise Invalid.at("per_minute", said(request, "number"))
        asked["per_minute"] = int(given["per_minute"])
    if given["purpose"]:
        asked["purposes"] = {given["purpose"]: given["basis"]}
    if given["path"]:
        asked["endpoints"] = [{"method": "*", "path": given["path"]}]
    return asked


def _last_moment(request: FaceRequest, text: str) -> str:
    """The end of a day in Taiwan. Raises Invalid naming the box."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Invalid.at("until", said(request, "day")) from None
    return datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=TAIPEI).isoformat()


def _words(problem: Problem) -> tuple[FieldError, ...]:
    """What did not stand, field by field."""
    if problem.fields:
        return problem.fields
    return (FieldError(FIELDS.get(problem.kind, ""), _sentence(problem)),)


def _sentence(problem: Problem) -> str:
    return f"{problem.title} {problem.remedy}"


def said(request: FaceRequest, key: str, **values: object) -> str:
    """A sentence of the desk in the reader's language."""
    return MESSAGES.text(f"exchange_desk.{key}", request.lang, **values)
