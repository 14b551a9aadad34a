"""Both ways of a call: `eager` makes the straight way take each head that it can, from the first on.

A gateway learns a form from calls that the general way carried; tests that ask once would never meet the straight one.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from banyan.kernel.exchange.road.head import BadHttp, read_request, read_response
from banyan.kernel.exchange.road.straight.forms import Book
from banyan.kernel.exchange.road.straight.signed import listed_in

_find = Book.find


def eager(book: Book[Any], data: bytes) -> tuple[Any, re.Match[bytes]] | None:
    """As `Book.find`, of a book that learns what it is asked for."""
    found = _find(book, data)
    if found is not None:
        return found
    raw, end, _ = data.partition(b"\r\n\r\n")
    try:
        head = read_response(raw, "GET") if raw.startswith(b"HTTP/") else read_request(raw)
    except BadHttp:
        return None
    if end:
        for _ in range(9):
            book.learn(head.fields, listed_in(head.named) if "signature-input" in head.named else "")
    return _find(book, data)


@pytest.fixture(params=["general", "straight"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The test runs both ways."""
    if request.param == "straight":
        monkeypatch.setattr(Book, "find", eager)
    else:
        monkeypatch.setattr(Book, "find", lambda book, data: None)
    return str(request.param)
