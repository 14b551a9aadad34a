"""The seam to a payment provider: what it is asked, what it answers, and the signed word it sends on its own.

One charge is asked for by our own `reference`, so asking again (a time-out, a crash) gives the same charge, and a word
about it can come before the answer. A word is an HTTP POST whose body is signed with its moment: HMAC-SHA-256 of
`t.body` under a shared secret, `Payment-Signature: t=1795438800,v1=hex[,v1=hex]`, as card processors do; several v1
while a secret is changed. A word is believed for five minutes and counts once, by its id.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import Annotated, Final, Literal, Protocol

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.limits_rationing import PREORDER_PRICE, PREORDER_WORD_S

Method = Literal["atm", "card", "counter"]
"""Transfer to a number of one's own (虛擬帳號), a card's page at the provider, or cash at a store's counter."""
WordType = Literal["payment.received", "payment.failed", "refund.done", "refund.failed"]
HEADER: Final = "payment-signature"
Reference = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
Whole = Annotated[int, msgspec.Meta(ge=1, le=10 * PREORDER_PRICE)]


class Ask(msgspec.Struct, frozen=True):
    """A charge that is asked for. `until` is when the provider stops taking it, `back` where a card's page leads."""

    reference: Reference
    method: Method
    amount: Whole
    until: EpochS
    back: str = ""


class Charge(msgspec.Struct, frozen=True):
    """A charge as the provider knows it. `bank` and `account` are where a transfer goes, `page` is the card's page,
    `slip` what a store's till scans. `received` is all that came; a card that was refused is `failed`."""

    reference: str
    state: Literal["open", "paid", "cancelled", "failed"]
    received: int = 0
    bank: str = ""
    account: str = ""
    page: str = ""
    slip: str = ""


class Back(msgspec.Struct, frozen=True):
    """A refund as the provider knows it. `pending`: a word follows. `failed`: the account is closed."""

    state: Literal["pending", "done", "failed"]


class Provider(Protocol):
    """Raises Unavailable when no answer came: it may have been done all the same."""

    async def charge(self, ask: Ask) -> Charge: ...

    async def look(self, reference: str) -> tuple[Charge, tuple[Word, ...]]:
        """How a charge stands, and every word that was or will be sent about it."""

    async def cancel(self, reference: str) -> Charge:
        """Take no money for it any more; what is paid already stays paid."""

    async def refund(self, reference: str, payment: str, key: str, amount: int) -> Back:
        """Send back `amount` of a payment (its word's id); `key` is once for ever."""


class Word(msgspec.Struct, frozen=True):
    """What a provider tells. `at` is when the money moved, not when it is told. A refund is named by our `key`."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    type: WordType
    reference: Reference
    amount: Annotated[int, msgspec.Meta(ge=0, le=100 * PREORDER_PRICE)]
    at: EpochS
    key: Annotated[str, msgspec.Meta(max_length=80)] = ""


def signature(secret: bytes, body: bytes, at: int) -> str:
    """The header's value, by who sends."""
    return f"t={at},v1={_mac(secret, body, at)}"


def is_genuine(secrets: tuple[bytes, ...], body: bytes, header: str, now: float) -> bool:
    """Whether a word is the provider's and of these minutes; every `v1` is compared with every secret."""
    parts = [part.partition("=") for part in header[:2_000].split(",")][:10]
    moments = [value for name, _, value in parts if name.strip() == "t"]
    given = [value for name, _, value in parts if name.strip() == "v1"]
    if len(moments) != 1 or not (moments[0].isascii() and moments[0].isdigit() and len(moments[0]) <= 12):
        return False
    at = int(moments[0])
    found = False
    for secret in secrets:
        ours = _mac(secret, body, at)
        for one in given:
            found |= hmac.compare_digest(ours.encode(), one.encode())
    return found and abs(now - at) <= PREORDER_WORD_S


def _mac(secret: bytes, body: bytes, at: int) -> str:
    return hmac.new(secret, f"{at}.".encode() + body, sha256).hexdigest()
