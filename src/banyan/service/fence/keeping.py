"""One case opened: its key, its words, and the one way that what happens to somebody is written down."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from banyan.kernel.catalogue.operation import Context
from banyan.kernel.storage.store import Tx
from banyan.service.fence import records
from banyan.service.fence.records import Held, Step, Who
from banyan.service.fence.sealing import NONCE_BYTES, SQL, day_key, named, seal, unseal
from banyan.service.fence.shelf import Shelf, shelf_of, unknown
from banyan.service.fence.terms import Terms, built_in, in_force


class Opened(msgspec.Struct, frozen=True):
    """A case with its key in hand. `random` makes nonces."""

    held: Held
    key: bytes
    random: Callable[[int], bytes]

    @property
    def who(self) -> Who:
        return msgspec.json.decode(self.read(self.held.sealed), type=Who)

    def words(self, text: str) -> bytes:
        """Sealed; of no words nothing."""
        return seal(self.key, self.held.salt, text.encode(), self.random(NONCE_BYTES)) if text else b""

    def read(self, sealed: bytes) -> bytes:
        return unseal(self.key, self.held.salt, sealed)

    def said(self, sealed: bytes) -> str:
        return self.read(sealed).decode()

    def note(self, tx: Tx, ctx: Context, kind: str, *, alarm: str = "", words: str = "") -> None:
        """Write down what happened, and who did it: an officer or an agency's register, herself (no agency), or the
        house by itself."""
        by = ctx.caller
        agency, officer = (by.agency, by.id) if by.kind in ("officer", "app") else ("", by.kind)
        records.add_step(tx, self.held.id, Step(alarm, ctx.now, kind, agency, officer, self.words(words)))


async def opened(ctx: Context, held: Held | None) -> Opened:
    """Raises NotFound when there is none, or its keys are destroyed."""
    if held is None:
        raise unknown()
    shelf = shelf_of(ctx.db)
    return Opened(held, await day_key(ctx.db, shelf, held.power, held.day), shelf.random)


async def case_by_id(ctx: Context, id: str, power: str) -> Opened:
    """An officer's case of the order in force. Raises NotFound."""
    held = await ctx.db.sql.read(lambda tx: records.held_by_id(tx, id))
    return await opened(ctx, held if held is not None and held.power == power else None)


async def own_case(ctx: Context, power: str) -> Opened:
    """Whoever asks, or is acted for. Raises NotFound for who is not in quarantine."""
    person = named(shelf_of(ctx.db).key, "person", bytes.fromhex(ctx.caller.subject))
    return await opened(ctx, await ctx.db.sql.read(lambda tx: records.held_by_person(tx, person, power)))


def person_named(shelf: Shelf, number: str) -> str:
    """The fence's name of a person, by number."""
    return named(shelf.key, "person", shelf.subject_of(number))


def phone_named(shelf: Shelf, phone: str) -> str:
    """The fence's name of a phone; of none it is empty."""
    return named(shelf.key, "phone", phone.encode()) if phone else ""


def all_terms(tx: Tx) -> tuple[Terms, ...]:
    """The published sets, those of the house first."""
    rows = tx.rows(SQL["published"])
    return (*built_in(), *(msgspec.json.decode(bytes(row[0]), type=Terms) for row in rows if isinstance(row[0], bytes)))


def terms_now(tx: Tx, now: float) -> Terms:
    return in_force(all_terms(tx), now)
