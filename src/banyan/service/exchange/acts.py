"""Acts on grants: what an officer did at one of the agency's gateways, and what follows from all of them together.

An act is the grant as it stood when the officer had acted: with who proposed it, who approved it, who ended it. Acts
are only ever added. What is granted is a function of the set of acts between one client and one service, so gateways
that hold the same acts allow the same, whatever came first, twice or late (docs/decisions/0141). Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Annotated, Final

import msgspec

from banyan.errors import Problem
from banyan.kernel.events.clock import EpochS
from banyan.kernel.policy.orders import Officer
from banyan.limits_road import EXCHANGE_ACT_BYTES
from banyan.service.exchange.rules import LONGEST_S, Grant
from banyan.wire.xroad.access import Endpoint, Rights
from banyan.wire.xroad.identifiers import parse_client, parse_service

_LATEST: Final = 1e11
"""No moment is later: the year 5138. Beyond it a float no longer tells milliseconds apart."""
_LISTED: Final = 50
_NEVER: Final = EpochS(0)
End = tuple[EpochS, Officer | None]


class Act(msgspec.Struct, frozen=True):
    """`gateway`: where it was done, INSTANCE/CLASS/MEMBER/SERVER."""

    grant: Grant
    gateway: Annotated[str, msgspec.Meta(max_length=1_024)]

    @property
    def step(self) -> str:
        if self.grant.ended_by is not None:
            return "ended"
        return "proposed" if self.grant.approved_by is None else "approved"


class BadAct(ValueError):
    """Not an act that officers of the member can have done; the text says why."""


_DECODER: Final = msgspec.json.Decoder(Act)


def kept(content: bytes) -> Act:
    """One that was read before it was kept."""
    return _DECODER.decode(content)


def encoded(act: Act) -> bytes:
    return msgspec.json.encode(act, order="sorted")


def name_of(content: bytes) -> str:
    """An act is known by its bytes."""
    return sha256(content).hexdigest()


def id_of(grant: Grant) -> str:
    """The id of a new grant: its own, whatever another gateway makes in the same moment."""
    return sha256(msgspec.json.encode(msgspec.structs.replace(grant, id=""), order="sorted")).hexdigest()[:16]


def read(content: bytes, member: str) -> Act:
    """An act of `member`'s officers. Raises BadAct: it is none, or one that the rules do not let them do."""
    if len(content) > EXCHANGE_ACT_BYTES:
        raise BadAct(f"an act has at most {EXCHANGE_ACT_BYTES} bytes")
    try:
        act = _DECODER.decode(content)
        grant = act.grant
        is_named = (parse_client(grant.client), parse_service(grant.service))
        Rights(Endpoint(one.method, one.path) for one in grant.endpoints)
    except (msgspec.MsgspecError, UnicodeDecodeError, Problem) as error:
        raise BadAct(f"it cannot be read: {error}") from error
    if not is_named[0].subsystem or grant.provider != member:
        raise BadAct("it grants what is not its member's")
    _check_moments(grant)
    _check_officers(grant, member)
    if not (len(grant.id) == 16 and set(grant.id) <= set("0123456789abcdef")):
        raise BadAct("its id is none")
    if max(len(grant.endpoints), len(grant.purposes)) > _LISTED:
        raise BadAct(f"it lists more than {_LISTED} endpoints or purposes")
    return act


def _check_moments(grant: Grant) -> None:
    moments = (grant.proposed_at, grant.approved_at, grant.ended_at, grant.until)
    if not all(0 <= one < _LATEST for one in moments) or not 0 < grant.until - grant.proposed_at <= LONGEST_S:
        raise BadAct("its moments are not in order")
    if (grant.approved_by is None) == bool(grant.approved_at) or (grant.ended_by is None) == bool(grant.ended_at):
        raise BadAct("who acted has a moment, and nobody else")


def _check_officers(grant: Grant, member: str) -> None:
    """Four eyes are looked at again: a gateway whose rules failed does not carry its fault to the others."""
    who = [one for one in (grant.proposed_by, grant.approved_by, grant.ended_by) if one is not None]
    if any(one.agency != member or not one.id for one in who):
        raise BadAct("an officer of another agency acted")
    if grant.approved_by is not None and grant.approved_by.id == grant.proposed_by.id:
        raise BadAct("one officer proposed and approved it")


