"""Agencies and their officers: registered by the administrator, in office until they leave, and gone at that second."""

from __future__ import annotations

from typing import Annotated

import msgspec

from banyan.errors import Conflict, Invalid, NotFound
from banyan.kernel.catalogue import Context
from banyan.kernel.identity import acting
from banyan.kernel.identity.acting import Agency
from banyan.kernel.identity.openid import records
from banyan.kernel.identity.openid.model import Account, Assurance
from banyan.kernel.storage.store import Tx
from banyan.limits_identity import OPENID_LIST
from banyan.service.identity.desk import desk_of
from banyan.service.identity.service import SERVICE, administrative

MemberId = Annotated[str, msgspec.Meta(pattern="^[A-Z]{2,8}/[A-Z]{3}/[A-Z0-9._-]{1,40}$", title="機關代號 Member id")]
Role = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9-]{1,30}$")]


class PutAgency(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An agency by its member id. Closing it closes its officers and apps."""

    id: MemberId
    ubn: Annotated[str, msgspec.Meta(max_length=8, title="統一編號 UBN")]
    name: dict[str, str]
    is_closed: bool = False


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing to ask."""


class ChangeOfficer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An officer's roles and level from now on; it holds at the next request, in every session."""

    name: str
    roles: tuple[Role, ...] = ()
    assurance: Assurance = "aal2"


class Officer(msgspec.Struct, frozen=True):
    name: str
    agency: str
    roles: tuple[str, ...]
    assurance: str
    is_closed: bool


class Done(msgspec.Struct, frozen=True):
    id: str


@administrative(
    "put_agency",
    title={"zh-Hant": "登記機關", "en": "Register an agency"},
    summary={
        "zh-Hant": "登記或變更機關：會員代號、統一編號、名稱。停用時，人員與應用程式一起停用。",
        "en": "Register or change an agency: member id, 統一編號, name. Closing it closes its officers and apps.",
    },
)
async def put_agency(ctx: Context, request: PutAgency) -> Done:
    """Raises Invalid for a wrong 統一編號 or a missing name, Conflict when the number is another agency's."""
    if not all(request.name.get(lang) for lang in ("zh-Hant", "en")):
        raise Invalid.at("name", "a name in zh-Hant and en")
    agency = Agency(request.id, request.ubn, dict(request.name), request.is_closed)
    await desk_of(ctx).provider.store.write(lambda tx: acting.put_agency(tx, agency))
    return Done(agency.id)


@SERVICE.operation(
    "agencies",
    title={"zh-Hant": "身分登記的機關", "en": "Agencies whose officers sign in"},
    summary={"zh-Hant": "已登記的機關與統一編號。", "en": "Registered agencies and their 統一編號."},
    data=("open",),
    audience="public",
    channels=("web", "api"),
)
async def agencies(ctx: Context, request: Nothing) -> tuple[Agency, ...]:
    return tuple(await desk_of(ctx).provider.store.read(acting.all_agencies))


@SERVICE.operation(
    "officers",
    title={"zh-Hant": "承辦人員名單", "en": "Officers"},
    summary={
        "zh-Hant": "承辦人員的機關、職務、等級與是否在職。",
        "en": "Officers' agency, roles, level, in office or not.",
    },
    data=("open",),
    audience="administrator",
    purpose="administration",
    channels=("web", "api"),
)
async def officers(ctx: Context, request: Nothing) -> tuple[Officer, ...]:
    found = await desk_of(ctx).provider.store.read(_officers)
    return tuple(Officer(one.name, one.agency, one.roles, one.assurance, one.is_closed) for one in found)


@administrative(
    "change_officer",
    title={"zh-Hant": "變更承辦人員職務", "en": "Change an officer's roles"},
    summary={
        "zh-Hant": "變更職務與等級，所有登入立即適用。",
        "en": "Change roles and level; every sign-in has them at once.",
    },
)
async def change_officer(ctx: Context, request: ChangeOfficer) -> Officer:
    """A lower level ends the sessions that were surer than it allows now."""

    def job(tx: Tx) -> Account | None:
        known = records.account_by_name(tx, request.name)
        if known is None or known.kind != "officer":
            return None
        changed = msgspec.structs.replace(known, roles=request.roles, assurance=request.assurance)
        records.put_account(tx, changed)
        if known.assurance != request.assurance:
            acting.end_access_of(tx, known.id)
        return changed

    found = await desk_of(ctx).provider.store.write(job)
    if found is None:
        raise NotFound("no officer of that name", remedy="see the list of officers")
    return Officer(found.name, found.agency, found.roles, found.assurance, found.is_closed)


def in_office(tx: Tx, agency: str) -> None:
    """Raises Conflict for an agency that is not registered, or closed: nobody speaks for it."""
    known = acting.agency_by_id(tx, agency)
    if known is None or known.is_closed:
        raise Conflict("no such agency is registered", remedy="register it first: /api/openid/put_agency")


def _officers(tx: Tx) -> list[Account]:
    found: list[Account] = []
    name = ""
    while rows := tx.rows(acting.SQL["accounts_after"], name=name, limit=OPENID_LIST):
        part = [records.read(row[0], Account) for row in rows]
        found += [one for one in part if one.kind == "officer"]
        name = part[-1].name
    return found
