"""The road's wire profile of RFC 9421 between two gateways: what must be signed, how, and when.

A request covers method, authority, path, query, digest of the body and every field of its envelope; the answer covers
its status and digest and, through the request's signature, the request it answers (RFC 9421 section 2.4). A second,
post-quantum signature over the same components goes beside the first under a label of its own; whoever is known to
have such a key must use it, else leaving it out would be an attack.

What stays with the caller: that the authority and X-Road-Service are its own (else a gateway could pass a request on
to a third), that the key's member is the one in X-Road-Client and in the TLS certificate, that a nonce comes once until
`forget_at`, and the body against `digests` (digest.Hashing) before a byte of it is handed on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Final, TypeVar

import msgspec

from banyan.limits import (
    HTTPSIG_LISTS_KEPT,
    PEER_AGE_S,
    PEER_AHEAD_S,
    PEER_KEYID_CHARS,
    PEER_LIFE_S,
    PEER_NONCE_CHARS,
    PEER_NONCE_LEAST_CHARS,
)
from banyan.wire.httpsig.components import Component, component
from banyan.wire.httpsig.covered import Covered, covered, covered_in
from banyan.wire.httpsig.digest import digests_of
from banyan.wire.httpsig.errors import Forged, Malformed, Uncovered, UnknownKey, Untimely
from banyan.wire.httpsig.keys import Signer, Verifier
from banyan.wire.httpsig.message import Fields, Message, Request, Response
from banyan.wire.httpsig.presented import Parameters, Presented, member_of, presented, signature_base
from banyan.wire.structured import write_bare

TAG: Final = "banyan-exchange/1"
LABEL: Final = "gw"
SECOND_LABEL: Final = "pq"
REQUEST: Final = tuple(
    map(
        component,
        (
            "@method",
            "@authority",
            "@path",
            "@query",
            "content-digest",
            "x-road-client",
            "x-road-service",
            "x-road-id",
            "x-road-request-id",
            "x-directory-version",
        ),
    )
)
RESPONSE: Final = (
    component("@status"),
    component("content-digest"),
    component("x-road-request-hash"),
    component("signature", req=True, key=LABEL),
    component("@method", req=True),
    component("@path", req=True),
)
ENVELOPES: Final = ("x-road-", "x-banyan-")
"""Fields whose names begin so are signed whenever they are there: user, issue, purpose, consent."""
WHEN_PRESENT: Final = frozenset({"content-type", "content-encoding", "prefer", "idempotency-key"})
"""These change what the body means or what is done with it."""
_REQUIRED: Final[Mapping[type, tuple[Component, ...]]] = {Request: REQUEST, Response: RESPONSE}
_OWN_FIELDS: Final[Mapping[type, frozenset[str]]] = {
    kind: frozenset(one.name for one in required if not one.req and one.name[0] != "@")
    for kind, required in _REQUIRED.items()
}
_TEXTS: Final[Mapping[type, frozenset[str]]] = {
    kind: frozenset(one.text for one in required) for kind, required in _REQUIRED.items()
}
_ONCE: Final = {1}
_SIGNED_BY: Final = ("signature", "signature-input")
_M = TypeVar("_M", Request, Response)


class Keys(msgspec.Struct, frozen=True):
    """A member's public keys: the one asked for, and the post-quantum one that must sign too, if it has one."""

    first: Verifier
    second: Verifier | None = None


class Accepted(msgspec.Struct, frozen=True):
    """A message whose signatures hold. `forget_at`: from then on the clock refuses it, so its nonce may be forgotten.
    `digests`: what the body must hash to."""

    keyid: str
    created: int
    forget_at: int
    nonce: str
    digests: Mapping[str, bytes]


KeyOf = Callable[[str], Keys | None]


def sign_request(request: Request, parameters: Parameters, first: Signer, second: Signer | None = None) -> Request:
    """The request with its two signature fields. `parameters`: created, expires and nonce."""
    assert parameters.nonce, "a request has a nonce"
    return _signed(request, parameters, (first, second), None)


