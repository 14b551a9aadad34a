"""The provider's records: each function is one transaction's step on a Tx. Secrets are named by their SHA-256 only.

Every insert sweeps what lapsed in its own table, so that no table grows without bound and no timer is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final, TypeVar

import msgspec

from banyan.kernel.identity.openid.model import Account, Asked, Authority, Client, Code, Granted, Session, Token
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import SqlValue, Tx
from banyan.limits_identity import OPENID_ASSERTION_S, OPENID_LIST, OPENID_SKEW_S

SQL: Final = load_statements("banyan.kernel.identity.openid", "openid.sql")
T = TypeVar("T")
_encode: Final = msgspec.json.Encoder().encode


def hashed(secret: str) -> bytes:
    return sha256(secret.encode("utf-8")).digest()


def read(document: SqlValue, kind: type[T]) -> T:
    assert isinstance(document, bytes), "a document is bytes"
    return msgspec.json.decode(document, type=kind)


# Apps


def put_client(tx: Tx, client: Client, at: float) -> None:
    """Write an app; a closed one ends its tokens, which stay ended if it is opened again."""
    tx.run(SQL["put_client"], id=client.id, document=_encode(client), at=at)
    if client.is_closed:
        tx.run(SQL["end_tokens_of_client"], client=client.id)


def client_by_id(tx: Tx, id: str) -> Client | None:
    row = tx.row(SQL["client"], id=id)
    return read(row[0], Client) if row else None


def all_clients(tx: Tx) -> list[Client]:
    return [read(row[0], Client) for row in tx.rows(SQL["clients"], limit=OPENID_LIST)]


# People


def add_account(tx: Tx, account: Account, lookup: bytes | None = None, sealed: bytes | None = None) -> None:
    document = _encode(account)
    tx.run(SQL["add_account"], id=account.id, name=account.name, lookup=lookup, sealed=sealed, document=document)


def put_account(tx: Tx, account: Account) -> None:
    """Write an account; a closed one ends its sessions."""
    tx.run(SQL["put_account"], id=account.id, document=_encode(account))
    if account.is_closed:
        tx.run(SQL["end_sessions_of"], account=account.id)


def account_by_id(tx: Tx, id: str) -> Account | None:
    row = tx.row(SQL["account"], id=id)
    return read(row[0], Account) if row else None


def account_by_name(tx: Tx, name: str) -> Account | None:
    row = tx.row(SQL["account_named"], name=name)
    return read(row[0], Account) if row else None


def account_by_lookup(tx: Tx, lookup: bytes) -> Account | None:
    row = tx.row(SQL["account_looked_up"], lookup=lookup)
    return read(row[0], Account) if row else None


def all_accounts(tx: Tx) -> list[Account]:
    return [read(row[0], Account) for row in tx.rows(SQL["accounts"], limit=OPENID_LIST)]


# Requests


def add_request(tx: Tx, name: str, asked: Asked, *, browser: bytes | None = None, expires: float, now: float) -> None:
    tx.run(SQL["sweep_requests"], now=now)
    tx.run(
        SQL["add_request"],
        hash=hashed(name),
        client=asked.client,
        browser=browser,
        document=_encode(asked),
        expires=expires,
    )


def take_request(tx: Tx, name: str, client: str, now: float) -> Asked | None:
    """The request of this app under this one-time name; None when it was used, lapsed or is another's."""
    row = tx.row(SQL["take_request"], hash=hashed(name), client=client)
    return read(row[0], Asked) if row and float(str(row[1])) > now else None


def request_of(tx: Tx, name: str, now: float) -> tuple[Asked, bytes | None] | None:
    """A request and the hash of the browser it is bound to."""
    row = tx.row(SQL["request"], hash=hashed(name), now=now)
    if row is None:
        return None
    assert row[1] is None or isinstance(row[1], bytes), "a hash is bytes"
    return read(row[0], Asked), row[1]


def end_request(tx: Tx, name: str) -> None:
    tx.run(SQL["end_request"], hash=hashed(name))


def change_request(tx: Tx, name: str, asked: Asked) -> None:
    tx.run(SQL["change_request"], hash=hashed(name), document=_encode(asked))


def move_request(tx: Tx, name: str, browser: bytes) -> None:
    tx.run(SQL["move_request"], hash=hashed(name), browser=browser)


# Codes and tokens


def add_code(tx: Tx, value: str, code: Code, now: float) -> None:
    """Kept as long as the family may live after it, so that a late replay still ends it."""
    tx.run(SQL["sweep_codes"], now=now)
    tx.run(
        SQL["add_code"],
        hash=hashed(value),
        family=code.authority.family,
        document=_encode(code),
        expires=max(code.expires, code.authority.ends_at),
    )