def withdrawn(acts: Iterable[Act], now: EpochS) -> tuple[str, ...]:
    """The ids that officers ended before their time: what an approval between the same two has seen. Not those that
    another took the place of, for who ends one of them elsewhere has not seen that approval either."""
    return tuple(sorted({one.grant.id for one in acts if one.grant.ended_by is not None and one.grant.until > now}))


def approved_at(now: EpochS, grants: Iterable[Grant]) -> EpochS:
    """The moment of an approval that knows of `grants`: after theirs, also by a clock that is behind."""
    newest = max((one.approved_at for one in grants), default=_NEVER)
    return max(now, EpochS(newest + 0.001) if newest else now)


def folded(acts: Iterable[Act]) -> dict[str, Grant]:
    """What stands between one client and one service, by id: from acts in any order.

    1. An end is for good: no approval brings an id back.
    2. Of approved grants the one approved last stands; it ended the others, and they stay ended when it ends.
    3. An end of a grant that had been approved ends each other that was approved without knowing of it: officers who
       stop a client at one gateway stop what was approved at another meanwhile. Who means it approves again.
    """
    found: dict[str, list[Grant]] = {}
    for act in acts:
        found.setdefault(act.grant.id, []).append(act.grant)
    grants = {id: _joined(of_id) for id, of_id in found.items()}
    approved = sorted((one for one in grants.values() if one.approved_at), key=lambda one: (one.approved_at, one.id))
    stops = [one for one in approved if one.ended_at]
    for place, one in enumerate(approved, 1):
        ends = [_end(one), *map(_approval, approved[place:]), *(_end(stop) for stop in stops if _is_stopped(one, stop))]
        grants[one.id] = _ended(one, ends)
    return grants


def _joined(of_id: list[Grant]) -> Grant:
    """All acts on one grant as one. Two proposals under one id are a forgery, or a fault: it is ended."""
    proposals = {encoded(Act(one, "")): one for one in map(bare, of_id)}
    grant = proposals[min(proposals)]
    approvals = [one for one in of_id if one.approved_by is not None]
    if approvals:
        first = min(approvals, key=lambda one: (*_key(_approval(one)), one.seen))
        grant = msgspec.structs.replace(
            grant, approved_by=first.approved_by, approved_at=first.approved_at, seen=first.seen
        )
    ends = [_end(one) for one in of_id]
    if len(proposals) > 1:
        ends.append((grant.proposed_at, grant.proposed_by))
    return _ended(grant, ends)


def bare(grant: Grant) -> Grant:
    """As it was proposed."""
    return msgspec.structs.replace(grant, approved_by=None, approved_at=_NEVER, ended_by=None, ended_at=_NEVER, seen=())


def _ended(grant: Grant, ends: Iterable[End]) -> Grant:
    """By the first of those that came about."""
    first = min((one for one in ends if one[1] is not None), key=_key, default=(_NEVER, None))
    return msgspec.structs.replace(grant, ended_at=first[0], ended_by=first[1])


def _end(grant: Grant) -> End:
    return grant.ended_at, grant.ended_by


def _approval(grant: Grant) -> End:
    return grant.approved_at, grant.approved_by


def _key(one: End) -> tuple[float, str]:
    """One order for all gateways."""
    at, by = one
    return at, repr(msgspec.structs.astuple(by)) if by is not None else ""


def _is_stopped(one: Grant, stop: Grant) -> bool:
    """Whether `one` was approved without knowing that `stop` was ended. Grants from before gateways told each other
    (no `gateway`) go by the clock."""
    if stop.id == one.id or stop.until <= one.approved_at or stop.id in one.seen:
        return False
    return bool(one.gateway) or stop.ended_at > one.approved_at


def digest_of(names: Iterable[str]) -> str:
    """Equal where the same acts are held."""
    whole = sha256()
    for name in sorted(names):
        whole.update(name.encode("ascii"))
    return whole.hexdigest()
