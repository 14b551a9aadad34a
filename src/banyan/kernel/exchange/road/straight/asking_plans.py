"""What is made of heads of one form at the client's gateway: where its values go in all that is written of it."""

from __future__ import annotations

from typing import Final

import msgspec

from banyan.kernel.exchange.road import leg
from banyan.kernel.exchange.road.model import DIRECTORY_VERSION, LEFT
from banyan.kernel.exchange.road.straight import forms
from banyan.kernel.exchange.road.straight.forms import RAW, REASON, REQUEST_PATH, STATUS, VERB, Form, Text
from banyan.kernel.exchange.road.straight.signed import Check, check_of, covering
from banyan.limits import XROAD_TEXT_CHARACTERS
from banyan.limits_road import ROAD_PURPOSE_CHARACTERS
from banyan.wire.httpsig.message import Request, Response
from banyan.wire.xroad.headers import MESSAGE_ID, REQUEST_ID, SERVICE, travels

_BOUNDS: Final = {
    "x-road-id": XROAD_TEXT_CHARACTERS,
    "x-road-userid": XROAD_TEXT_CHARACTERS,
    "x-road-issue": XROAD_TEXT_CHARACTERS,
    "x-banyan-purpose": ROAD_PURPOSE_CHARACTERS,
    "x-banyan-consent": XROAD_TEXT_CHARACTERS,
}


class Plan(msgspec.Struct, frozen=True):
    """What is made of a client's head of one form. Places from `form.size` on are those of `_ROW`."""

    form: Form
    client: int
    message_id: int
    """-1: the client sends none."""
    length: int
    purpose: int
    bounds: tuple[tuple[int, int], ...]
    block: Text
    """Hashed as `x-road-request-hash`."""
    sent: Text
    """The fields on the leg, but for the signature's."""
    base: Text
    listed: bytes


_ROW: Final = ("request id", "message id", "service", "version", "digest", "left", "authority", "query", "parameters")


def plan_of(names: tuple[bytes, ...], listed: str) -> Plan | None:
    form = forms.request_form(names)
    if form is None or not {"host", "x-road-client"} <= form.place.keys():
        return None
    request_id, message_id, service, version, digest, left, authority, query, params = range(
        form.size, form.size + len(_ROW)
    )
    kept = [(name, form.place[low]) for name, low in zip(form.names, form.lows, strict=True) if travels(name)]
    if any(leg.is_of_the_leg(name) for name, _ in kept):
        return None
    own_id = form.place.get("x-road-id", -1)
    kept += [(REQUEST_ID, request_id)] if own_id >= 0 else [(REQUEST_ID, request_id), (MESSAGE_ID, message_id)]
    sent = [*kept, (SERVICE, service), (DIRECTORY_VERSION, version), (leg.DIGEST, digest), (LEFT, left)]
    over = covering(Request, [name for name, _ in sent])
    derived = {'"@method"': VERB, '"@path"': REQUEST_PATH, '"@authority"': authority, '"@query"': query}
    base = forms.base(over, derived | {f'"{name.decode("ascii").lower()}"': at for name, at in sent}, params)
    if base is None:
        return None
    return Plan(
        form=form,
        client=form.place["x-road-client"],
        message_id=own_id,
        length=form.place.get("content-length", -1),
        purpose=form.place.get("x-banyan-purpose", -1),
        bounds=tuple([(form.place[low], most) for low, most in _BOUNDS.items() if low in form.place]),
        block=Text(VERB, b"\r\n", RAW, b"\r\n", *forms.lines(kept, b":")),
        sent=Text(*forms.lines(sent)),
        base=base,
        listed=over.text.encode("ascii"),
    )


class AnswerPlan(msgspec.Struct, frozen=True):
    """What is made of the head of another gateway's answer of one form. Places from `form.size` on: the request's
    signature, method and path; then, for the client, our version of the directory, and the date."""

    form: Form
    length: int
    request_id: int
    request_hash: int
    version: int
    check: Check
    told: Text
    """The answer to the client, without the empty line."""
    has_date: bool


def answer_plan(names: tuple[bytes, ...], listed: str) -> AnswerPlan | None:
    form = forms.answer_form(names, listed)
    needed = {"x-road-request-id", "x-road-request-hash", "x-directory-version", "signature-input", "signature"}
    if form is None or not {*needed, "content-digest"} <= form.place.keys():
        return None
    made, method, path, version, date = range(form.size, form.size + 5)
    derived = {
        '"@status"': STATUS,
        '"signature";req;key="gw"': made,
        '"@method";req': method,
        '"@path";req': path,
    }
    check = check_of(form, Response, listed, derived)
    off = [(name, leg.name_off(name, False)) for name in form.names]
    if check is None or any(was_carried for _, was_carried in off):
        return None
    kept = [
        (name, form.place[low]) for (name, was_carried), low in zip(off, form.lows, strict=True) if was_carried is False
    ]
    length, has_date = form.place["content-length"], "date" in form.lows
    kept += [(DIRECTORY_VERSION, version), (b"content-length", length)]
    if not has_date:
        kept.append((b"date", date))
    return AnswerPlan(
        form=form,
        length=length,
        request_id=form.place["x-road-request-id"],
        request_hash=form.place["x-road-request-hash"],
        version=form.place["x-directory-version"],
        check=check,
        told=Text(b"HTTP/1.1 ", STATUS, b" ", REASON, b"\r\n", *forms.lines(kept)),
        has_date=has_date,
    )
