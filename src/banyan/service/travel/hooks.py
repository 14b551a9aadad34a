"""The decision service: CDS Hooks 2.0.1 over HTTP. Discovery is open; a call is signed, and answered by the gate.

The record system vouches for its clinician, as the standard has it; the gate is asked as the hospital, by an app of
its own whose id is a pseudonym of the clinician, so that bounds and reviews are a person's.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final
from uuid import UUID

import msgspec
from msgspec import UNSET

from banyan.errors import UNREADABLE, Invalid, NotFound, Problem
from banyan.kernel.catalogue.operation import OPEN, Context, FaceAnswer, FaceRequest
from banyan.kernel.identity.caller import Caller
from banyan.kernel.storage.store import Tx
from banyan.limits_travel import CDS_BODY, CDS_TOKEN, TRAVEL_FEEDBACK_DAYS
from banyan.service.travel import cards
from banyan.service.travel.clients import Client, client_of, is_allowed_origin
from banyan.service.travel.heard import SQL
from banyan.service.travel.service import SERVICE
from banyan.service.travel.shelf import shelf_of
from banyan.wire.cdshooks import Feedback, Request, Response, Unreadable, encode, read_feedback, read_request

PATH: Final = "/cds-services"
JSON: Final = "application/json"
NOT_ALLOWED: Final = (("Vary", "Origin"), ("Cache-Control", "no-store"))


class Called(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One HTTP call as a face hands it on: nothing of it is believed yet. `endpoint` is the address as it was asked."""

    kind: str
    authorization: str
    endpoint: str
    base: str
    lang: str
    body: bytes


class Origin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A web origin, as a browser says it."""

    origin: str


class Answer(msgspec.Struct, frozen=True):
    """What is sent back."""

    body: bytes = b""
    is_allowed: bool = False


class Untold(Problem):
    """412: the FHIR data that the service needs was neither sent nor to be had."""

    status = 412
    kind = "prefetch-missing"


@SERVICE.operation(
    "cds_call", title={"zh-Hant": "病歷系統的查詢", "en": "A record system's call"},
    summary={"zh-Hant": "CDS Hooks：簽章的查詢，回答卡片。", "en": "CDS Hooks: a signed call, answered with cards."},
    data=OPEN, audience="public", effect="write", purpose="public-intake", channels=("cds",),
)  # fmt: skip
async def call(ctx: Context, request: Called) -> Answer:
    """Raises Denied (401) for a token that is not good, Invalid (400) for the body, Untold (412), and what the gate
    refuses: without an order in force a hospital is told that, and no card says otherwise."""
    client, _ = await client_of(ctx, request.authorization, endpoint=request.endpoint)
    if request.kind == "feedback":
        return await _feed_back(ctx, client, _read_feedback(request.body))
    asked = _read_request(request.body)
    document = await _document(ctx, client, asked)
    ids = _Ids(ctx)
    if not document:
        return Answer(encode(cards.no_number(ids.next(), base=request.base, lang=request.lang)))
    given = {"person": document, "reason": f"CDS Hooks {cards.HOOK} {asked.hook_instance}"}
    found = await shelf_of(ctx.db).call_as("travel.flag", given, _caller(client, asked.context.user_id))
    marks = found.marks if found.marks is not UNSET else ()
    answer = cards.cards_of(marks, [ids.next() for _ in marks], base=request.base, lang=request.lang)
    await _note(ctx, client, answer, [one.rule for one in marks])
    return Answer(encode(answer))


@SERVICE.operation(
    "cds_origin", title={"zh-Hant": "病歷系統的網域", "en": "A record system's web origin"},
    summary={"zh-Hant": "這個網域是否已登記。", "en": "Whether a web origin is registered."},
    data=OPEN, audience="public", channels=("cds",),
)  # fmt: skip
async def origin_of(ctx: Context, request: Origin) -> Answer:
    return Answer(is_allowed=await is_allowed_origin(ctx, request.origin))


@SERVICE.face("GET", path=PATH)
async def discover(request: FaceRequest) -> FaceAnswer:
    """Open to any origin: it says what there is, of nobody."""
    return FaceAnswer(encode(cards.discovery(request.lang)), JSON, headers=(("Vary", "Accept-Language"),))


@SERVICE.face("POST", path=PATH + "/{service}", rate="read")
async def answer(request: FaceRequest) -> FaceAnswer:
    return await _answer(request, "call")


@SERVICE.face("POST", path=PATH + "/{service}/feedback", rate="read")
async def feed_back(request: FaceRequest) -> FaceAnswer:
    return await _answer(request, "feedback")


@SERVICE.face("OPTIONS", path=PATH + "/{service}", rate="read")
async def preflight(request: FaceRequest) -> FaceAnswer:
    return await _preflight(request)


@SERVICE.face("OPTIONS", path=PATH + "/{service}/feedback", rate="read")
async def preflight_feedback(request: FaceRequest) -> FaceAnswer:
    return await _preflight(request)


async def _answer(request: FaceRequest, kind: str) -> FaceAnswer:
    """A problem is answered here, for a browser reads no answer without the word for its origin."""
    allowed = await _cors(request)
    try:
        if request.params["service"] != cards.SERVICE_ID:
            raise NotFound("no such service", remedy=f"GET {PATH} lists them")
        called = Called(
            kind,
            request.header("authorization")[: 2 * CDS_TOKEN],
            f"{request.base_url}{request.path}",
            request.base_url,
            request.lang,
            await request.body(CDS_BODY),
        )
        found = await request.call("travel.cds_call", called)
    except Problem as problem:
        return _problem(problem, allowed)
    return FaceAnswer(found.body, JSON, headers=allowed)


def _problem(problem: Problem, allowed: tuple[tuple[str, str], ...]) -> FaceAnswer:
    body = {"type": f"urn:banyan:problem:{problem.kind}", "title": problem.title, "status": problem.status,
            "detail": problem.remedy}  # fmt: skip
    headers = allowed
    if problem.status == 401:
        headers = (*headers, ("WWW-Authenticate", "Bearer"))
    if problem.retry_after_s is not None:
        headers = (*headers, ("Retry-After", str(problem.retry_after_s)))
    return FaceAnswer(msgspec.json.encode(body), "application/problem+json", status=problem.status, headers=headers)


async def _preflight(request: FaceRequest) -> FaceAnswer:
    allowed = await _cors(request)
    if len(allowed) == len(NOT_ALLOWED):
        return FaceAnswer(b"", JSON, status=204, headers=allowed)
    more = (
        ("Access-Control-Allow-Methods", "POST, OPTIONS"),
        ("Access-Control-Allow-Headers", "authorization, content-type"),
        ("Access-Control-Max-Age", "600"),
    )
    return FaceAnswer(b"", JSON, status=204, headers=(*allowed, *more))


async def _cors(request: FaceRequest) -> tuple[tuple[str, str], ...]:
    """For a registered web origin the word that its browser waits for; for others none."""
    origin = request.header("origin")[:300]
    if not origin or not (await request.call("travel.cds_origin", Origin(origin))).is_allowed:
        return NOT_ALLOWED
    return (*NOT_ALLOWED, ("Access-Control-Allow-Origin", origin))


def _read_request(body: bytes) -> Request:
    try:
        asked = read_request(body)
    except Unreadable as error:
        raise Invalid(str(error), remedy="see CDS Hooks 2.0.1, Calling a CDS Service", status=400) from error
    if asked.hook != cards.HOOK:
        raise Invalid.at("hook", f"this service answers {cards.HOOK}", status=400)
    return asked


def _read_feedback(body: bytes) -> Feedback:
    try:
        return read_feedback(body)
    except Unreadable as error:
        raise Invalid(str(error), remedy="see CDS Hooks 2.0.1, Feedback", status=400) from error


async def _document(ctx: Context, client: Client, asked: Request) -> str:
    """The number to ask by: of the prefetched Patient, else of the client's own FHIR server, within bounds. Raises
    Untold (412) when neither has one, and for a server that is not the registered one."""
    patient = asked.context.patient_id
    sent = asked.prefetch.get(cards.PREFETCH)
    if sent is None:
        server, given = asked.fhir_server, asked.fhir_authorization
        if server is UNSET or given is UNSET or not client.fhir or server.rstrip("/") != client.fhir.rstrip("/"):
            raise Untold(
                "the prefetch has no Patient, and this FHIR server is not the registered one",
                remedy=f"send prefetch.{cards.PREFETCH}, or fhirServer with fhirAuthorization",
            )
        body = await shelf_of(ctx.db).fetch(f"{client.fhir.rstrip('/')}/Patient/{patient}", given.access_token)
        try:
            sent = msgspec.json.decode(body)
        except UNREADABLE:
            sent = None
    document = cards.document_in(sent, patient)
    if document is None:
        raise Untold("no Patient of the context's id could be read", remedy=f"send prefetch.{cards.PREFETCH}")
    return document


def _caller(client: Client, user: str) -> Caller:
    """The hospital, by its record system; the clinician by a pseudonym that only this client's users have."""
    officer = sha256(f"{client.id}\0{user}".encode()).hexdigest()[:32]
    return Caller("app", f"cds-{officer}", channel="api", agency=client.agency, roles=("hospital",), assurance="aal2")


