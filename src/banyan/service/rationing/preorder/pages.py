"""The pages of preorder: rounds for everybody, one's own orders, and a store's pickup; each works without script."""

from __future__ import annotations

import csv
import io
from typing import Any, Final

from banyan.errors import Denied, FieldError, Invalid, NotFound, Problem
from banyan.kernel.catalogue import FaceAnswer, FaceRequest, View
from banyan.kernel.identity.caller import Caller
from banyan.service.rationing.preorder.collecting import PickedUp
from banyan.service.rationing.preorder.money import Reason
from banyan.service.rationing.preorder.officers import PublicRound, RoundsQuery
from banyan.service.rationing.preorder.registering import Nothing
from banyan.service.rationing.preorder.states import STATES
from banyan.service.rationing.preorder.words import MESSAGES, why
from banyan.service.rationing.service import SERVICE

ROUNDS: Final = {"zh-Hant": "預購梯次", "en": "Rounds of preorder"}
ORDERS: Final = {"zh-Hant": "我的預購", "en": "My orders"}
PICKUP: Final = {"zh-Hant": "憑碼領取", "en": "Hand out by code"}
PRIVATE: Final = (("Cache-Control", "no-store"),)
PEOPLE: Final = ("citizen", "representative")
METHODS: Final = ("atm", "card", "counter")
FIGURES: Final = (
    "id", "phase", "item", "quantity", "capacity", "price", "fee", "opens", "closes", "pay_until", "pickup_from",
    "pickup_until",
)  # fmt: skip
REASONS: Final[tuple[Reason, ...]] = ("late", "double", "excess", "partial", "not_held", "round_cancelled")


@SERVICE.page("GET", path="/rationing/rounds", title=ROUNDS)
async def rounds(request: FaceRequest) -> View:
    """Every published round, with its figures."""
    title = ROUNDS[request.lang]
    found = await request.call("rationing.rounds", RoundsQuery())
    values = {"rounds": found, "is_officer": is_officer(request.caller), "crumbs": ({"title": title, "path": ""},)}
    return View("rationing/preorder_rounds.html", values, title=title)


@SERVICE.face("GET", path="/rationing/rounds.csv", rate="read")
async def rounds_file(request: FaceRequest) -> FaceAnswer:
    """The figures of every round as open data: of nobody."""
    found: tuple[PublicRound, ...] = await request.call("rationing.rounds", RoundsQuery(500))
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\r\n")
    rows.writerow((*FIGURES, *STATES, "kept", "held", *(f"back_{one}" for one in REASONS), "back_done", "back_manual"))
    for one in found:
        figures = one.figures
        counts = [figures.states.get(state, 0) for state in STATES]
        back = [figures.back.get(reason, 0) for reason in REASONS]
        own = [getattr(one, name) for name in FIGURES]
        rows.writerow((*own, *counts, figures.kept, figures.held, *back, figures.back_done, figures.back_manual))
    headers = (("Cache-Control", "public, max-age=30"), ("Access-Control-Allow-Origin", "*"))
    return FaceAnswer(out.getvalue().encode(), media_type="text/csv; charset=utf-8", headers=headers)


@SERVICE.page("GET", path="/rationing/orders", title=ORDERS)
async def orders(request: FaceRequest) -> View:
    """One's own; who is not signed in sees where to sign in, and nothing else."""
    return await _orders(request)


@SERVICE.page("POST", path="/rationing/orders", rate="write")
async def act(request: FaceRequest) -> View:
    """Register, withdraw, or choose how to pay. What does not stand is said where it was asked."""
    form = await request.form()
    do, id = form.get("do"), form.get("round")
    try:
        if do == "register":
            made = await request.call("rationing.preorder", {"round": id, "born": form.get("born").strip()})
            if made.refusal is not None:
                reason = why(made.refusal.code, request.lang)
                return await _orders(
                    request, wrong=(FieldError("", said(request, "not_for_you", why=reason)),), status=409
                )
        elif do == "withdraw":
            await request.call("rationing.withdraw_preorder", {"round": id})
        elif do in ("remind", "forget"):
            await _remind(request, id, form.get(f"telephone-{id}").strip() if do == "remind" else None)
        elif do == "link":
            made = await request.call("rationing.link_preorder_chat", {"round": id})
            return await _orders(request, code=(id, made))
        elif do == "unlink":
            await request.call("rationing.unlink_preorder_chat", {"round": id})
        elif do in METHODS:
            paid = await request.call("rationing.pay_preorder", {"round": id, "method": do})
            if do == "card" and paid.payment is not None and paid.payment.page:
                return View("", {}, redirect=paid.payment.page, headers=PRIVATE)
        else:
            raise Invalid.at("do", f"one of register, withdraw, remind, forget, link, unlink, {', '.join(METHODS)}")
    except Denied:
        raise
    except Problem as problem:
        return await _orders(request, wrong=_words(request, problem), status=problem.status)
    return View("", {}, redirect="/rationing/orders", headers=PRIVATE)


