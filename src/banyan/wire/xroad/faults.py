"""An error of the road: `X-Road-Error`, and a body in JSON or XML as the caller accepts. Source: X-Road PR-REST s4.6.

An answer without `X-Road-Error` is the provider's own and is passed on as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from banyan import limits
from banyan.errors import UNREADABLE, FieldError, Invalid, Problem
from banyan.wire import xmltext
from banyan.wire.xroad.codes import DOCUMENTED, Code, Origin, Spelling, spelled, status_of

ERROR_HEADER: Final = "X-Road-Error"
JSON: Final = "application/json"
_TYPE: Final = re.compile(r"[A-Za-z0-9_.-]{1,255}")
_XML: Final = {"text/xml": "text/xml", "application/xml": "application/xml", "text/*": "text/xml"}


class Fault(Problem):
    """A call that the road refuses or cannot carry. `fields` names the header or part of the address that is wrong."""

    kind = "xroad"

    def __init__(self, origin: Origin, *codes: Code, message: str, field: str = "", fix: str = "") -> None:
        super().__init__(
            message,
            remedy=fix,
            fields=(FieldError(field, fix),) if field else (),
            status=status_of(origin.value + "."),
        )
        self.origin = origin
        self.codes = codes

    def type_in(self, spelling: Spelling = DOCUMENTED) -> str:
        """The fault code, as `X-Road-Error` and the body say it."""
        return spelled(self.origin, *self.codes, spelling=spelling)


class ErrorBody(msgspec.Struct, frozen=True):
    """`type` is the fault code, `message` says what happened and what to do, `detail` is an id to ask by."""

    type: str
    message: str
    detail: str


class ErrorAnswer(msgspec.Struct, frozen=True):
    status: int
    content_type: str
    error: str
    """The value of `X-Road-Error`."""
    body: bytes


def error_media_type(accept: Iterable[str]) -> str:
    """The first XML type that the `Accept` lines name, whatever its q, else JSON; with the charset for XML."""
    for line in accept:
        for item in line.split(","):
            named = _XML.get(item.partition(";")[0].strip().lower())
            if named:
                return f"{named};charset=utf-8"
    return JSON


def answer(fault: Fault, detail: str, accept: Iterable[str] = (), spelling: Spelling = DOCUMENTED) -> ErrorAnswer:
    """The whole error answer. `detail` is a fresh UUID, which the log has too."""
    message = fault.title if not fault.remedy else f"{fault.title} {fault.remedy}"
    body = ErrorBody(fault.type_in(spelling), message, detail)
    media_type = error_media_type(accept)
    encoded = msgspec.json.encode(body) if media_type == JSON else _encode_xml(body)
    return ErrorAnswer(fault.status, media_type, body.type, encoded)


def parse_error(body: bytes, content_type: str) -> ErrorBody:
    """An error body of another gateway, JSON or XML. Raises Invalid: it is neither, or its type is none: it goes on as
    the value of a header field."""
    if len(body) > limits.XROAD_ERROR_BYTES:
        raise Invalid.at("body", f"An error has at most {limits.XROAD_ERROR_BYTES} bytes.")
    if content_type.partition(";")[0].strip().lower() not in ("text/xml", "application/xml"):
        try:
            return _checked(msgspec.json.decode(body, type=ErrorBody))
        except UNREADABLE as error:
            raise Invalid.at("body", "Send type, message and detail as JSON texts.") from error
    root = xmltext.parse(body)
    texts = {child.tag: child.text or "" for child in root}
    if root.tag != "error" or not {"type", "message", "detail"} <= texts.keys():
        raise Invalid.at("body", "Send <error> with <type>, <message> and <detail>.")
    return _checked(ErrorBody(texts["type"], texts["message"], texts["detail"]))


def _checked(told: ErrorBody) -> ErrorBody:
    if not _TYPE.fullmatch(told.type):
        raise Invalid.at("type", "Send a fault code: letters, digits, dots and underscores.")
    return told


def _encode_xml(body: ErrorBody) -> bytes:
    inner = "".join(xmltext.element(name, getattr(body, name)) for name in ("type", "message", "detail"))
    return ('<?xml version="1.0" encoding="UTF-8"?>\n' + xmltext.element("error", inner=inner)).encode()
