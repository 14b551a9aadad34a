"""People without a phone: known at a counter by their word or by two officers, then helped beside the officer, at a
kiosk with a printed code, or with an enrolment code for a first or a lost device.

One officer alone opens nothing for anybody: an account, a new device and a visit without the person's word need a
second officer of the same agency who looks for themselves. Threats and choices: docs/decisions/0094.
"""

from __future__ import annotations

import hmac
from typing import Final, Literal

import msgspec

from banyan.errors import Conflict, Denied, Invalid, NotFound
from banyan.kernel.events.clock import EpochS
from banyan.kernel.identity import acting, people
from banyan.kernel.identity.acting import Appearance, What
from banyan.kernel.identity.openid import records, signing_in, throttle
from banyan.kernel.identity.openid.model import Account, Session
from banyan.kernel.identity.openid.provider import Provider
from banyan.kernel.identity.openid.records import SQL
from banyan.kernel.identity.openid.sent import Sent
from banyan.kernel.identity.openid.signing_in import Failure
from banyan.kernel.identity.pseudonyms import pseudonym
from banyan.kernel.storage.store import Tx
from banyan.limits_identity import (
    COUNTER_ASK_S,
    COUNTER_S,
    COUNTER_WORD,
    KIOSK_CODE_S,
    KIOSK_S,
    KIOSK_SCREEN_S,
)

ROLE: Final = "counter"
ALONE: Final[tuple[What, ...]] = ("visit", "kiosk")
"""What a person's own word is enough for. An account or a new device could be used far from here, for long."""
Shown = Literal["id-card", "resident-card", "passport"]
_CODE_DIGITS: Final = 8


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """What the officer typed: the number read from the document that was `shown`, the person's word (or none), and the
    sign-in name of an account to open."""

    what: What
    number: str
    shown: Shown
    word: str = ""
    name: str = ""


class Begun(msgspec.Struct, frozen=True):
    """What is handed over: an enrolment code with the sign-in name, or a kiosk's code; nothing for a visit."""

    what: What
    name: str = ""
    code: str = ""


class _AtKiosk(msgspec.Struct, frozen=True):
    visit: str


async def ask(provider: Provider, sent: Sent, officer: Account, asking: Asking) -> Appearance:
    """Somebody stands here. Raises Denied for a wrong word or too many, NotFound without an account, Conflict with one
    already."""
    now = provider.clock()
    lookup = people.lookup_of(provider, asking.number)
    account = await _opened_or_new(provider, asking, lookup)
    is_known = bool(asking.word) and asking.what in ALONE and await _says(provider, sent, account, asking.word)
    one = Appearance(
        id=provider.secret(),
        what=asking.what,
        agency=officer.agency,
        officer=officer.id,
        account=account.id,
        state="known" if is_known else "asked",
        how="word" if is_known else "",
        at=now,
        until=EpochS(now + COUNTER_ASK_S),
        shown=asking.shown,
        name=account.name,
    )
    await provider.store.write(lambda tx: acting.put_appearance(tx, one, now))
    return one


async def confirm(provider: Provider, sent: Sent, second: Account, id: str, number: str) -> Appearance:
    """A second officer saw the person and the document, and read the number for themselves."""
    buckets = throttle.buckets_of(provider.secrets.forms, account=f"counter {id}", network=sent.network)
    now, lookup = provider.clock(), people.lookup_of(provider, number)

    def job(tx: Tx) -> Appearance | str:
        one = _waiting(tx, id, second.agency, now)
        if one.state != "asked" or one.officer == second.id:
            return "counter_same_officer"
        account = records.account_by_lookup(tx, lookup)
        if not throttle.is_open(tx, buckets, now):
            return "sign_in_throttled"
        if account is None or account.id != one.account:
            throttle.count_failure(tx, buckets, now)
            return "counter_another_person"
        known = msgspec.structs.replace(one, state="known", second=second.id, how="two-person")
        acting.put_appearance(tx, known, now)
        return known

    done = await provider.store.write(job)
    if isinstance(done, str):
        await provider.note(sent, done, endpoint="counter")
        raise Denied("this person is not the one who was asked for, or you asked yourself", remedy=_SECOND)
    return done


