"""Grants between agencies: proposed by an officer of the agency that answers, put into force by a second one.

A grant lets a subsystem of another member ask one service, on these methods and paths, for these purposes, each on a
basis of the register that lets that member have that data. It ends by itself, or at once when any officer says so.
Pure: values in, values out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.kernel.policy import vocabulary
from banyan.kernel.policy.bases import EVERYONE, LegalBasis, Register
from banyan.kernel.policy.orders import Officer

State = Literal["proposed", "in-force", "ended"]
Priority = Literal["crisis", "normal", "bulk"]
Code = Literal[
    "agency",
    "service-unknown",
    "client-unknown",
    "own-member",
    "purpose-missing",
    "purpose-unknown",
    "basis-unknown",
    "basis-operation",
    "basis-purpose",
    "basis-recipient",
    "basis-over",
    "past",
    "too-long",
    "same-officer",
    "not-proposed",
    "elsewhere",
    "ended",
]
LONGEST_S: Final = 3 * 366 * 86_400.0
"""A grant is looked at again after three years at the latest."""


class Allowed(msgspec.Struct, frozen=True):
    """A method (or `*`) on a pattern of paths."""

    method: str = "*"
    path: str = "**"


class Grant(msgspec.Struct, frozen=True):
    """`client` INSTANCE/CLASS/MEMBER/SUBSYSTEM, `service` the same with its code. `purposes` is purpose code -> basis
    `id@version`. Who acted is an officer's pseudonym and agency. `gateway`: where it was proposed; `seen`: the ids of
    grants between the same two whose end was known when it was approved."""

    id: str
    client: str
    service: str
    endpoints: tuple[Allowed, ...]
    purposes: Mapping[str, str]
    priority: Priority
    per_minute: int
    until: EpochS
    keep_bodies_days: int
    proposed_by: Officer
    proposed_at: EpochS
    approved_by: Officer | None = None
    approved_at: EpochS = EpochS(0)
    ended_by: Officer | None = None
    ended_at: EpochS = EpochS(0)
    gateway: str = ""
    seen: tuple[str, ...] = ()

    def state(self, now: EpochS) -> State:
        if self.ended_at or now >= self.until:
            return "ended"
        return "in-force" if self.approved_by is not None else "proposed"

    @property
    def provider(self) -> str:
        return member_of(self.service)


class Offered(msgspec.Struct, frozen=True):
    """What is known of the service that a grant is about, and whether its client is known."""

    operation: str
    needs_purpose: bool
    is_client_known: bool


class Refusal(msgspec.Struct, frozen=True):
    """Why an act does not stand; `about` is the purpose or basis that it is about."""

    code: Code
    about: str = ""


def member_of(id: str) -> str:
    """The member part of a client's or a service's id."""
    return "/".join(id.split("/")[:3])


def propose(grant: Grant, offered: Offered | None, register: Register, now: EpochS) -> Grant | Refusal:
    """A grant with each purpose's basis in its version of now, or why not."""
    if offered is None:
        return Refusal("service-unknown")
    if grant.proposed_by.agency != grant.provider:
        return Refusal("agency", grant.provider)
    if not offered.is_client_known:
        return Refusal("client-unknown")
    if member_of(grant.client) == grant.provider:
        return Refusal("own-member")
    if grant.until <= now:
        return Refusal("past")
    if grant.until > now + LONGEST_S:
        return Refusal("too-long")
    if offered.needs_purpose and not grant.purposes:
        return Refusal("purpose-missing")
    based: dict[str, str] = {}
    for purpose, named in grant.purposes.items():
        if purpose not in vocabulary.PURPOSES:
            return Refusal("purpose-unknown", purpose)
        found = _basis(register, named.partition("@")[0], grant, offered, purpose=purpose, now=now)
        if isinstance(found, Refusal):
            return found
        based[purpose] = f"{found.id}@{found.version}" if found is not None else ""
    return msgspec.structs.replace(grant, purposes=based)


def _basis(
    register: Register, name: str, grant: Grant, offered: Offered, *, purpose: str, now: EpochS
) -> LegalBasis | Refusal | None:
    """None: no basis is named and none is needed, since nothing personal is given."""
    if not name and not offered.needs_purpose:
        return None
    basis = register.by_id.get(name)
    if basis is None:
        return Refusal("basis-unknown", name)
    service = offered.operation.partition(".")[0]
    named = {offered.operation, f"{service}.*"}
    if "." not in offered.operation:  # a whole service of the gate: any of its operations
        named |= {one for one in basis.operations if one.startswith(f"{service}.")}
    if offered.operation and not named & set(basis.operations):
        return Refusal("basis-operation", name)
    if purpose not in basis.purposes:
        return Refusal("basis-purpose", purpose)
    if EVERYONE not in basis.recipients and member_of(grant.client) not in basis.recipients:
        return Refusal("basis-recipient", name)
    is_current = basis.valid_from <= now and (not basis.sunset or now < basis.sunset)
    return basis if is_current else Refusal("basis-over", name)


def approve(grant: Grant, officer: Officer, now: EpochS) -> Grant | Refusal:
    """A second officer of the agency that answers puts it into force. Again by the same changes nothing."""
    if officer.agency != grant.provider:
        return Refusal("agency", grant.provider)
    if grant.state(now) == "in-force" and grant.approved_by == officer:
        return grant
    if grant.state(now) != "proposed":
        return Refusal("not-proposed")
    if officer.id == grant.proposed_by.id:
        return Refusal("same-officer")
    return msgspec.structs.replace(grant, approved_by=officer, approved_at=now)


def elsewhere(grant: Grant, here: str) -> Refusal | None:
    """Approving is for the gateway where it was proposed: officers have their accounts at each machine by itself, so
    only there two ids are two people."""
    return Refusal("elsewhere", grant.gateway) if grant.gateway not in ("", here) else None


def end(grant: Grant, officer: Officer, now: EpochS) -> Grant | Refusal:
    """One officer is enough: stopping is the safe side."""
    if officer.agency != grant.provider:
        return Refusal("agency", grant.provider)
    if grant.ended_at:
        return grant
    if grant.state(now) == "ended":
        return Refusal("ended")
    return msgspec.structs.replace(grant, ended_by=officer, ended_at=now)


def is_outdated(grant: Grant, register: Register) -> bool:
    """Whether a basis that it stands on has changed or gone since: the agency should look at it again. The gate weighs
    each call by the register of now all the same."""
    for named in grant.purposes.values():
        name, _, version = named.partition("@")
        if name and (name not in register.by_id or register.by_id[name].version != version):
            return True
    return False
