"""How a feed is sent: plain or gzip as the reader can, with validators and how long it holds.

Sources: RFC 9110 s12.5.3 (Accept-Encoding), RFC 9111 s5.2, RFC 5861 (stale-while-revalidate).
"""

from __future__ import annotations

from itertools import chain
from typing import Final

from banyan.errors import Invalid
from banyan.kernel.catalogue.operation import FaceAnswer, FaceRequest
from banyan.limits_supplies import SUPPLIES_FEED_AGE_S, SUPPLIES_FEED_STALE_S
from banyan.service.supplies.feeds.shelf import Encoded

LIVE: Final = f"public, max-age={SUPPLIES_FEED_AGE_S}, stale-while-revalidate={SUPPLIES_FEED_STALE_S}"
IMMUTABLE: Final = "public, max-age=31536000, immutable"
EXPOSED: Final = "ETag, Link, Deprecation, Sunset, Retry-After"
"""What a page of another site may read of an answer (Fetch standard); the rest is hidden from it."""
JSON: Final = "application/json"
LICENCE: Final = '<https://data.gov.tw/license>; rel="license"'
NUMBER_DIGITS: Final = 15


def sent(
    request: FaceRequest,
    made: Encoded,
    media_type: str,
    *,
    cache: str = LIVE,
    headers: tuple[tuple[str, str], ...] = (),
) -> FaceAnswer:
    """The body; a reader that has it already gets 304 from the door, which compares `ETag`."""
    own = with_headers(
        (("Cache-Control", cache), ("Vary", "Accept-Encoding"), ("Access-Control-Expose-Headers", EXPOSED)),
        headers,
        made.headers,
    )
    body = made.body
    if made.zipped and takes_gzip(request.header("accept-encoding")):
        body = made.zipped
        own.append(("Content-Encoding", "gzip"))
    return FaceAnswer(body, media_type=media_type, headers=tuple(own), etag=f'W/"{made.tag}"')


def with_headers(*parts: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    """Headers together: a later one replaces an earlier of its name, except Link, whose values are joined."""
    found: dict[str, str] = {}
    for name, value in chain(*parts):
        found[name] = f"{found[name]}, {value}" if name == "Link" and name in found else value
    return list(found.items())


def takes_gzip(accepted: str) -> bool:
    """Whether Accept-Encoding names gzip (or anything) with a weight above 0."""
    weights: dict[str, float] = {}
    for part in accepted.lower().split(","):
        name, _, parameter = part.partition(";")
        weights[name.strip()] = _weight(parameter)
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def _weight(parameter: str) -> float:
    key, _, value = parameter.strip().partition("=")
    if key.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


def asked(request: FaceRequest, *names: str) -> dict[str, str]:
    """The query's fields. Raises Invalid for one that the feed does not know, naming those it does."""
    given = dict(request.query)
    unknown = given.keys() - set(names)
    if unknown:
        known = f"fields: {', '.join(names)}" if names else "this feed takes no fields"
        raise Invalid.at(min(unknown), known, status=400)
    return given


def number(text: str, field: str) -> int:
    """A whole number of a query or header. Raises Invalid naming the field."""
    if not (text.isascii() and text.isdecimal() and len(text) <= NUMBER_DIGITS):
        raise Invalid.at(field, "a whole number, 0 or more", status=400)
    return int(text)