_SECOND: Final = "another officer of this agency reads the number from the document"


async def begin(provider: Provider, sent: Sent, officer: Account, id: str, *, word: str = "") -> Begun:
    """The officer who asked goes on, once. `word` is what the person wants to be known by at counters from now on."""
    now = provider.clock()

    def take(tx: Tx) -> Appearance:
        one = _waiting(tx, id, officer.agency, now)
        if one.officer != officer.id or one.state != "known":
            raise Conflict("this person is not known yet", remedy=_SECOND)
        is_lasting = one.what in ALONE
        until = EpochS(now + (COUNTER_S if one.what == "visit" else KIOSK_CODE_S))
        begun = msgspec.structs.replace(one, state="begun" if is_lasting else "ended", until=until)
        acting.put_appearance(tx, begun, now)
        if one.what == "visit":
            acting.change_session(tx, sent.browser, now, lambda s: msgspec.structs.replace(s, visit=id, acts_for=""))
        return begun

    one = await provider.store.write(take)
    if word:
        await set_word(provider, one.account, word)
    if one.what == "visit":
        return Begun("visit")
    if one.what == "kiosk":
        return Begun("kiosk", code=await _kiosk_code(provider, one))
    account = await provider.store.write(lambda tx: _open(tx, one.account))
    if one.what == "renew":
        await people.start_anew(provider, account.id)
    return Begun(one.what, account.name, await signing_in.enrolment_code(provider, account))


async def end(provider: Provider, sent: Sent) -> bool:
    """The visit in this browser is over; at a kiosk the session with it. True when there was one."""
    now = provider.clock()

    def job(tx: Tx) -> bool:
        session = records.session_of(tx, sent.browser, now)
        visit = acting.appearance_by_id(tx, session.visit) if session is not None and session.visit else None
        if visit is None:
            return False
        acting.put_appearance(tx, msgspec.structs.replace(visit, state="ended"), now)
        if visit.what == "kiosk":
            records.end_session(tx, sent.browser)
        else:
            acting.change_session(tx, sent.browser, now, lambda s: msgspec.structs.replace(s, visit=""))
        return True

    return await provider.store.write(job)


async def set_up_kiosk(provider: Provider, sent: Sent, officer: Account) -> str:
    """This browser is a public screen of the officer's agency from now on: its cookie. The officer is signed out."""
    now, cookie = provider.clock(), provider.secret()

    def job(tx: Tx) -> None:
        acting.add_kiosk(tx, cookie, officer.agency, now + KIOSK_SCREEN_S)
        records.end_session(tx, sent.browser)

    await provider.store.write(job)
    return cookie


async def enter_kiosk(provider: Provider, sent: Sent, number: str, code: str) -> str | Failure:
    """A new session's cookie for who has the card and the code that was printed for them, on a screen of the same
    agency; every other way one answer."""
    now = provider.clock()
    try:
        lookup = people.lookup_of(provider, number)
    except Invalid:
        lookup = b""
    named = lookup.hex()
    if not await signing_in.is_heard(provider, sent, named):
        return "later"

    def job(tx: Tx) -> tuple[Account, Appearance] | None:
        agency = acting.kiosk_of(tx, sent.device, now)
        account = records.account_by_lookup(tx, lookup) if lookup else None
        if not agency or account is None or account.is_closed:
            return None
        secret = _kiosk_secret(provider, account.id, code)
        taken = records.take_once(tx, secret, _kiosk_kind(account.id), _AtKiosk, now)
        visit = acting.appearance_by_id(tx, taken.visit) if taken is not None else None
        if visit is None or visit.state != "begun" or visit.agency != agency:
            return None
        visit = msgspec.structs.replace(visit, until=EpochS(now + KIOSK_S))
        acting.put_appearance(tx, visit, now)
        return account, visit

    found = await provider.store.write(job)
    if found is None:
        return await signing_in.failed(provider, sent, named)
    account, visit = found
    cookie = provider.secret()
    session = Session(account=account.id, at=now, acr="aal1", amr=("otp",), until=visit.until, visit=visit.id)

    def start(tx: Tx) -> None:
        if sent.browser:
            records.end_session(tx, sent.browser)
        records.add_session(tx, cookie, session, now)

    await provider.store.write(start)
    return cookie


