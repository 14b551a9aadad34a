"""What travels between a node and a terminal: leases, snapshots, receipts, all compact JWS by ES256.

The same words stand in docs/offline-sale.md, for terminals of other makers. Sources: RFC 7515 (JWS), RFC 7516/7518 s4.6
(JWE by ECDH-ES), RFC 7638 (thumbprints).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Annotated, Any, Final, Literal

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from banyan.kernel.identity.openid.jose import Unsigned, decoded, encoded, peek, public_key
from banyan.service.rationing.counter.cards import Paper
from banyan.service.rationing.engine.rulebook import RuleBook

LEASE_TYPE: Final = "stock-lease+jwt"
SNAPSHOT_TYPE: Final = "quota-snapshot+jwt"
RECEIPT_TYPE: Final = "offline-receipt+jwt"
ASKING_TYPE: Final = "offline-asking+jwt"
ALG: Final = "ES256"
ID_BYTES: Final = 32
TERMINAL_BYTES: Final = 8

TerminalId = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$", description="the terminal's id")]
Digest = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{43}$")]
Item = Annotated[str, msgspec.Meta(pattern="^[a-z0-9_.-]{1,40}$")]
Outlet = Annotated[str, msgspec.Meta(pattern="^[0-9A-Za-z]{1,20}$")]
LeaseId = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
Units = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
When = Annotated[int, msgspec.Meta(ge=0, le=9_999_999_999, description="POSIX seconds")]
Counter = Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)]
Sealed = Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]


class Lease(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`qty` units of `item` are the terminal's to sell from `iat` until `exp`; `reserve` of them may go to persons
    whom its snapshot takes for served. Receipts are taken until `exp + grace`, then what was not sold goes back."""

    iss: str
    sub: TerminalId
    jti: LeaseId
    outlet: Outlet
    item: Item
    qty: Units
    reserve: Annotated[int, msgspec.Meta(ge=0)]
    iat: When
    exp: When
    grace: Annotated[int, msgspec.Meta(ge=0)]


