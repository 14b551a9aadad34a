"""Forms of heads: who sends messages sends the same names in the same order, so one pattern reads all values at once.

A form is made of the names of a head that the general way has read, carried and, if it was signed, verified. Its
pattern takes a subset of what the general reader takes, and finds the same values (a property holds them together):
each name once, as it was spelt, one space, visible ASCII; lengths and signatures in their one usual spelling.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Final, Generic, Protocol, TypeVar

from banyan.limits_road import ROAD_FORMS, ROAD_FORMS_COUNTED, ROAD_SHAPE_NAMES
from banyan.wire.httpsig.covered import Covered
from banyan.wire.xroad.shapes import Field, names_of

VERB, RAW, REQUEST_PATH, ADDRESS, PATH, QUERY = range(6)
"""Groups of a request's first line: the target as it came, without its query, `/r1/...` of the service, the rest."""
STATUS, REASON = range(2)
_REQUEST: Final = (
    rb"(GET|POST|PUT|PATCH|DELETE) (((/r1/[^/?# ]+/[^/?# ]+/[^/?# ]+/[^/?# ]+/[^/?# ]+)((?:/[^?# ]*)?))((?:\?[^# ]*)?))"
    rb" HTTP/1\.1\r\n"
)
_ANSWER: Final = rb"HTTP/1\.1 ([2-5][0-9][0-9]) ([^\r ][^\r]*)(?<! )\r\n"
_VALUE: Final = rb"([^\r ][^\r]*)(?<! )"
_STRING: Final = rb'"([ !#-\[\]-~]+)"'
_NUMBER: Final = rb"(0|[1-9][0-9]{0,14})"
_USUAL: Final[Mapping[str, bytes]] = {
    "content-length": rb"(0|[1-9][0-9]{0,6})",
    "content-digest": rb"(sha-256=:([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=):)",
    "signature": rb"(gw=:([A-Za-z0-9+/]{85}[AQgw]==):)",
    "connection": rb"([Kk]eep-[Aa]live)",
    "x-banyan-left": rb"(0|[1-9][0-9]{0,8})",
    "x-road-request-id": rb"([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})",
}
"""Values that have parts, or only one spelling that is usual. The whole is the first group of each."""
_VISIBLE: Final = bytes(range(0x20, 0x7F))
_NEVER: Final = frozenset(
    [
        "transfer-encoding",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "prefer",
        "idempotency-key",
        "x-road-security-server",
        "x-road-represented-party",
        "x-road-request-hash",
        "x-road-error",
        "x-banyan-timeout",
        "x-banyan-speaks",
    ]
)
"""A head with one of these is for the general way. `x-road-request-hash` is of answers, which are read without this."""


class Form:
    """`place`: the group of each value, by its name in small letters; parts of a value follow it. `size`: groups."""

    __slots__ = ("_ends", "_match", "lows", "names", "place", "size")

    def __init__(self, first: bytes, names: Sequence[bytes], listed: str = "", *, has_nonce: bool = False) -> None:
        self.names = tuple(names)
        self.lows = tuple([name.decode("ascii").lower() for name in names])
        self.place: dict[str, int] = {}
        pieces, size = [first], re.compile(first).groups
        for name, low in zip(self.names, self.lows, strict=True):
            value = _inputs(listed, has_nonce=has_nonce) if low == "signature-input" else _USUAL.get(low, _VALUE)
            pieces.append(re.escape(name) + b": " + value + b"\r\n")
            self.place[low] = size
            size += re.compile(value).groups
        self.size = size
        self._match = re.compile(b"".join(pieces) + b"\r\n").match
        self._ends = b"\r\n" * (len(self.names) + 2)

    def read(self, data: bytes) -> re.Match[bytes] | None:
        """The head that `data` begins with, all of it visible ASCII in lines."""
        found = self._match(data)
        if found is None or found.group().translate(None, _VISIBLE) != self._ends:
            return None
        return found


