"""What the administrator does: register apps, give officers an account, let who lost a device start anew.

Accounts of citizens are made at a counter (`counter.py`), or by an outside issuer that vouches for the number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from banyan.errors import NotFound
from banyan.kernel.catalogue import Context
from banyan.kernel.identity import people
from banyan.kernel.identity.openid import records, signing_in
from banyan.kernel.identity.openid.clients import checked
from banyan.kernel.identity.openid.model import Account, Assurance, Client
from banyan.kernel.storage.store import Tx
from banyan.service.identity.agencies import Done, in_office
from banyan.service.identity.desk import Desk, desk_of
from banyan.service.identity.service import administrative


class PutApp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An app's whole document; it takes the place of the one with this id."""

    id: str
    agency: str
    name: Mapping[str, str]
    profile: Literal["fapi2", "basic"] = "fapi2"
    auth: Literal["private_key_jwt", "client_secret_basic", "client_secret_post"] = "private_key_jwt"
    redirect_uris: tuple[str, ...] = ()
    logout_uris: tuple[str, ...] = ()
    jwks: tuple[Mapping[str, str], ...] = ()
    secret_hash: str = ""
    scopes: tuple[str, ...] = ("openid",)
    details: tuple[str, ...] = ()
    grants: tuple[str, ...] = ("authorization_code",)
    resources: tuple[str, ...] = ()
    serves: tuple[str, ...] = ()
    sector: str = ""
    id_alg: Literal["ES256", "RS256"] = "ES256"
    access_form: Literal["opaque", "at+jwt"] = "opaque"
    is_closed: bool = False


class AddOfficer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An officer: a sign-in name, the agency, its roles there."""

    name: str
    agency: str
    shown: Mapping[str, str] = {}
    roles: tuple[str, ...] = ()
    assurance: Assurance = "aal2"


class OfAccount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An account by its sign-in name."""

    name: str


class Enrolment(msgspec.Struct, frozen=True):
    """What to give the person: shown once, good for a day and one use."""

    name: str
    code: str


@administrative(
    "put_app",
    title={"zh-Hant": "登記應用程式", "en": "Register an app"},
    summary={
        "zh-Hant": "登記或變更一個機關的應用程式：轉址、公鑰、範圍。密碼只收雜湊。",
        "en": "Register or change an agency's app: addresses, keys, scopes. Of a secret only the hash is taken.",
    },
)
async def put_app(ctx: Context, request: PutApp) -> Done:
    """Raises Invalid naming the field and the fix, Conflict for an agency that is not registered."""
    client = checked(Client(**msgspec.structs.asdict(request)))

    def job(tx: Tx) -> None:
        in_office(tx, client.agency)
        records.put_client(tx, client, ctx.now)

    await desk_of(ctx).provider.store.write(job)
    return Done(client.id)


@administrative(
    "add_officer",
    title={"zh-Hant": "新增承辦人員", "en": "Add an officer"},
    summary={
        "zh-Hant": "建立承辦人員帳號，並給一組一次性註冊碼登記通行金鑰。",
        "en": "Make an officer's account and give a one-time code to register a passkey.",
    },
)
async def add_officer(ctx: Context, request: AddOfficer) -> Enrolment:
    provider = desk_of(ctx).provider
    await provider.store.read(lambda tx: in_office(tx, request.agency))
    account = await people.add(provider, Account(id="", kind="officer", **msgspec.structs.asdict(request)))
    return Enrolment(account.name, await signing_in.enrolment_code(provider, account))


@administrative(
    "start_anew",
    title={"zh-Hant": "重新登記通行金鑰", "en": "Let somebody start anew"},
    summary={
        "zh-Hant": "裝置遺失時：作廢所有通行金鑰與登入，給新的註冊碼。",
        "en": "For a lost device: every passkey and sign-in ends, and a new code is given.",
    },
)
async def start_anew(ctx: Context, request: OfAccount) -> Enrolment:
    desk = desk_of(ctx)
    account = await _named(desk, request.name)
    await people.start_anew(desk.provider, account.id)
    return Enrolment(account.name, await signing_in.enrolment_code(desk.provider, account))


@administrative(
    "close_account",
    title={"zh-Hant": "停用帳號", "en": "Close an account"},
    summary={
        "zh-Hant": "停用帳號：登入與權杖立即失效。",
        "en": "Close an account: its sign-ins and tokens end at once.",
    },
)
async def close_account(ctx: Context, request: OfAccount) -> Done:
    desk = desk_of(ctx)
    account = await _named(desk, request.name)
    await people.close(desk.provider, account.id)
    return Done(account.name)


async def _named(desk: Desk, name: str) -> Account:
    found = await desk.provider.store.read(lambda tx: records.account_by_name(tx, name))
    if found is None:
        raise NotFound("no account of that name", remedy="check the sign-in name")
    return found
