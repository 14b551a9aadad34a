"""What is made of heads of one form at the provider's gateway: where its values go in all that is written of it."""

from __future__ import annotations

from typing import Final

import msgspec

from banyan.kernel.exchange.road import leg
from banyan.kernel.exchange.road.model import DIRECTORY_VERSION
from banyan.kernel.exchange.road.straight import forms
from banyan.kernel.exchange.road.straight.calls import Called
from banyan.kernel.exchange.road.straight.forms import RAW, REQUEST_PATH, STATUS, VERB, Form, Text
from banyan.kernel.exchange.road.straight.signed import Check, check_of, covering
from banyan.limits import XROAD_TEXT_CHARACTERS
from banyan.limits_road import ROAD_PURPOSE_CHARACTERS
from banyan.wire.httpsig.message import Request, Response
from banyan.wire.xroad.headers import (
    CLIENT,
    DROPPED,
    MESSAGE_ID,
    OURS_IN_A_RESPONSE,
    REQUEST_HASH,
    REQUEST_ID,
    SERVICE,
)

_BOUNDS: Final = {
    "x-road-id": XROAD_TEXT_CHARACTERS,
    "x-road-userid": XROAD_TEXT_CHARACTERS,
    "x-road-issue": XROAD_TEXT_CHARACTERS,
    "x-banyan-purpose": ROAD_PURPOSE_CHARACTERS,
    "x-banyan-consent": XROAD_TEXT_CHARACTERS,
}
_NEEDED: Final = frozenset(
    {
        "content-digest",
        "host",
        "signature",
        "signature-input",
        "x-banyan-left",
        "x-directory-version",
        "x-road-client",
        "x-road-id",
        "x-road-request-id",
        "x-road-service",
    }
)
_WRITTEN_WITH_LENGTH: Final = frozenset({b"POST", b"PUT", b"PATCH"})


class Plan(msgspec.Struct, frozen=True):
    """Of a call as another gateway sends it. Places from `form.size` on: authority and query, as they are signed; then
    the service's host, what is asked of it, and the length of the body."""

    form: Form
    host: int
    client: int
    service: int
    message_id: int
    request_id: int
    version: int
    left: int
    length: int
    purpose: int
    bounds: tuple[tuple[int, int], ...]
    check: Check
    block: Text
    asked: Text
    """The head to the service, without length and empty line."""
    called: Called


def plan_of(names: tuple[bytes, ...], listed: str) -> Plan | None:
    form = forms.request_form(names, listed)
    if form is None or not listed or not form.place.keys() >= _NEEDED:
        return None
    authority, query, host, target = range(form.size, form.size + 4)
    derived = {'"@method"': VERB, '"@path"': REQUEST_PATH, '"@authority"': authority, '"@query"': query}
    check = check_of(form, Request, listed, derived)
    off = [leg.name_off(name, True) for name in form.names]
    if check is None or any(off):
        return None
    kept = [(name, form.place[low]) for name, low, out in zip(form.names, form.lows, off, strict=True) if out is False]
    return Plan(
        form=form,
        host=form.place["host"],
        client=form.place["x-road-client"],
        service=form.place["x-road-service"],
        message_id=form.place["x-road-id"],
        request_id=form.place["x-road-request-id"],
        version=form.place["x-directory-version"],
        left=form.place["x-banyan-left"],
        length=form.place.get("content-length", -1),
        purpose=form.place.get("x-banyan-purpose", -1),
        bounds=tuple([(form.place[low], most) for low, most in _BOUNDS.items() if low in form.place]),
        check=check,
        block=Text(VERB, b"\r\n", RAW, b"\r\n", *forms.lines(kept, b":")),
        called=Called(form, kept),
        asked=Text(VERB, b" ", target, b" HTTP/1.1\r\nhost: ", host, b"\r\n", *forms.lines(kept)),
    )


def length_line(verb: bytes, size: int) -> bytes:
    """As `HttpProvider.ask` sends it."""
    return b"content-length: %d\r\n" % size if size or verb in _WRITTEN_WITH_LENGTH else b""


class AnswerPlan(msgspec.Struct, frozen=True):
    """Of a service's answer. Places from `form.size` on are those of `_ROW`."""

    form: Form
    length: int
    fields: Text
    """On the leg, but for the signature's."""
    base: Text
    listed: bytes
    has_date: bool


_ROW: Final = (
    "message id", "client", "service", "request id", "request hash", "version", "digest",
    "request's signature", "method", "path", "parameters",
)  # fmt: skip


def answer_plan(names: tuple[bytes, ...], _: str) -> AnswerPlan | None:
    form = forms.answer_form(names)
    if form is None:
        return None
    row = range(form.size, form.size + len(_ROW))
    message_id, client, service, request_id, hashed, version, digest, made, method, path, params = row
    kept = [
        (name, form.place[low])
        for name, low in zip(form.names, form.lows, strict=True)
        if low.encode("ascii") not in DROPPED and low.encode("ascii") not in OURS_IN_A_RESPONSE
    ]
    if any(leg.is_of_the_leg(name) for name, _ in kept):
        return None
    kept += [(MESSAGE_ID, message_id), (CLIENT, client), (SERVICE, service), (REQUEST_ID, request_id)]
    kept += [(REQUEST_HASH, hashed), (DIRECTORY_VERSION, version), (leg.DIGEST, digest)]
    over = covering(Response, [name for name, _ in kept])
    derived = {'"@status"': STATUS, '"signature";req;key="gw"': made, '"@method";req': method, '"@path";req': path}
    base = forms.base(over, derived | {f'"{name.decode("ascii").lower()}"': at for name, at in kept}, params)
    if base is None:
        return None
    return AnswerPlan(
        form=form,
        length=form.place["content-length"],
        fields=Text(*forms.lines(kept)),
        base=base,
        listed=over.text.encode("ascii"),
        has_date="date" in form.lows,
    )