async def set_word(provider: Provider, account: str, word: str) -> None:
    """What the person says at a counter. Raises Invalid for too short a one."""
    least, most = COUNTER_WORD
    if not least <= len(word.strip()) <= most:
        raise Invalid.at("word", f"{least} to {most} characters that only the person knows")
    await provider.store.write(lambda tx: acting.put_word(tx, account, _word_hash(provider, account, word)))


async def _says(provider: Provider, sent: Sent, account: Account, word: str) -> bool:
    """Whether this is the account's word. Raises Denied when it is not, or after too many."""
    name = f"word {account.id}"
    if not await signing_in.is_heard(provider, sent, name):
        await provider.note(sent, "sign_in_throttled", endpoint="counter")
        raise Denied("too many wrong words", remedy="ask a second officer, or come back in 15 minutes")
    kept = await provider.store.read(lambda tx: acting.word_of(tx, account.id))
    if not hmac.compare_digest(kept or bytes(32), _word_hash(provider, account.id, word)):
        await signing_in.failed(provider, sent, name)
        await provider.note(sent, "counter_word", endpoint="counter")
        raise Denied("this is not the person's word, or they have none", remedy="ask a second officer")
    return True


def _word_hash(provider: Provider, account: str, word: str) -> bytes:
    """Keyed, so that the records alone give no guess; people's words are short, and no slow hash would save them."""
    return pseudonym(provider.secrets.lookup, b"counter word\0" + account.encode() + b"\0" + word.strip().encode())


async def _opened_or_new(provider: Provider, asking: Asking, lookup: bytes) -> Account:
    known = await provider.store.read(lambda tx: records.account_by_lookup(tx, lookup))
    if asking.what == "open":
        if known is not None and known.is_pending:
            return known
        fresh = Account(id="", name=asking.name, kind="citizen", is_closed=True, is_pending=True)
        return await people.add(provider, fresh, number=asking.number)
    if known is None or known.is_closed or known.kind != "citizen":
        raise NotFound("no account of this person", remedy="open one first")
    return known


def _waiting(tx: Tx, id: str, agency: str, now: float) -> Appearance:
    """Raises NotFound alike for none, another agency's, and one that is over."""
    one = acting.appearance_by_id(tx, id)
    if one is None or one.agency != agency or one.state not in ("asked", "known") or now >= one.until:
        raise NotFound("nobody waits under this", remedy="ask anew: it ends after 15 minutes")
    return one


def _open(tx: Tx, id: str) -> Account:
    account = records.account_by_id(tx, id)
    assert account is not None, "an appearance is of an account"
    if account.is_pending:
        account = msgspec.structs.replace(account, is_closed=False, is_pending=False)
        records.put_account(tx, account)
    return account


async def _kiosk_code(provider: Provider, visit: Appearance) -> str:
    code = str(int.from_bytes(provider.random(16), "big") % 10**_CODE_DIGITS).zfill(_CODE_DIGITS)
    kind, now = _kiosk_kind(visit.account), provider.clock()

    def job(tx: Tx) -> None:
        tx.run(SQL["drop_once"], kind=kind)
        secret = _kiosk_secret(provider, visit.account, code)
        records.add_once(tx, secret, kind, _AtKiosk(visit.id), expires=now + KIOSK_CODE_S, now=now)

    await provider.store.write(job)
    return f"{code[:4]}-{code[4:]}"


def _kiosk_secret(provider: Provider, account: str, code: str) -> str:
    """Keyed: eight digits under a plain hash could be tried from a copy of the records."""
    typed = code.replace("-", "").replace(" ", "")
    return pseudonym(provider.secrets.forms, b"kiosk\0" + account.encode() + b"\0" + typed.encode()).hex()


def _kiosk_kind(account: str) -> str:
    return f"kiosk {account}"
