"""Signatures of the peer profile (`wire.httpsig.peer`) on heads of a known form: over bytes, by places in a row."""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping, Sequence
from hashlib import sha256
from hmac import compare_digest
from typing import Final

from banyan.kernel.exchange.road import leg
from banyan.kernel.exchange.road.desk import Signing
from banyan.kernel.exchange.road.model import Directory
from banyan.kernel.exchange.road.straight import forms
from banyan.kernel.exchange.road.straight.forms import Form, Text
from banyan.limits_road import ROAD_SIGNED_S
from banyan.wire.httpsig.covered import Covered, covered_in
from banyan.wire.httpsig.errors import Untimely
from banyan.wire.httpsig.message import Request, Response
from banyan.wire.httpsig.peer import LABEL, check_times, constant, covered_by, covers
from banyan.wire.httpsig.presented import told_as_usual

_DIGEST: Final = b"sha-256=:%b:"


class Check:
    """Holds a head of one form, and its body, to its signature: what `peer.verify_request` and `leg.check_body` ask."""

    __slots__ = ("_base", "_digest", "_inputs", "nonce", "signature")

    def __init__(self, form: Form, base: Text) -> None:
        self._base = base
        self._inputs = form.place["signature-input"] + 2
        self.nonce = self._inputs + 4
        self.signature = form.place["signature"] + 1
        self._digest = form.place["content-digest"] + 1

    def holds(self, row: Sequence[bytes], body: bytes, directory: Directory, now: float) -> str:
        """The key's name; empty when something does not hold: the general way finds out what. `row`: the groups of the
        form, then what else the base has."""
        at = self._inputs
        try:
            check_times(int(row[at]), int(row[at + 1]), int(now))
        except Untimely:
            return ""
        if not compare_digest(sha256(body).digest(), a2b_base64(row[self._digest])):
            return ""
        keyid = row[at + 2].decode("ascii")
        keys = directory.keys(keyid)
        if keys is None or keys.second is not None:
            return ""
        key = keys.first
        if key.keyid != keyid or key.alg != row[at + 3].decode("ascii"):
            return ""
        base = self._base
        return keyid if key.verify(base.form % base.pick(row), a2b_base64(row[self.signature])) else ""

    def created(self, row: Sequence[bytes]) -> int:
        """For the memory of nonces."""
        return int(row[self._inputs])


def check_of(form: Form, kind: type[Request] | type[Response], listed: str, derived: Mapping[str, int]) -> Check | None:
    """None: the list does not cover what the profile asks for, or a part of it has no place."""
    over = covered_in(listed)
    if over is None or not covers(kind, form.lows, listed):
        return None
    base = forms.base(over, places(form, derived), form.place["signature-input"] + 1)
    return Check(form, base) if base is not None else None


def covering(kind: type[Request] | type[Response], names: Sequence[bytes]) -> Covered:
    """What we sign of a message with these fields."""
    return covered_by(kind, tuple([name.decode("ascii").lower() for name in names]))


def places(form: Form, more: Mapping[str, int]) -> dict[str, int]:
    """Where each component of a signature stands in a row, by its text."""
    return {f'"{low}"': place for low, place in form.place.items()} | dict(more)


def listed_in(named: Mapping[str, Sequence[str]]) -> str:
    """What the signature of a message that was verified covers, as written; empty when it is not in the usual form."""
    told = told_as_usual(named["signature-input"][0])
    return told[LABEL].covered.text if told is not None and LABEL in told else ""


def digest_field(body: bytes) -> bytes:
    return _DIGEST % b2a_base64(sha256(body).digest(), newline=False) if body else leg.OF_NOTHING


class Seal:
    """A member's signature, but for what changes with each message."""

    __slots__ = ("_after", "_before", "_sign", "signing")

    def __init__(self, signing: Signing) -> None:
        before, after = constant(signing.first.keyid, signing.first.alg)
        self.signing = signing
        self._before, self._after = before.encode("ascii"), after.encode("ascii")
        self._sign = signing.first.sign

    def stated(self, listed: bytes, now: float, nonce: str = "") -> bytes:
        """The parameters, as `peer` writes them."""
        created = int(now)
        said = b';nonce="%b"' % nonce.encode("ascii") if nonce else b""
        return b"%b;created=%d;expires=%d%b%b%b" % (
            listed,
            created,
            created + ROAD_SIGNED_S,
            self._before,
            said,
            self._after,
        )

    def signed(self, base: Text, row: Sequence[bytes]) -> bytes:
        return b2a_base64(self._sign(base.form % base.pick(row)), newline=False)
