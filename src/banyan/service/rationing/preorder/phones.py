"""A telephone that a person gives to be reminded by SMS: sealed, shown masked, and deleted when the order ends."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Final, Literal, Protocol, cast

import msgspec

from banyan.craft.notify.model import Accepted, Message
from banyan.errors import Conflict, Invalid, NotFound
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage import Drawer, Lent
from banyan.kernel.storage.store import Tx
from banyan.service.rationing.preorder.records import SQL, Order
from banyan.service.rationing.preorder.words import both

Telephone = Annotated[str, msgspec.Meta(max_length=24, description="0912345678, or with + and the country's code")]
Language = Literal["zh-Hant", "en"]
TAIWAN: Final = "+886"
SUBJECT: Final = b"telephones"
SHOWN: Final = 3
"""The last digits, by which a person knows her own."""
_MOBILE: Final = re.compile(r"09[0-9]{8}", re.ASCII)
_ABROAD: Final = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_BETWEEN: Final = re.compile(r"[ ()-]")


class Sender(Protocol):
    """What of the node's `Notifier` this needs."""

    async def accept(self, messages: Iterable[Message]) -> Accepted: ...


class Keys(Protocol):
    """The keys folder: `kernel.identity.scopes.Scopes`."""

    async def seal(self, scope: str, subject: bytes, plain: bytes, *, context: bytes = b"") -> bytes: ...
    async def open(self, scope: str, subject: bytes, sealed: bytes, *, context: bytes = b"") -> bytes: ...
    async def destroy_scope(self, scope: str, *, at: float) -> object: ...


class Phones(msgspec.Struct, frozen=True):
    """How this node sends SMS, and the keys that end with a round."""

    sender: Sender
    keys: Keys


_phones: Final = Lent[Phones]("this node sends no SMS")


def lend_phones(db: Drawer, phones: Phones) -> None:
    """Once, before the first call; a node without SMS lends none, and asks nobody for a telephone."""
    _phones.lend(db, phones)


def phones_of(db: Drawer) -> Phones | None:
    return _phones.of_or_none(db)


def written(text: str) -> str:
    """As E.164, from how people here write it. Raises Invalid naming the field, never the number."""
    plain = _BETWEEN.sub("", text)
    if _MOBILE.fullmatch(plain):
        return TAIWAN + plain[1:]
    if _ABROAD.fullmatch(plain) and not (plain.startswith(TAIWAN) and not plain.startswith(TAIWAN + "9")):
        return plain
    raise Invalid.at("telephone", both("say_telephone"))


def masked(number: str) -> str:
    return "•••" + number[-SHOWN:]


async def put(db: Drawer, order: Order, telephone: str, lang: Language) -> None:
    """Remind this order's person there from now on; an empty one ends it. Raises Invalid, or Conflict where no SMS are
    sent or the order is over."""
    if not telephone:
        await db.sql.write(lambda tx: tx.run(SQL["drop_phone"], preorder=order.id))
        return
    number, phones = written(telephone), phones_of(db)
    if phones is None:
        raise Conflict(both("no_sms"), remedy=both("no_sms_remedy"))
    if not may_be_told(order.state):
        raise Conflict(both("phone_over"), remedy=both("phone_over_remedy"))
    sealed = await phones.keys.seal(scope_of(order.round), SUBJECT, number.encode(), context=order.id.encode())

    def job(tx: Tx) -> None:
        row = tx.row(SQL["by_id"], id=order.id)
        if row is not None and may_be_told(str(row[4])):  # it may have ended meanwhile
            tx.run(SQL["put_phone"], preorder=order.id, round=order.round, sealed=sealed, lang=lang)

    await db.sql.write(job)


async def shown(db: Drawer, order: Order) -> str:
    """The telephone of an order, masked; empty without one."""
    phones = phones_of(db)
    row = await db.sql.read(lambda tx: tx.row(SQL["phone"], preorder=order.id)) if phones is not None else None
    return masked(await opened(phones, order.round, order.id, cast(bytes, row[0]))) if phones and row else ""


async def opened(phones: Phones, round: str, order: str, sealed: bytes) -> str:
    """Empty when its key was destroyed."""
    try:
        return (await phones.keys.open(scope_of(round), SUBJECT, sealed, context=order.encode())).decode()
    except NotFound:
        return ""


async def destroy(db: Drawer, round: str, now: EpochS) -> None:
    """No telephone of a round can be read any more, in backups neither."""
    phones = phones_of(db)
    if phones is not None:
        await phones.keys.destroy_scope(scope_of(round), at=now)


def may_be_told(state: str) -> bool:
    return state in ("registered", "waiting", "won", "paid")


def scope_of(round: str) -> str:
    return f"preorder:{round}"