def code_of(tx: Tx, value: str) -> tuple[Code, bool] | None:
    """A code, and whether it was used."""
    row = tx.row(SQL["code"], hash=hashed(value))
    return (read(row[0], Code), bool(row[1])) if row else None


def use_code(tx: Tx, value: str) -> None:
    tx.run(SQL["use_code"], hash=hashed(value))


def add_token(tx: Tx, value: str, kind: str, authority: Authority, *, expires: float, now: float) -> None:
    """A used refresh token stays until it would have lapsed: its second use must be noticed."""
    tx.run(SQL["sweep_tokens"], now=now)
    tx.run(
        SQL["add_token"],
        hash=hashed(value),
        kind=kind,
        family=authority.family,
        granted=authority.granted,
        client=authority.client,
        document=_encode(authority),
        expires=expires,
    )


def token_of(tx: Tx, value: str) -> Token | None:
    row = tx.row(SQL["token"], hash=hashed(value))
    if row is None:
        return None
    kind, _, _, _, state, document, expires = row
    values = {"kind": kind, "state": state, "authority": read(document, Authority), "expires": expires}
    return msgspec.convert(values, Token, strict=False)


def mark_token(tx: Tx, value: str, state: str) -> None:
    tx.run(SQL["mark_token"], hash=hashed(value), state=state)


def end_family(tx: Tx, family: str) -> None:
    """A replay: everything that came of this sign-in ends."""
    tx.run(SQL["end_family"], family=family)


# Grants


def put_granted(tx: Tx, granted: Granted, now: float) -> None:
    """Write a grant; one that is no longer active ends every token that hangs on it."""
    tx.run(SQL["sweep_grants"], now=now)
    tx.run(
        SQL["put_grant"],
        id=granted.id,
        client=granted.client,
        account=granted.account,
        is_active=int(granted.is_active),
        document=_encode(granted),
        expires=granted.until,
    )
    if not granted.is_active:
        tx.run(SQL["end_granted"], granted=granted.id)


def tie_consents(tx: Tx, granted: Granted, consents: Sequence[str]) -> None:
    """Note that this grant carries these consents."""
    tx.run(SQL["sweep_consents"])
    for consent in consents:
        tx.run(SQL["tie_consent"], consent=consent, granted=granted.id)


def grant_of_consent(tx: Tx, consent: str) -> str | None:
    row = tx.row(SQL["grant_of_consent"], consent=consent)
    return str(row[0]) if row else None


def end_tokens_of_grant(tx: Tx, id: str) -> None:
    tx.run(SQL["end_granted"], granted=id)


def granted_by_id(tx: Tx, id: str, now: float) -> Granted | None:
    row = tx.row(SQL["grant"], id=id, now=now)
    return read(row[0], Granted) if row else None


def granted_to(tx: Tx, account: str, client: str, now: float) -> list[Granted]:
    rows = tx.rows(SQL["grants_of"], account=account, client=client, now=now, limit=OPENID_LIST)
    return [read(row[0], Granted) for row in rows]


def granted_by(tx: Tx, account: str, now: float) -> list[Granted]:
    rows = tx.rows(SQL["grants_by"], account=account, now=now, limit=OPENID_LIST)
    return [read(row[0], Granted) for row in rows]


# One-time values


def see(tx: Tx, values: Sequence[bytes], now: float) -> bool:
    """Remember one-time values; False when one of them was seen before."""
    tx.run(SQL["sweep_seen"], now=now)
    expires = now + OPENID_ASSERTION_S + 2 * OPENID_SKEW_S
    return all(tx.row(SQL["see"], hash=value, expires=expires) is not None for value in values)


def add_once(tx: Tx, secret: str, kind: str, document: Any, *, expires: float, now: float) -> None:
    """Keep what is taken once: a passkey's challenge, an enrolment code."""
    tx.run(SQL["sweep_once"], now=now)
    tx.run(SQL["add_once"], hash=hashed(secret), kind=kind, document=_encode(document), expires=expires)


def take_once(tx: Tx, secret: str, kind: str, form: type[T], now: float) -> T | None:
    row = tx.row(SQL["take_once"], hash=hashed(secret), kind=kind)
    return read(row[0], form) if row and float(str(row[1])) > now else None


# Sessions


def add_session(tx: Tx, cookie: str, session: Session, now: float) -> None:
    tx.run(SQL["sweep_sessions"], now=now)
    tx.run(
        SQL["add_session"],
        hash=hashed(cookie),
        account=session.account,
        document=_encode(session),
        expires=session.until,
    )


def session_of(tx: Tx, cookie: str, now: float) -> Session | None:
    row = tx.row(SQL["session"], hash=hashed(cookie), now=now) if cookie else None
    return read(row[0], Session) if row else None


def end_session(tx: Tx, cookie: str) -> None:
    tx.run(SQL["end_session"], hash=hashed(cookie))