def sign_response(
    response: Response, request: Request, parameters: Parameters, *, first: Signer, second: Signer | None = None
) -> Response:
    """The answer to a signed request with its own signature fields. `parameters`: created and expires."""
    return _signed(response, parameters, (first, second), request)


def verify_request(request: Request, key_of: KeyOf, now: float) -> Accepted:
    """Check a request by this gateway's clock. Raises Refused."""
    accepted = _verified(request, key_of, now, None)
    if not PEER_NONCE_LEAST_CHARS <= len(accepted.nonce) <= PEER_NONCE_CHARS:
        raise Malformed("nonce", f"has {PEER_NONCE_LEAST_CHARS} to {PEER_NONCE_CHARS} characters")
    return accepted


def verify_response(response: Response, request: Request, key_of: KeyOf, now: float) -> Accepted:
    """Check that this answers `request` as we sent it. Raises Refused. The request's nonce makes the answer single."""
    return _verified(response, key_of, now, request)


def _signed(message: _M, parameters: Parameters, signers: Sequence[Signer | None], request: Request | None) -> _M:
    assert parameters.created is not None, "a signature says when it was made"
    assert parameters.expires is not None, "a signature says how long it holds"
    over = _covered(message)
    inputs, signatures = [], []
    for label, signer in zip((LABEL, SECOND_LABEL), signers, strict=True):
        if signer is None:
            continue
        text = over.text + _stated(parameters, signer)
        base = signature_base(over, text, message, request=request)
        inputs.append(f"{label}={text}")
        signatures.append(member_of(label, signer.sign(base)))
    fields = dict(message.fields)
    fields["signature-input"], fields["signature"] = [", ".join(inputs)], [", ".join(signatures)]
    return msgspec.structs.replace(message, fields=fields)


def _stated(said: Parameters, signer: Signer) -> str:
    """The parameters of a signature, as `Parameters.text` writes them: all but time and nonce are the same for ever."""
    before, after = constant(signer.keyid, signer.alg)
    nonce = f";nonce={write_bare(said.nonce)}" if said.nonce is not None else ""
    return f";created={said.created};expires={said.expires}{before}{nonce}{after}"


@lru_cache(maxsize=HTTPSIG_LISTS_KEPT)
def constant(keyid: str, alg: str) -> tuple[str, str]:
    """Of a signature's parameters, what stands before and behind the nonce."""
    return Parameters(keyid=keyid, alg=alg).text, Parameters(tag=TAG).text


def _covered(message: Message) -> Covered:
    """What is signed of this message. Raises Uncovered when a field that must be there is not."""
    fields = message.fields
    found = covered_by(type(message), tuple(fields))
    if not (_is_single(fields) and fields.keys() >= found.own_set):
        _check_single(fields, found.own)
    return found


@lru_cache(maxsize=HTTPSIG_LISTS_KEPT)
def covered_by(kind: type, names: tuple[str, ...]) -> Covered:
    """Of a message whose fields have these names, in this order: its gateway sends the same few in each message."""
    known = _OWN_FIELDS[kind]
    added = [name for name in names if name not in known and _is_envelope(name)]
    return covered((*_REQUIRED[kind], *map(component, added)))


def _is_single(fields: Fields) -> bool:
    """Whether each field comes in one line."""
    return {*map(len, fields.values())} == _ONCE


@lru_cache(maxsize=HTTPSIG_LISTS_KEPT)
def _is_envelope(name: str) -> bool:
    return name in WHEN_PRESENT or name.startswith(ENVELOPES)


def _verified(message: Message, key_of: KeyOf, now: float, request: Request | None) -> Accepted:
    found = presented(message.fields)
    first, second = found.get(LABEL), found.get(SECOND_LABEL)
    if first is None:
        raise Uncovered("signature", f"a message is signed under the label {LABEL}")
    _check_coverage(first, message)
    forget_at = _check_parameters(first.parameters, now)
    _check_foreign(first)
    keyid = first.parameters.keyid or ""
    keys = key_of(keyid)
    if keys is None or keys.first.keyid != keyid:
        raise UnknownKey("keyid", "no member in the directory signs by this key")
    _check_signature(first, message, request, keys.first)
    if keys.second is not None:
        if second is None:
            raise Uncovered("signature", f"this member also signs under the label {SECOND_LABEL}")
        _check_second(first, second)
        _check_signature(second, message, request, keys.second)
    created = first.parameters.created or 0
    return Accepted(keyid, created, forget_at, first.parameters.nonce or "", digests_of(message.fields))