async def _note(ctx: Context, client: Client, answer: Response, rules: list[str]) -> None:
    """Which cards were shown, of nobody: so that feedback is of a card, and once."""

    def job(tx: Tx) -> None:
        tx.run(SQL["forget_cards"], before=ctx.now - TRAVEL_FEEDBACK_DAYS * 86_400)
        for card, rule in zip(answer.cards, rules, strict=True):
            tx.run(SQL["put_card"], id=str(card.uuid), agency=client.agency, rule=rule, at=ctx.now)

    if rules:
        await ctx.db.sql.write(job)


async def _feed_back(ctx: Context, client: Client, said: Feedback) -> Answer:
    """Keep each card's outcome and coded reason, and that there was a comment: what was written may name somebody.
    Raises NotFound, and keeps nothing, when one is no card that this hospital was shown."""

    def job(tx: Tx) -> bool:
        for one in said.feedback:
            why = one.override_reason
            reason = why.reason if why is not UNSET else UNSET
            code = reason.code if reason is not UNSET and reason.code is not UNSET else ""
            row = tx.row(
                SQL["answer_card"], id=one.card.lower(), agency=client.agency, outcome=one.outcome,
                reason=code if code in cards.OVERRIDES else "other" if why is not UNSET else "",
                has_comment=int(why is not UNSET and why.user_comment is not UNSET),
            )  # fmt: skip
            if row is None:
                raise NotFound("no card of that id was shown to this hospital", remedy="send the card's own uuid")
        return True

    await ctx.db.sql.write(job)
    return Answer(b"{}")


class _Ids:
    """UUIDs of version 4 out of the node's own randomness."""

    def __init__(self, ctx: Context) -> None:
        self._random = shelf_of(ctx.db).random

    def next(self) -> str:
        return str(UUID(bytes=self._random(16), version=4))
