"""The leg between two gateways: a call and its answer in the wire profile (`wire.httpsig.peer`).

The fields that travel keep their order and spelling, so both ends compute the same request hash. Fields of a client or
a provider whose names the leg itself needs travel under `x-banyan-carried-`, and come out as they went in.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from hmac import compare_digest
from typing import Final

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.road.desk import Signing
from banyan.kernel.exchange.road.head import named_of
from banyan.kernel.exchange.road.model import DIRECTORY_VERSION, LEFT, Answer, Body, Call, Signed
from banyan.kernel.exchange.road.spool import digest_of
from banyan.limits import HEADER_NAMES_KEPT
from banyan.limits_road import ROAD_CALL_MOST_S, ROAD_SHAPE_NAMES, ROAD_SHAPES_KEPT, ROAD_SIGNED_S
from banyan.wire.httpsig.digest import CONTENT_DIGEST, written
from banyan.wire.httpsig.errors import DigestMismatch
from banyan.wire.httpsig.message import Request, Response
from banyan.wire.httpsig.peer import sign_request, sign_response
from banyan.wire.httpsig.presented import Parameters
from banyan.wire.xroad import block
from banyan.wire.xroad.headers import DROPPED, SERVICE, Field
from banyan.wire.xroad.identifiers import ServiceId, encoded
from banyan.wire.xroad.shapes import Pick, names_of, places

DIGEST: Final = CONTENT_DIGEST.encode("ascii")
CARRIED: Final = b"x-banyan-carried-"
LEFT_DIGITS: Final = 9
_OWN: Final = frozenset({DIGEST, LEFT, DIRECTORY_VERSION, b"signature", b"signature-input"})
_THEIR_VERSION: Final = CARRIED + DIRECTORY_VERSION
"""Of a service's answer: dropped, for the client's gateway says its own."""
_OFF_A_REQUEST: Final = frozenset({*_OWN, *DROPPED, SERVICE})
OF_NOTHING: Final = written({"sha-256": sha256(b"").digest()}).encode("ascii")
_OFF_AN_ANSWER: Final = frozenset({*_OWN, *DROPPED})


class Sent(msgspec.Struct, frozen=True):
    """A signed message, ready to be written: `fields` are all but Host, Content-Length and Date."""

    message: Request
    fields: tuple[Field, ...]


def onto_leg(fields: Sequence[Field]) -> Sequence[Field]:
    """All of them: what the leg has a field of its own for is carried under another name, in its own spelling."""
    if len(fields) <= ROAD_SHAPE_NAMES and not _any_of_the_leg(names_of(fields)):
        return fields
    return [(CARRIED + field[0], field[1]) if is_of_the_leg(field[0]) else field for field in fields]


def off_leg(fields: Sequence[Field], *, of_request: bool) -> tuple[Field, ...]:
    """What travels on of a message that came over the leg: of a request, exactly what went onto it."""
    take = _off(names_of(fields), of_request) if len(fields) <= ROAD_SHAPE_NAMES else None
    if take is not None:
        return take(fields)
    found = []
    for field in fields:
        was_carried = name_off(field[0], of_request)
        if was_carried is False:
            found.append(field)
        elif was_carried:
            found.append((field[0][len(CARRIED) :], field[1]))
    return tuple(found)


@lru_cache(maxsize=ROAD_SHAPES_KEPT)
def _any_of_the_leg(names: tuple[bytes, ...]) -> bool:
    return any(map(is_of_the_leg, names))


@lru_cache(maxsize=ROAD_SHAPES_KEPT)
def _off(names: tuple[bytes, ...], of_request: bool) -> Pick | None:
    """Takes what travels on; None when some of it was carried."""
    told = [name_off(name, of_request) for name in names]
    return None if True in told else places([at for at, was_carried in enumerate(told) if was_carried is False])


@lru_cache(maxsize=HEADER_NAMES_KEPT)
def is_of_the_leg(name: bytes) -> bool:
    low = name.lower()
    return low in _OWN or low.startswith(CARRIED)


@lru_cache(maxsize=HEADER_NAMES_KEPT)
def name_off(name: bytes, of_request: bool) -> bool | None:
    """Whether it was carried under another name; None: it does not travel on."""
    low = name.lower()
    if low in (_OFF_A_REQUEST if of_request else _OFF_AN_ANSWER):
        return None
    if not low.startswith(CARRIED):
        return False
    if not is_of_the_leg(name[len(CARRIED) :]):
        return None  # no gateway of ours carries it: it could be Transfer-Encoding, for the service to stumble over
    return True if of_request or low != _THEIR_VERSION else None


async def digest_field(body: Body) -> bytes:
    if not body.size:
        return OF_NOTHING
    return written({"sha-256": await digest_of(body, "sha-256")}).encode("ascii")


async def check_body(body: Body, promised: Mapping[str, bytes]) -> None:
    """Raises DigestMismatch."""
    for algorithm, digest in promised.items():
        if not compare_digest(await digest_of(body, algorithm), digest):
            raise DigestMismatch(CONTENT_DIGEST, "the body is another one")


def algorithms_in(named: Mapping[str, list[str]], *others: str) -> set[str]:
    """By which a body must be hashed to be held to its digest field, and by `others`."""
    said = "".join(named.get(CONTENT_DIGEST, ())).lower()
    return {name for name in ("sha-256", "sha-512") if name in said}.union(others)


def left_field(until: EpochS, now: EpochS) -> Field:
    return LEFT, b"%d" % max(0, (until - now) * 1000)


def left_s(named: Mapping[str, list[str]]) -> float:
    """How long the other gateway waits yet; a signed field, so once. Without it: as long as the client said."""
    said = named.get("x-banyan-left")
    return int(said[0]) / 1000 if said and said[0].isdecimal() and len(said[0]) <= LEFT_DIGITS else ROAD_CALL_MOST_S


async def hash_of(call: Call, body: Body) -> str:
    """`x-road-request-hash`."""
    own = await digest_of(body, "sha-512") if body.size else None
    return block.request_hash(block.encode_request(call.verb, call.target, call.fields), own)


def stamp(now: EpochS, nonce: str | None = None) -> Parameters:
    created = int(now)
    return Parameters(created=created, expires=created + ROAD_SIGNED_S, nonce=nonce)


def nonce_of(drawn: bytes) -> str:
    return base64.urlsafe_b64encode(drawn).rstrip(b"=").decode("ascii")


@lru_cache(maxsize=1024)
def service_field(service: ServiceId) -> Field:
    return SERVICE, encoded(service).encode("ascii")


def signed_call(call: Call, authority: str, added: Iterable[Field], signing: Signing, parameters: Parameters) -> Sent:
    """`added`: the fields of the leg itself, digest among them. Raises Refused: a field that cannot be signed."""
    fields = [*onto_leg(call.fields), service_field(call.target.service), *added]
    request = Request(call.verb, authority, call.target.raw.decode("ascii"), named_of(fields))
    signed = sign_request(request, parameters, signing.first, signing.second)
    return Sent(signed, (*fields, *signature_fields(signed.fields)))


def signed_answer(
    answer: Answer, added: Iterable[Field], request: Request, signing: Signing, parameters: Parameters
) -> tuple[Field, ...]:
    """All fields of the answer on the leg, signatures among them. Raises Refused."""
    fields = [*onto_leg(answer.fields), *added]
    response = Response(answer.status, named_of(fields))
    signed = sign_response(response, request, parameters, first=signing.first, second=signing.second)
    return (*fields, *signature_fields(signed.fields))


def signature_fields(named: Mapping[str, Iterable[str]]) -> tuple[Field, Field]:
    (told,), (made,) = named["signature-input"], named["signature"]
    return (b"signature-input", told.encode("ascii")), (b"signature", made.encode("ascii"))


def logged_call(verb: str, target: bytes, fields: tuple[Field, ...], authority: str) -> Signed:
    return Signed(verb.encode("ascii") + b"\r\n" + target, text_of(fields), authority=authority)


def logged_answer(status: int, reason: bytes, fields: tuple[Field, ...]) -> Signed:
    return Signed(b"%d\r\n%b" % (status, reason), text_of(fields))


def text_of(fields: Iterable[Field]) -> bytes:
    """As `Signed.text` has them."""
    return b"\r\n".join(map(b": ".join, fields))
