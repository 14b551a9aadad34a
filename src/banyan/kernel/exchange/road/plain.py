"""Plain answers of a listener: to what is no message, and what every answer has."""

from __future__ import annotations

from functools import lru_cache
from http import HTTPStatus
from typing import Final

from banyan.kernel.exchange.road.head import BadHttp, RequestHead
from banyan.kernel.exchange.road.model import Answer
from banyan.kernel.exchange.road.spool import Held
from banyan.limits_road import ROAD_SHAPES_KEPT

LAST: Final = b"connection: close\r\n\r\n"
TAKEN: Final = RequestHead("", b"", (), {}, 0)
"""Stands for a head that the quick way has read."""
_PHRASES: Final = {status.value: status.phrase.encode() for status in HTTPStatus}


def refusal(error: BadHttp) -> Answer:
    """Of a message that is none: it names the rule, and repeats nothing."""
    body = Held(f"{error}\n".encode())
    return Answer(error.status, phrase(error.status), ((b"content-type", b"text/plain; charset=utf-8"),), body)


@lru_cache(maxsize=ROAD_SHAPES_KEPT)
def has_date(names: tuple[bytes, ...]) -> bool:
    return any(name.lower() == b"date" for name in names)


def phrase(status: int) -> bytes:
    return _PHRASES.get(status, b"Answer")
