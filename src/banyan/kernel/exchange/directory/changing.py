"""What a member changes of its own in the directory: addresses, notices, subsystems, whom its gateways host.

A notice of maintenance and addresses count at once, for what is at an address proves itself by its certificate, which
stays; so does leaving a host, by which nobody gains anything. The rest shows in what others may call, so officers
approve it. Each of both keeps when its newest was made: an older one, sent again or held back on its way, takes nothing
back.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from banyan.errors import Invalid
from banyan.kernel.exchange.directory.document import Gateway, Member, Served, Snapshot, Subsystem
from banyan.kernel.exchange.directory.enrolment import Change, Host, Wanted, changed
from banyan.wire.xroad.identifiers import ClientId, ServerId, encoded


def is_at_once(wanted: Wanted) -> bool:
    """Whether nobody need approve what a member signed."""
    change = wanted.change
    return not (wanted.subsystems or change.dropped or change.hosted or change.unhosted or change.is_gone)


def consenting(wanted: Wanted) -> list[ClientId]:
    """The other members whose subsystems are to be hosted: each signs too."""
    owners = (ClientId(wanted.instance, one.member_class, one.member) for one in wanted.change.hosted)
    return [one for one in dict.fromkeys(owners) if one != wanted.owner]


def applied(wanted: Wanted, snapshot: Snapshot) -> Snapshot:
    """The snapshot with the change. Raises Invalid naming the field: nothing to change, or an older one than counts."""
    _check_hosted(wanted, snapshot)
    if wanted.change.is_gone and snapshot.home == (wanted.member_class, wanted.member, wanted.server):
        raise Invalid.at("server", f"{wanted.server} is the centre's own gateway, which all ask; it stays.")

    def change(member: Member) -> Member:
        if not is_at_once(wanted) or wanted.change.left:
            _check_newer(wanted, member.changed)
            member = msgspec.structs.replace(
                member, subsystems=_subsystems(wanted, member.subsystems), changed=wanted.made_at
            )
        return msgspec.structs.replace(member, gateways=_gateways(wanted, member)) if wanted.server else member

    return _without_left(wanted, changed(wanted, snapshot, change))


def _check_hosted(wanted: Wanted, snapshot: Snapshot) -> None:
    """Whom it would host is there, and has not left a host since it signed."""
    members = {(one.member_class, one.code): one for one in snapshot.members}
    for served in wanted.change.hosted:
        member = members.get((served.member_class, served.member))
        if member is None or served.subsystem not in {one.code for one in member.subsystems}:
            raise Invalid.at("host", f"{_said(wanted, served)} is no subsystem in the directory.")
        _check_newer(wanted, member.changed)


def _without_left(wanted: Wanted, snapshot: Snapshot) -> Snapshot:
    """The hosts host nothing of the member any more."""
    waiting, members = set(wanted.change.left), []
    for member in snapshot.members if waiting else ():
        gateways = []
        for gateway in member.gateways:
            host = Host(member.member_class, member.code, gateway.server)
            kept = tuple(one for one in gateway.hosted if not _is_of(wanted, one))
            if host in waiting and kept != gateway.hosted:
                _check_newer(wanted, member.changed)
                waiting.discard(host)
                gateways.append(msgspec.structs.replace(gateway, hosted=kept))
            else:
                gateways.append(gateway)
        members.append(msgspec.structs.replace(member, gateways=tuple(gateways)))
    for host in waiting:
        where = encoded(ServerId(wanted.instance, *msgspec.structs.astuple(host)))
        raise Invalid.at("leave-host", f"{where} hosts nothing of {wanted.member}.")
    return msgspec.structs.replace(snapshot, members=tuple(members)) if members else snapshot


def _is_of(wanted: Wanted, served: Served) -> bool:
    return (served.member_class, served.member) == (wanted.member_class, wanted.member)


def _subsystems(wanted: Wanted, held: Sequence[Subsystem]) -> tuple[Subsystem, ...]:
    codes = {one.code for one in held}
    for code in wanted.change.dropped:
        if code not in codes:
            raise Invalid.at("drop-subsystem", f"{wanted.member} has no {code}.")
    alike = {one.casefold(): one for one in codes}
    for new in wanted.subsystems:
        if new.code.casefold() in alike:
            fix = f"{wanted.member} has {alike[new.code.casefold()]} already; choose another code."
            raise Invalid.at("subsystem", fix)
        alike[new.code.casefold()] = new.code
    return (*(one for one in held if one.code not in wanted.change.dropped), *wanted.subsystems)


def _gateways(wanted: Wanted, member: Member) -> tuple[Gateway, ...]:
    found = next((one for one in member.gateways if one.server == wanted.server), None)
    if found is None:
        raise Invalid.at("server", f"{wanted.member} has no gateway {wanted.server}.")
    if wanted.change.is_gone:
        return tuple(one for one in member.gateways if one is not found)
    new = msgspec.structs.replace(found, hosted=_hosted(wanted, found.hosted))
    if wanted.addresses or wanted.change.notice is not None:
        _check_newer(wanted, found.changed)
        new = msgspec.structs.replace(
            new,
            addresses=wanted.addresses or found.addresses,
            notice=found.notice if wanted.change.notice is None else wanted.change.notice,
            changed=wanted.made_at,
        )
    return tuple(new if one is found else one for one in member.gateways)


def _hosted(wanted: Wanted, held: Sequence[Served]) -> tuple[Served, ...]:
    change: Change = wanted.change
    for one in change.unhosted:
        if one not in held:
            raise Invalid.at("drop-host", f"{wanted.server} does not host {_said(wanted, one)}.")
    for one in change.hosted:
        if one in held:
            raise Invalid.at("host", f"{wanted.server} hosts {_said(wanted, one)} already.")
    return (*(one for one in held if one not in change.unhosted), *change.hosted)


def _check_newer(wanted: Wanted, newest: int) -> None:
    if wanted.made_at <= newest:
        raise Invalid.at("made_at", "One that was made later, or in the same second, counts already; make this anew.")


def _said(wanted: Wanted, one: Served) -> str:
    return encoded(ClientId(wanted.instance, *msgspec.structs.astuple(one)))