def request_form(names: Sequence[bytes], listed: str = "") -> Form | None:
    """Of a request; `listed`: the components that its signature covers, as written. None: it is not usual."""
    lows = [name.lower().decode("ascii") for name in names]
    if len(set(lows)) < len(lows) or len(lows) > ROAD_SHAPE_NAMES or not _NEVER.isdisjoint(lows):
        return None
    return Form(_REQUEST, names, listed, has_nonce=True)


def answer_form(names: Sequence[bytes], listed: str = "") -> Form | None:
    """Of an answer that says how long it is."""
    lows = [name.lower().decode("ascii") for name in names]
    unusual = _NEVER - {"x-road-request-hash"}
    if len(set(lows)) < len(lows) or len(lows) > ROAD_SHAPE_NAMES or not unusual.isdisjoint(lows):
        return None
    return Form(_ANSWER, names, listed) if "content-length" in lows else None


def _inputs(listed: str, *, has_nonce: bool) -> bytes:
    """Signature-Input as gateways write it. Groups: the whole value, all behind the label, created, expires, keyid, alg
    and nonce."""
    nonce = b";nonce=" + _STRING if has_nonce else b""
    stated = b";created=%b;expires=%b;keyid=%b;alg=%b%b;tag=" % (_NUMBER, _NUMBER, _STRING, _STRING, nonce)
    return b"(gw=(" + re.escape(listed.encode("ascii")) + stated + b'"banyan-exchange/1"))'


class Text:
    """Bytes with places, filled out of a row of values: `text.form % text.pick(row)`."""

    __slots__ = ("form", "pick")

    def __init__(self, *parts: bytes | int) -> None:
        self.form = b"".join([b"%b" if isinstance(part, int) else part.replace(b"%", b"%%") for part in parts])
        places = [part for part in parts if isinstance(part, int)]
        assert len(places) > 1, "itemgetter gives a tuple of two and more"
        self.pick: Callable[[Sequence[bytes]], tuple[bytes, ...]] = itemgetter(*places)


def lines(fields: Sequence[tuple[bytes, int]], between: bytes = b": ", end: bytes = b"\r\n") -> list[bytes | int]:
    """Header lines whose values have places, for `Text`."""
    return [part for name, place in fields for part in (name + between, place, end)]


def base(covered: Covered, places: Mapping[str, int], params: int) -> Text | None:
    """The signature base (RFC 9421 s2.5): each component at its place by its text, then the parameters. None: it
    covers something that has no place."""
    parts: list[bytes | int] = []
    for one in covered.components:
        place = places.get(one.text)
        if place is None:
            return None
        parts += [one.text.encode("ascii") + b": ", place, b"\n"]
    return Text(*parts, b'"@signature-params": ', params)


class Planned(Protocol):
    @property
    def form(self) -> Form: ...


Plan = TypeVar("Plan", bound=Planned)


class Book(Generic[Plan]):
    """The newest plans of one kind of head. `made`: the plan of a head by its names and what it covers, or None."""

    def __init__(self, made: Callable[[tuple[bytes, ...], str], Plan | None], after: int) -> None:
        self._made = made
        self._after = after
        self._seen: dict[tuple[tuple[bytes, ...], str], int] = {}
        self.plans: list[Plan] = []

    def find(self, data: bytes) -> tuple[Plan, re.Match[bytes]] | None:
        plans = self.plans
        for at, plan in enumerate(plans):
            found = plan.form.read(data)
            if found is not None:
                if at:
                    plans.insert(0, plans.pop(at))
                return plan, found
        return None

    def learn(self, fields: Sequence[Field], listed: str = "") -> None:
        """The general way has carried a head with these names. A pattern costs as much as a call, so it is made for
        names that came before."""
        key = (names_of(fields), listed)
        seen = self._seen.get(key, 0) + 1
        if seen > self._after + 1:
            return
        if len(self._seen) >= ROAD_FORMS_COUNTED:
            self._seen.clear()
        self._seen[key] = seen
        if seen == self._after + 1:
            plan = self._made(*key)
            if plan is not None:
                self.plans.insert(0, plan)
                for gone in self.plans[ROAD_FORMS:]:
                    self._seen = {one: count for one, count in self._seen.items() if one[0] != gone.form.names}
                del self.plans[ROAD_FORMS:]
