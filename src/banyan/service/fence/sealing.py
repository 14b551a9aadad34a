"""Sealed at rest: who a case is about, and every word of it, under a key that ends on the case's own day.

All whose data ends on one day under one order share a day key; a case's key comes from it and the case's own salt. The
day key is sealed twice: by a scope of that day and by the order's. At day 28 the first is destroyed, at the order's
lapse the second; both files are in no backup, so that every copy of the store is unreadable from then on. One file a
day, not one a person: a hundred thousand cases would be as many flushed files (docs/decisions/0125).
"""

from __future__ import annotations

import asyncio
import hmac
from hashlib import sha256
from typing import Final
from weakref import WeakKeyDictionary

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from banyan.errors import Unavailable
from banyan.kernel.storage import Drawer, Store
from banyan.kernel.storage.statements import load_statements
from banyan.service.fence.shelf import Shelf, unknown

SQL: Final = load_statements("banyan.service.fence", "fence.sql")
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
LABEL: Final = b"fence"
_keys: WeakKeyDictionary[Store, dict[tuple[str, str], bytes]] = WeakKeyDictionary()
_turns: WeakKeyDictionary[Store, asyncio.Lock] = WeakKeyDictionary()


def day_scope(power: str, day: str) -> str:
    """The scope of the keys that end on a day."""
    return f"fence:{power}:{day}"


async def day_key(db: Drawer, shelf: Shelf, power: str, day: str, *, make: bool = False) -> bytes:
    """The key of a day under an order. Raises NotFound once it is destroyed or the order has lapsed (and no new one is
    made then), or when there is none."""
    known = _keys.setdefault(db.sql, {})
    if found := known.get((power, day)):
        return found
    async with _turns.setdefault(db.sql, asyncio.Lock()):
        row = await db.sql.read(lambda tx: tx.row(SQL["cohort"], power=power, day=day))
        if row is None:
            if not make:
                raise unknown()
            row = (await _made(db, shelf, power, day),)
        assert isinstance(row[0], bytes), "a sealed key is bytes"
        inner = await shelf.scopes.open(shelf.scope_of(power), _label(day), row[0], context=LABEL)
        key = await shelf.scopes.open(day_scope(power, day), LABEL, inner, context=LABEL)
        known[power, day] = key
    return key


async def destroy_day(db: Drawer, shelf: Shelf, power: str, day: str, *, at: float) -> None:
    """Destroy a day's keys, in memory too. May be repeated."""
    _keys.setdefault(db.sql, {}).pop((power, day), None)
    await shelf.scopes.destroy_scope(day_scope(power, day), at=at)
    await db.sql.write(lambda tx: tx.run(SQL["end_cohort"], power=power, day=day, now=at, nothing=b""))


def forget_keys(db: Drawer) -> None:
    """Drop every key from memory: the next use needs the files."""
    _keys.pop(db.sql, None)


def seal(key: bytes, salt: bytes, plain: bytes, nonce: bytes) -> bytes:
    """Encrypt for the case of this salt."""
    assert len(nonce) == NONCE_BYTES, "AES-GCM takes 96 bits"
    return nonce + AESGCM(_case_key(key, salt)).encrypt(nonce, plain, salt)


def unseal(key: bytes, salt: bytes, sealed: bytes) -> bytes:
    """Decrypt; empty stays empty. Raises Unavailable when the bytes were changed or are another case's."""
    if not sealed:
        return b""
    try:
        return AESGCM(_case_key(key, salt)).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], salt)
    except InvalidTag as error:
        raise Unavailable("sealed data was changed or is another's", remedy="restore it from a backup") from error


def named(key: bytes, kind: str, value: bytes) -> str:
    """A keyed name of a person, a phone or a code; `kind` parts them."""
    return hmac.new(key, kind.encode() + b"\0" + value, sha256).hexdigest()


async def _made(db: Drawer, shelf: Shelf, power: str, day: str) -> bytes:
    inner = await shelf.scopes.seal(day_scope(power, day), LABEL, shelf.random(KEY_BYTES), context=LABEL)
    sealed = await shelf.scopes.seal(shelf.scope_of(power), _label(day), inner, context=LABEL)
    await db.sql.write(lambda tx: tx.run(SQL["add_cohort"], power=power, day=day, sealed=sealed))
    return sealed


def _label(day: str) -> bytes:
    return LABEL + b"/" + day.encode()


def _case_key(key: bytes, salt: bytes) -> bytes:
    return hmac.digest(key, salt, "sha256")