async def _remind(request: FaceRequest, id: str, number: str | None) -> None:
    """Keep a telephone, or delete it (None). What is wrong with it is said at its own order's field."""
    asked = {"round": id, "telephone": number or "", "lang": request.lang}
    try:
        if number == "":
            raise Invalid.at("telephone", said(request, "say_telephone"))
        await request.call("rationing.remind_preorder", asked)
    except Invalid as problem:
        where = [FieldError(f"telephone-{id}", said(request, "say_telephone"))]
        raise Invalid(problem.title, remedy=problem.remedy, fields=where) from None


@SERVICE.page("GET", path="/rationing/pickup", title=PICKUP)
async def pickup(request: FaceRequest) -> View:
    """A store's screen."""
    return _pickup(request)


@SERVICE.page("POST", path="/rationing/pickup", rate="write")
async def collect(request: FaceRequest) -> View:
    """The answer stands on the page and in no address. Raises Denied for who is no store's officer."""
    form = await request.form()
    given = {name: form.get(name).strip() for name in ("code", "person", "outlet")}
    empty = tuple(FieldError(name, said(request, f"missing_{name}")) for name, text in given.items() if not text)
    if empty:
        return _pickup(request, given=given, wrong=empty, status=422)
    try:
        asked: dict[str, Any] = {**given, "renew": form.get("renew") == "true"}
        found = await request.call("rationing.collect", asked)
    except (Invalid, NotFound, Denied) as problem:
        if isinstance(problem, Denied) and problem.kind != "other-store":
            raise
        key = {"other-store": "other_store", "not-found": "no_pickup"}.get(problem.kind, "fix_pickup")
        field = "outlet" if problem.kind == "other-store" else "code"
        return _pickup(request, given=given, wrong=(FieldError(field, said(request, key)),), status=problem.status)
    return _pickup(request, found=found, given={"outlet": given["outlet"]})


async def _orders(
    request: FaceRequest, *, wrong: tuple[FieldError, ...] = (), status: int = 200, code: tuple[str, Any] = ("", None)
) -> View:
    """`code`: a round, and the words that link a chat to its order; shown once."""
    title = ORDERS[request.lang]
    values: dict[str, Any] = {"is_known": False, "errors": wrong, "crumbs": ({"title": title, "path": ""},)}
    if request.caller.kind in PEOPLE:
        mine = await request.call("rationing.my_orders", Nothing())
        held = {one.round for one in mine if one.state != "withdrawn"}
        found = await request.call("rationing.rounds", RoundsQuery())
        values |= {
            "is_known": True,
            "chat_round": code[0],
            "chat_code": code[1],
            "mine": mine,
            "open": [one for one in found if one.phase == "registering" and one.id not in held],
            "soon": [one for one in found if one.phase == "announced"],
        }
    return View("rationing/preorder_orders.html", values, title=title, status=status, headers=PRIVATE)


def _pickup(
    request: FaceRequest,
    *,
    found: PickedUp | None = None,
    given: dict[str, str] | None = None,
    wrong: tuple[FieldError, ...] = (),
    status: int = 200,
) -> View:
    title = PICKUP[request.lang]
    values = {
        "is_officer": is_officer(request.caller),
        "agency": request.caller.agency,
        "found": found,
        "given": {"outlet": ""} | (given or {}),
        "errors": wrong,
        "crumbs": ({"title": ROUNDS[request.lang], "path": "/rationing/rounds"}, {"title": title, "path": ""}),
    }
    return View("rationing/preorder_pickup.html", values, title=title, status=status, headers=PRIVATE)


def is_officer(caller: Caller) -> bool:
    return caller.kind == "officer" and bool(caller.agency)


def said(request: FaceRequest, key: str, **values: object) -> str:
    return MESSAGES.text(f"preorder.{key}", request.lang, **values)


def _words(request: FaceRequest, problem: Problem) -> tuple[FieldError, ...]:
    """What did not stand; a problem of this service says it in both languages."""
    return tuple(FieldError(one.field, one.fix) for one in problem.fields) or (
        FieldError("", f"{problem.title} {problem.remedy}".strip()),
    )