def _check_coverage(one: Presented, message: Message) -> None:
    """All that must be signed is, and nothing in a form that could hide a part of it."""
    over, fields = one.told.covered, message.fields
    if _is_single(fields) and covers(type(message), tuple(fields), over.text):
        return
    if not over.texts >= _TEXTS[type(message)]:
        gone = next(required for required in _REQUIRED[type(message)] if required.text not in over.texts)
        raise Uncovered(gone.name, "must be signed")
    for name in fields:
        if _is_envelope(name) and f'"{name}"' not in over.texts:
            raise Uncovered(name, "is there, so it must be signed")
    _check_single(fields, (*over.own, *_SIGNED_BY))


@lru_cache(maxsize=HTTPSIG_LISTS_KEPT)
def covers(kind: type, names: tuple[str, ...], listed: str) -> bool:
    """Whether this list is enough for a message whose fields have these names and come in one line each. Of any list
    that is not spelt as we would the answer is no: then the rules are gone through one by one."""
    over, there = covered_in(listed), frozenset(names)
    return (
        over is not None
        and over.texts >= _TEXTS[kind]
        and there.issuperset(over.own)
        and there.issuperset(_SIGNED_BY)
        and all(f'"{name}"' in over.texts for name in names if _is_envelope(name))
    )


def _check_single(fields: Fields, names: Sequence[str]) -> None:
    for name in names:
        lines = fields.get(name)
        if not lines:
            raise Uncovered(name, "must be there")
        if len(lines) != 1:
            raise Malformed(name, "comes in one line")


def _check_parameters(said: Parameters, now: float) -> int:
    created, expires = said.created, said.expires
    if created is None or expires is None:
        raise Malformed("created" if created is None else "expires", "must be said")
    return check_times(created, expires, int(now))


def check_times(created: int, expires: int, clock: int) -> int:
    """The clock window; returns from when on it would refuse the message. Raises Untimely."""
    if not created < expires <= created + PEER_LIFE_S:
        raise Untimely("expires", f"is at most {PEER_LIFE_S} s after created")
    if created - clock > PEER_AHEAD_S:
        raise Untimely("created", f"is more than {PEER_AHEAD_S} s ahead of this clock")
    if clock - created >= PEER_AGE_S:
        raise Untimely("created", f"is {PEER_AGE_S} s ago or longer by this clock")
    if clock >= expires:
        raise Untimely("expires", "has passed")
    return min(created + PEER_AGE_S, expires)


def _check_foreign(one: Presented) -> None:
    if one.parameters.tag != TAG:
        raise Malformed("tag", f"is {TAG}")
    if one.told.foreign:
        raise Malformed("signature-input", "has a parameter that this profile does not know")
    if not 0 < len(one.parameters.keyid or "") <= PEER_KEYID_CHARS:
        raise Malformed("keyid", f"has 1 to {PEER_KEYID_CHARS} characters")


def _check_second(first: Presented, second: Presented) -> None:
    """The second signature says the same as the first, but for its key."""
    same = msgspec.structs.replace(first.parameters, keyid=second.parameters.keyid, alg=second.parameters.alg)
    if second.components != first.components or second.parameters != same or second.told.foreign:
        raise Uncovered("signature-input", f"{SECOND_LABEL} covers what {LABEL} covers, at the same time")


def _check_signature(one: Presented, message: Message, request: Request | None, key: Verifier) -> None:
    if one.parameters.alg != key.alg or one.parameters.keyid != key.keyid:
        raise UnknownKey("alg", "is the algorithm of the key that the directory has")
    if not key.verify(signature_base(one.told.covered, one.told.text, message, request=request), one.signature):
        raise Forged("signature", "does not fit the message")
