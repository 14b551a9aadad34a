"""Accounts of people. A person's number is kept sealed in the vault under the person's own key; it is found again by a
keyed hash, so that one person has one account and nobody who reads the records can try all numbers.

Source: 個人資料保護法 s5 (no more than is needed), s27 (security); the numbers' forms: `identifiers.py`.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from banyan.errors import Conflict, Invalid, NotFound
from banyan.kernel.identity import acting
from banyan.kernel.identity.identifiers import is_business_number, normalized_person_number, person_number_kind
from banyan.kernel.identity.openid import records
from banyan.kernel.identity.openid.model import Account
from banyan.kernel.identity.openid.provider import Provider
from banyan.kernel.identity.openid.records import SQL
from banyan.kernel.identity.pseudonyms import pseudonym
from banyan.kernel.identity.vault import Vault
from banyan.kernel.storage.store import Tx

SCOPE: Final = "identity"
CONTEXT: Final = b"person number"
_NAME: Final = re.compile(r"[a-z][a-z0-9.-]{2,39}")


def lookup_of(provider: Provider, number: str, *, is_company: bool = False) -> bytes:
    """The keyed hash that a number is found by. Raises Invalid for what is no person's (or no company's) number."""
    plain = normalized_person_number(number)
    if is_company:
        if not is_business_number(plain):
            raise Invalid.at("number", "a 統一編號 of 8 digits whose check digit fits")
        return pseudonym(provider.secrets.lookup, b"ubn " + plain.encode())
    if person_number_kind(plain) is None:
        raise Invalid.at("number", "a national ID or resident number whose check digit fits")
    return pseudonym(provider.secrets.lookup, plain.encode())


def vault_of(provider: Provider) -> Vault:
    return Vault(provider.store, provider.secrets.vault, random=provider.random)


async def add(provider: Provider, account: Account, *, number: str = "") -> Account:
    """Keep a new account, its id drawn here. A citizen has a number; an officer and a representative need none.

    Raises Invalid, or Conflict when the sign-in name or the person has an account already.
    """
    if account.kind in ("citizen", "company") and not number:
        raise Invalid.at("number", "this account is of one person or company: give the number")
    if not _NAME.fullmatch(account.name):
        raise Invalid.at("name", "3 to 40 small letters, digits, dots, hyphens: a sign-in name, not a person's number")
    made = msgspec.structs.replace(account, id=provider.secret())
    lookup, sealed = None, None
    if number:
        lookup = lookup_of(provider, number, is_company=account.kind == "company")
        plain = normalized_person_number(number).encode()
        sealed = await vault_of(provider).seal(SCOPE, made.id.encode(), plain, context=CONTEXT)

    def job(tx: Tx) -> bool:
        if records.account_by_name(tx, made.name) is not None:
            return False
        if lookup is not None and records.account_by_lookup(tx, lookup) is not None:
            return False
        records.add_account(tx, made, lookup, sealed)
        return True

    if not await provider.store.write(job):
        raise Conflict("this name or person has an account already", remedy="let them sign in, or enrol a new passkey")
    return made


async def number_of(provider: Provider, account: str) -> str:
    """The person's number, opened: for a release that the gate allowed. Raises NotFound, or Destroyed after erasure."""
    row = await provider.store.read(lambda tx: tx.row(SQL["sealed_number"], id=account))
    if row is None or not isinstance(row[0], bytes):
        raise NotFound("no number is kept of this account", remedy="officers and representatives have none")
    opened = await vault_of(provider).open(SCOPE, account.encode(), row[0], context=CONTEXT)
    return opened.decode()


async def close(provider: Provider, id: str) -> None:
    """Close an account: its sessions and tokens end in the same commit, and stay ended if it is opened again."""

    def job(tx: Tx) -> bool:
        account = records.account_by_id(tx, id)
        if account is not None:
            acting.close_account(tx, account)
        return account is not None

    if not await provider.store.write(job):
        raise NotFound("no such account", remedy="see the list of accounts")


async def start_anew(provider: Provider, id: str) -> None:
    """Whoever lost their devices: every passkey, session and token ends (apps' keys were on the device too), and a
    counter gives a new enrolment code."""

    def job(tx: Tx) -> None:
        tx.run(SQL["forget_passkeys_of"], account=id)
        tx.run(SQL["unlink_outside"], account=id)
        acting.end_access_of(tx, id)

    await provider.store.write(job)
