"""Records of agencies, of who acts for whom, and of people who stand at a counter: each function a step on a Tx."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

import msgspec

from banyan.errors import Conflict, Invalid
from banyan.kernel.events.clock import EpochS
from banyan.kernel.identity.identifiers import is_business_number
from banyan.kernel.identity.openid import records
from banyan.kernel.identity.openid.model import Account, Client, Session
from banyan.kernel.identity.representing import Representation
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Tx
from banyan.limits_identity import COUNTER_KEPT_S, OPENID_LIST

SQL: Final = load_statements("banyan.kernel.identity", "acting.sql")
_encode: Final = msgspec.json.Encoder().encode
What = Literal["open", "renew", "visit", "kiosk"]
"""Why somebody stands at a counter: a first account, a lost device, acting beside the officer, a code for the kiosk."""
State = Literal["asked", "known", "begun", "ended"]


class Agency(msgspec.Struct, frozen=True):
    """An agency by its X-Road style member id INSTANCE/CLASS/CODE. `ubn` is its 統一編號."""

    id: str
    ubn: str
    name: dict[str, str]
    is_closed: bool = False


class Appearance(msgspec.Struct, frozen=True, kw_only=True):
    """`officer` and `second` are accounts; `how` the person was known: by their word, or by a second officer.
    `name` is the sign-in name of an account to be opened, `sealed` what else it needs, under the node's key."""

    id: str
    what: What
    agency: str
    officer: str
    account: str
    state: State
    at: EpochS
    until: EpochS
    second: str = ""
    how: Literal["", "word", "two-person"] = ""
    shown: str = ""
    """Which document with a photo was looked at."""
    name: str = ""


# Agencies


def put_agency(tx: Tx, agency: Agency) -> None:
    """Register it. Closing one closes its officers and its apps in the same commit. Raises Invalid or Conflict."""
    if not is_business_number(agency.ubn):
        raise Invalid.at("ubn", "8 digits whose check digit fits (the rule since 2023-04-01)")
    row = tx.row(SQL["agency_by_ubn"], ubn=agency.ubn)
    if row is not None and row[0] != agency.id:
        raise Conflict("this 統一編號 is another agency's", remedy="check the number")
    closed = int(agency.is_closed)
    tx.run(SQL["put_agency"], id=agency.id, ubn=agency.ubn, document=_encode(agency), is_closed=closed)
    if agency.is_closed:
        _close_all(tx, agency.id)


def agency_by_id(tx: Tx, id: str) -> Agency | None:
    row = tx.row(SQL["agency"], id=id)
    return records.read(row[0], Agency) if row else None


def all_agencies(tx: Tx) -> list[Agency]:
    return [records.read(row[0], Agency) for row in tx.rows(SQL["agencies"], limit=OPENID_LIST)]


def _close_all(tx: Tx, agency: str) -> None:
    tx.run(SQL["end_kiosks_of"], agency=agency)
    name = ""
    while accounts := [
        records.read(r[0], Account) for r in tx.rows(SQL["accounts_after"], name=name, limit=OPENID_LIST)
    ]:
        name = accounts[-1].name
        for account in accounts:
            if account.agency == agency and not account.is_closed:
                close_account(tx, account)
    id = ""
    while clients := [records.read(r[0], Client) for r in tx.rows(SQL["clients_after"], id=id, limit=OPENID_LIST)]:
        id = clients[-1].id
        for client in clients:
            if client.agency == agency and not client.is_closed:
                records.put_client(tx, msgspec.structs.replace(client, is_closed=True), 0.0)


def close_account(tx: Tx, account: Account) -> None:
    """Close it: sessions, tokens, and what it began at a counter end in this commit, and stay ended if it is opened
    again."""
    records.put_account(tx, msgspec.structs.replace(account, is_closed=True))
    end_access_of(tx, account.id)


def end_access_of(tx: Tx, account: str) -> None:
    """End every session, token and open appearance of an account."""
    tx.run(records.SQL["end_sessions_of"], account=account)
    tx.run(SQL["end_tokens_of"], account=account)
    tx.run(SQL["end_appearances_of"], account=account)


# Sessions that act for somebody


def change_session(tx: Tx, cookie: str, now: float, change: Callable[[Session], Session]) -> Session | None:
    """Write a session anew under its cookie; None when there is none."""
    session = records.session_of(tx, cookie, now)
    if session is None:
        return None
    after = change(session)
    tx.run(SQL["put_session"], hash=records.hashed(cookie), document=_encode(after), expires=after.until)
    return after


# Representations


def put_representation(tx: Tx, one: Representation) -> None:
    tx.run(
        SQL["put_representation"],
        id=one.id,
        representative=one.representative,
        represented=one.represented,
        is_ended=int(bool(one.ended_at)),
        until=one.until,
        document=_encode(one),
    )


def representation_by_id(tx: Tx, id: str) -> Representation | None:
    row = tx.row(SQL["representation"], id=id)
    return records.read(row[0], Representation) if row else None


def representations_by(tx: Tx, account: str, now: float) -> list[Representation]:
    """Those in force or to come that let this account act for others."""
    rows = tx.rows(SQL["representations_by"], account=account, now=now, limit=OPENID_LIST)
    return [records.read(row[0], Representation) for row in rows]


def representations_for(tx: Tx, account: str, now: float) -> list[Representation]:
    """Those in force or to come by which others act for this account."""
    rows = tx.rows(SQL["representations_for"], account=account, now=now, limit=OPENID_LIST)
    return [records.read(row[0], Representation) for row in rows]


def representations_between(tx: Tx, representative: str, represented: str, now: float) -> list[Representation]:
    """What lets one account act for another, in force or to come."""
    rows = tx.rows(
        SQL["representations_between"],
        representative=representative,
        represented=represented,
        now=now,
        limit=OPENID_LIST,
    )
    return [records.read(row[0], Representation) for row in rows]


# At a counter


def put_word(tx: Tx, account: str, hash: bytes) -> None:
    tx.run(SQL["put_word"], account=account, hash=hash)


def word_of(tx: Tx, account: str) -> bytes | None:
    row = tx.row(SQL["word"], account=account)
    if row is None:
        return None
    assert isinstance(row[0], bytes), "a hash is bytes"
    return row[0]


def put_appearance(tx: Tx, one: Appearance, now: float) -> None:
    """Write it; those that were over for long go."""
    tx.run(SQL["sweep_appearances"], before=now - COUNTER_KEPT_S)
    values = {"id": one.id, "agency": one.agency, "account": one.account, "state": one.state}
    tx.run(SQL["put_appearance"], **values, document=_encode(one), expires=one.until)


def appearance_by_id(tx: Tx, id: str) -> Appearance | None:
    row = tx.row(SQL["appearance"], id=id)
    if row is None:
        return None
    one = records.read(row[0], Appearance)
    return msgspec.structs.replace(one, state="ended") if row[1] == "ended" else one


def waiting_of(tx: Tx, agency: str, now: float) -> list[Appearance]:
    rows = tx.rows(SQL["appearances_waiting"], agency=agency, now=now, limit=OPENID_LIST)
    return [records.read(row[0], Appearance) for row in rows]


def add_kiosk(tx: Tx, cookie: str, agency: str, expires: float) -> None:
    tx.run(SQL["add_kiosk"], hash=records.hashed(cookie), agency=agency, expires=expires)


def kiosk_of(tx: Tx, cookie: str, now: float) -> str:
    """The agency whose screen this is; empty for none."""
    row = tx.row(SQL["kiosk"], hash=records.hashed(cookie), now=now) if cookie else None
    return str(row[0]) if row else ""
