"""FHIR over HTTP: `/fhir/Flag` searched by a patient's identifier, as the hospital whose app or officer asks.

A search by POST keeps the number out of the address; by GET is offered because clients of the field do it, and this
node writes down no query (kernel/exchange/record.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from msgspec import UNSET

from banyan.errors import Denied, Invalid, Limit, Problem
from banyan.kernel.catalogue.operation import FaceAnswer, FaceRequest
from banyan.limits_travel import CDS_BODY
from banyan.service.travel import resources
from banyan.service.travel.service import SERVICE
from banyan.wire.fhir.model import MEDIA_TYPE, Identifier, document_of

PRIVATE: Final = (("Cache-Control", "no-store"), ("Vary", "Authorization"))
REASON: Final = "FHIR Flag search"
CODES: Final = {401: "login", 403: "forbidden", 404: "not-found", 413: "too-long", 422: "invalid", 429: "throttled"}
PARAMETERS: Final = ("patient.identifier", "subject.identifier")


@SERVICE.face("GET", path="/fhir/metadata")
async def metadata(request: FaceRequest) -> FaceAnswer:
    body = resources.capability(request.base_url, _now(request))
    return FaceAnswer(msgspec.json.encode(body), MEDIA_TYPE)


@SERVICE.face("GET", path="/fhir/Flag", rate="query")
async def search(request: FaceRequest) -> FaceAnswer:
    return await _search(request, request.query)


@SERVICE.face("POST", path="/fhir/Flag/_search", rate="query")
async def search_by_post(request: FaceRequest) -> FaceAnswer:
    body = (await request.body(CDS_BODY)).decode("utf-8", "replace")
    return await _search(request, parse_qsl(body, max_num_fields=20))


@SERVICE.face("GET", path="/travel/mine.json", rate="read")
async def audit(request: FaceRequest) -> FaceAnswer:
    """AuditEvents of who looked at the signed-in person."""
    own = await request.call("travel.mine", {})
    return FaceAnswer(msgspec.json.encode(resources.audit_of(own.looks, base=request.base_url)), MEDIA_TYPE,
                      headers=PRIVATE)  # fmt: skip


async def _search(request: FaceRequest, pairs: Sequence[tuple[str, str]]) -> FaceAnswer:
    try:
        asked, has_provenance = _asked(pairs)
        given = {"person": document_of(asked), "reason": request.header("x-reason")[:200] or REASON}
        found = await request.call("travel.flag", given)
    except Problem as problem:
        if problem.status == 403 and request.caller.kind == "anonymous":
            problem = Denied(problem.title, remedy="send the bearer token of a registered app", status=401)
        return _outcome(problem)
    marks = found.marks if found.marks is not UNSET else ()
    ids = [f"{request.trace.id}-{at}" for at, _ in enumerate(marks)]
    bundle = resources.flags_of(found, marks, ids, asked=asked, base=request.base_url, now=_now(request),
                                lang=request.lang, has_provenance=has_provenance)  # fmt: skip
    return FaceAnswer(msgspec.json.encode(bundle), MEDIA_TYPE, headers=PRIVATE)


def _asked(pairs: Sequence[tuple[str, str]]) -> tuple[Identifier, bool]:
    """The one identifier, and whether Provenance is wanted. Raises Invalid; the number is never said."""
    given = [value for name, value in pairs if name in PARAMETERS]
    unknown = [name for name, _ in pairs if name not in (*PARAMETERS, "_revinclude", "_format", "_count", "_total")]
    if unknown or len(given) != 1 or given[0].count("|") != 1:
        raise Invalid.at("patient.identifier", "exactly one, as SYSTEM|VALUE, and no other filter")
    system, _, value = given[0].partition("|")
    asked = Identifier(system, value)
    if not document_of(asked):
        raise Invalid.at("patient.identifier", "a system of TW Core, or http://hl7.org/fhir/sid/passport-STATE")
    return asked, ("_revinclude", "Provenance:target") in pairs


def _outcome(problem: Problem) -> FaceAnswer:
    said = f"{problem.title} {problem.remedy}".strip()
    headers: tuple[tuple[str, str], ...] = PRIVATE
    if problem.status == 401:
        headers = (*headers, ("WWW-Authenticate", "Bearer"))
    if isinstance(problem, Limit) and problem.retry_after_s is not None:
        headers = (*headers, ("Retry-After", str(problem.retry_after_s)))
    body: Any = resources.outcome(CODES.get(problem.status, "processing"), said)
    return FaceAnswer(msgspec.json.encode(body), MEDIA_TYPE, status=problem.status, headers=headers)


def _now(request: FaceRequest) -> str:
    return datetime.fromtimestamp(request.now, UTC).isoformat(timespec="seconds")
