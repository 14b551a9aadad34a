"""The vault: personal data under a key of its own for each subject; destroy the key and every copy is unreadable.

A subject's data key (AES-256) is kept wrapped by the agency's key. Erasing the wrapped key erases the data in the
store, the lake, journals and every backup that does not hold the key file (crypto-shredding). Source: NIST SP 800-38D
(AES-GCM, 96-bit nonce, the context as associated data), SP 800-88r1 s2.5 (cryptographic erase).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from banyan.errors import NotFound, Unavailable
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Store, Tx

SQL: Final = load_statements("banyan.kernel.identity", "vault.sql")
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
Random = Callable[[int], bytes]


class Destroyed(NotFound):
    """The subject's key was destroyed: the data is gone by law, not lost."""

    kind = "erased"


class Vault:
    """Subjects' keys in `store`, wrapped by `master`. `scope` parts lives of one subject (an order, a service)."""

    def __init__(self, store: Store, master: bytes, *, random: Random) -> None:
        assert len(master) == KEY_BYTES, "an agency key is 256 bits"
        self._store, self._wrap, self._random = store, AESGCM(master), random

    async def seal(self, scope: str, subject: bytes, plain: bytes, *, context: bytes = b"") -> bytes:
        """Encrypt under the subject's key, made when there is none. Raises Destroyed when it was destroyed."""
        key = await self._key(scope, subject, make=True)
        nonce = self._random(NONCE_BYTES)
        return nonce + AESGCM(key).encrypt(nonce, plain, context)

    async def open(self, scope: str, subject: bytes, sealed: bytes, *, context: bytes = b"") -> bytes:
        """Decrypt. Raises Destroyed when the key is gone, Unavailable when the bytes were changed."""
        key = await self._key(scope, subject, make=False)
        try:
            return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context)
        except InvalidTag as error:
            raise Unavailable("sealed data was changed or is another's", remedy="restore it from a backup") from error

    async def destroy(self, scope: str, subject: bytes, *, at: float) -> bool:
        """Destroy the subject's key for ever; False when there was none. A stone stays, so that no new key is made."""
        return await self._store.write(lambda tx: self._destroyed(tx, scope, subject, at))

    async def destroy_scope(self, scope: str, *, at: float) -> int:
        """Destroy every key of a scope (an order that lapsed); how many."""

        def job(tx: Tx) -> int:
            rows = tx.rows(SQL["keys_of_scope"], scope=scope)
            return sum(self._destroyed(tx, scope, bytes(row[0]), at) for row in rows if isinstance(row[0], bytes))

        return await self._store.write(job)

    def _destroyed(self, tx: Tx, scope: str, subject: bytes, at: float) -> bool:
        row = tx.row(SQL["key_of"], scope=scope, subject=subject)
        if row is None or row[0] is None:
            return False
        tx.run(SQL["destroy_key"], scope=scope, subject=subject, at=at)
        return True

    async def _key(self, scope: str, subject: bytes, *, make: bool) -> bytes:
        row = await self._store.read(lambda tx: tx.row(SQL["key_of"], scope=scope, subject=subject))
        if row is None:
            if not make:
                raise NotFound("no data of this subject", remedy="nothing was ever kept here")
            row = await self._store.write(lambda tx: self._made(tx, scope, subject))
        wrapped = row[0]
        if wrapped is None:
            raise Destroyed("this data was erased", remedy="the deletion receipt on the ledger says when and why")
        assert isinstance(wrapped, bytes), "a wrapped key is bytes"
        return self._wrap.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _bound(scope, subject))

    def _made(self, tx: Tx, scope: str, subject: bytes) -> tuple[bytes | None]:
        """A new key, or the one another writer made first."""
        row = tx.row(SQL["key_of"], scope=scope, subject=subject)
        if row is not None:
            assert row[0] is None or isinstance(row[0], bytes), "a wrapped key is bytes"
            return (row[0],)
        nonce = self._random(NONCE_BYTES)
        wrapped = nonce + self._wrap.encrypt(nonce, self._random(KEY_BYTES), _bound(scope, subject))
        tx.run(SQL["add_key"], scope=scope, subject=subject, wrapped=wrapped)
        return (wrapped,)


def _bound(scope: str, subject: bytes) -> bytes:
    """Ties a wrapped key to its row: moved to another it does not open."""
    return scope.encode() + b"\0" + subject