class Filtered(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One item's filter: its length in bits, its digest, and the share of others that it takes for served."""

    item: Item
    bits: Annotated[int, msgspec.Meta(ge=8)]
    sha256: Digest
    false: float


class Snapshot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who can buy nothing now, as of `iat`, without naming anybody; of no use after `exp`, or to another terminal.
    `keys` are wrapped by `epk`: `snapshot`, and one `mark-EPOCH` for each epoch with marks. `book` is what the rule
    book says of these items until `exp`, in its own words."""

    iss: str
    sub: TerminalId
    jti: LeaseId
    area: str
    iat: When
    exp: When
    items: tuple[Filtered, ...]
    epk: dict[str, str]
    keys: dict[str, str]
    book: RuleBook


class Sale(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="sale", tag_field="kind", omit_defaults=True):
    """One sale. `who` is the buyer's card, sealed to the node (JWE). `at` is the terminal's clock: evidence, and no
    authority. `hit`: the snapshot took the person for served, and the sale came out of the reserve."""

    trm: TerminalId
    ctr: Counter
    prev: Digest
    lease: LeaseId
    item: Item
    qty: Units
    at: When
    who: Sealed
    hit: bool = False


class Close(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="close", tag_field="kind"):
    """The terminal sells no more of a lease: `sold` units in all, the rest may go back before the lease ends."""

    trm: TerminalId
    ctr: Counter
    prev: Digest
    lease: LeaseId
    at: When
    sold: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


Receipt = Sale | Close


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units of an item that the terminal would sell."""

    item: Item
    qty: Units


class Asking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A terminal asks for leases and a snapshot. `jti` makes it once: asked again it gets the same leases. `aud` is the
    node's member name. The snapshot is about the items of `want` and of `about`."""

    trm: TerminalId
    aud: Annotated[str, msgspec.Meta(max_length=200)]
    iat: When
    jti: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
    want: Annotated[tuple[Wanted, ...], msgspec.Meta(max_length=20)] = ()
    about: Annotated[tuple[Item, ...], msgspec.Meta(max_length=20)] = ()


class Card(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is sealed in `who`: the card as it was read (身分證, 統一證號, 健保卡號 or a permit's number), which paper
    that is, the birth date that a permit shows, and the card of who collects for its holder."""

    n: Annotated[str, msgspec.Meta(min_length=1, max_length=20)]
    p: Paper = "card"
    born: Annotated[str, msgspec.Meta(pattern="^([0-9]{4}-[0-9]{2}-[0-9]{2})?$")] = ""
    by: Annotated[str, msgspec.Meta(max_length=20)] = ""


class Taken(msgspec.Struct, frozen=True):
    """A receipt whose signature holds. `id` names it: the digest of what was signed, so that a second signature over
    the same words (ECDSA has two) is the same receipt."""

    id: bytes
    token: str
    receipt: Receipt


class Refused(Exception):
    """A token that cannot be taken; `code` is stable, and the text holds nothing of the token."""

    def __init__(self, code: Literal["unreadable", "signature", "terminal"]) -> None:
        super().__init__(code)
        self.code = code


def terminal_of(thumbprint: str) -> str:
    """A terminal's id: the first 8 bytes of its key's thumbprint, so that nobody else can have it."""
    return decoded(thumbprint)[:TERMINAL_BYTES].hex()


def first_prev(thumbprint: str) -> str:
    """What the first receipt of a chain points at: its own key's thumbprint."""
    return thumbprint


def id_of(token: str) -> bytes:
    """SHA-256 of the signed words."""
    return sha256(token.rpartition(".")[0].encode("ascii")).digest()


def written_id(id: bytes) -> str:
    return encoded(id)


def key_of(terminal: str, counter: int) -> bytes:
    """The idempotency key: terminal id and counter, 16 bytes."""
    return bytes.fromhex(terminal) + counter.to_bytes(8, "big")


def peeked_terminal(token: str) -> str:
    """The terminal that a token says it is of, before anything is verified. Raises Refused."""
    try:
        middle = token.split(".")[1]
        named: str = msgspec.json.decode(decoded(middle), type=_Named).trm
    except (IndexError, ValueError, msgspec.DecodeError, UnicodeError):
        raise Refused("unreadable") from None
    return named


class _Named(msgspec.Struct, frozen=True):
    trm: TerminalId


def read(token: str, jwk: Mapping[str, str], *, kind: str, type: Any) -> Any:
    """The claims of a token of this `typ`, signed by `jwk`. Raises Refused."""
    try:
        header = peek(token).header
        if header.get("alg") != ALG or header.get("typ") != kind:
            raise Refused("unreadable")
        jws.deserialize_compact(token, _key(jwk["x"], jwk["y"]), algorithms=[ALG])
        return msgspec.json.decode(decoded(token.split(".")[1]), type=type)
    except JoseError as error:
        raise Refused("signature") from error
    except (Unsigned, ValueError, msgspec.DecodeError) as error:
        raise Refused("unreadable") from error


@lru_cache(maxsize=10_000)
def _key(x: str, y: str) -> ECKey:
    """A terminal's key, made ready: that costs three times what a signature does. Every terminal of the nation fits."""
    key = public_key({"kty": "EC", "crv": "P-256", "x": x, "y": y}, ALG)
    assert isinstance(key, ECKey), "ES256 is of an EC key"
    return key


def taken(token: str, jwk: Mapping[str, str], *, terminal: str) -> Taken:
    """A receipt of this terminal. Raises Refused."""
    receipt: Receipt = read(token, jwk, kind=RECEIPT_TYPE, type=Sale | Close)
    if receipt.trm != terminal:
        raise Refused("terminal")
    return Taken(id_of(token), token, receipt)


def claims_again(token: str) -> Receipt:
    """What a kept receipt says; its signature was checked when it came."""
    return msgspec.json.decode(decoded(token.split(".")[1]), type=Sale | Close)
