"""Certificates renew themselves, and officers hear in a sentence of what ends within thirty days.

The next certificate enters the directory before anybody shows it, and is shown only when peers have had time to hear.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from banyan.errors import Invalid, Problem
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.exchange.directory import ca, document, membership
from banyan.kernel.exchange.directory.document import Certificate, Member, Snapshot
from banyan.kernel.exchange.directory.keeper import Keeper, Refused
from banyan.kernel.exchange.directory.membership import ENDED, Agency
from banyan.kernel.exchange.directory.standing import Standing
from banyan.limits_road import DIRECTORY_AHEAD_S, DIRECTORY_RENEW_S, DIRECTORY_SETTLE_S, DIRECTORY_WARN_S
from banyan.wire.xroad.identifiers import encoded

_DAY: Final = 86_400
Renew = Callable[[bytes], Awaitable[bytes]]
"""`POST /directory/renewals` at the centre. Raises Problem."""


class Upkeep:
    """Of one gateway. `reload` is called with the file of key and certificate when it has changed."""

    def __init__(self, agency: Agency, keeper: Keeper, *, renew: Renew, reload: Callable[[Path], None]) -> None:
        self._agency, self._keeper, self._renew, self._reload = agency, keeper, renew, reload
        self.failed = ""
        """Why the last renewal did not work; empty when it did."""
        self._unread = ""
        """Why an outside CA's certificate cannot be read."""

    async def step(self, now: EpochS) -> None:
        """What is due now: end a key, ask for the next certificate, or show it. Called every few minutes."""
        await asyncio.to_thread(self._end_keys)
        current = held(self._agency.tls)
        if self._agency.next_tls.exists():
            following = held(self._agency.next_tls)
            if is_settled(following, self._keeper.standing, now) or (
                now >= current.until and self._is_known(following)
            ):
                self._agency.use_next_certificate()
                self._reload(self._agency.tls)
        elif self._is_due(current, now):
            try:
                given = await self._renew(self._agency.ask_certificate().encode())
                self._agency.accept_certificate(membership.read_welcome(given))
                self.failed = ""
            except Problem as problem:
                self.failed = f"{problem.title} {problem.remedy}".strip()

    def _is_due(self, current: Certificate, now: EpochS) -> bool:
        """The centre's CA gives the next one when it is asked; an outside CA's is taken up once it lies there."""
        self._unread = ""
        try:
            outside = self._agency.outside()
        except Invalid as problem:
            self._unread = f"{problem.title} {problem.remedy}".strip()
            return False
        if outside is None:
            return current.until - now < DIRECTORY_RENEW_S
        return ca.pinned(outside).sha256 != current.sha256

    def _end_keys(self) -> None:
        """Take what `agency end-key` left; gossip hands it on."""
        for path in sorted((self._agency.folder / ENDED).glob("*.note")):
            try:
                self._keeper.take_revocations([path.read_bytes()])
            except Refused as error:
                self.failed = f"{path.name} is not taken: {error}."
                continue
            path.unlink()

    def alerts(self, now: EpochS) -> list[str]:
        """What this gateway's officers must know."""
        found = warnings(self._agency, self._keeper, now)
        found += [f"The next certificate could not be had: {why}" for why in (self.failed, self._unread) if why]
        return found

    def _is_known(self, certificate: Certificate) -> bool:
        return self._keeper.standing.server_of(certificate.sha256) == self._agency.file.gateway


def warnings(agency: Agency, keeper: Keeper, now: EpochS) -> list[str]:
    """What an agency's folder and its directory tell its officers to do."""
    snapshot = keeper.standing.snapshot
    own = [one for one in snapshot.members if is_of(agency, one)] if snapshot else []
    found = [*keeper.alerts, *silence(keeper.standing, now), *endings(snapshot, own, now)]
    return found + own_key_ends(agency, own, now)


def is_of(agency: Agency, member: Member) -> bool:
    return (member.member_class, member.code) == (agency.file.member_class, agency.file.member)


def held(path: Path) -> Certificate:
    """The certificate in a file of key and certificate, as the directory names it."""
    text = path.read_bytes()
    return ca.pinned(ca.read_certificate(text[text.index(b"-----BEGIN CERTIFICATE") :]))


def is_settled(certificate: Certificate, standing: Standing, now: EpochS) -> bool:
    """Whether the directory has had it for long enough that every peer has."""
    made_at = certificate.since + DIRECTORY_AHEAD_S
    return standing.server_of(certificate.sha256) is not None and now >= made_at + DIRECTORY_SETTLE_S


def silence(standing: Standing, now: EpochS) -> list[str]:
    """That the authority has not been heard for more than an hour, and what follows."""
    match standing.freshness(now):
        case "fresh":
            return []
        case "stale":
            left = int(30 * _DAY - (now - standing.beat)) // _DAY
            return [
                f"The directory's authority was last heard on {iso(EpochS(standing.beat))}. Exchange goes on for "
                f"{left} more days; new members and grants wait. Ask the centre what has happened."
            ]
    return ["The directory has expired: no call goes out or comes in. Ask the centre, or any member, for a newer one."]


def endings(snapshot: Snapshot | None, members: Iterable[Member], now: EpochS) -> list[str]:
    """Keys, certificates and CAs that end within thirty days with nothing in their place; a sentence each."""
    if snapshot is None:
        return []
    found = []
    for member in members:
        owner = document.member_id(snapshot.instance, member)
        last = max((key.until for key in member.keys), default=0)
        if last - now < DIRECTORY_WARN_S:
            what = f"The signing key of {encoded(owner)}"
            found.append(_ends(what, last, now, "Its officers run `./banyan agency rotate-key`."))
        for gateway in member.gateways:
            last = max((one.until for one in gateway.certificates), default=0)
            if last - now < DIRECTORY_WARN_S:
                what = f"The TLS certificate of {encoded(document.server_id(snapshot.instance, member, gateway))}"
                fix = "It renews by itself; if this still stands tomorrow, see why its gateway reaches no centre."
                found.append(_ends(what, last, now, fix))
    return found + _roots(snapshot.roots, now)


def own_key_ends(agency: Agency, members: Iterable[Member], now: EpochS) -> list[str]:
    """That the key that this gateway signs by ends, where another key of the member goes on: `endings` speaks when
    nothing is left to the member. Of gateways that share a key in a device one may have another already."""
    own, found = agency.signers()[0].keyid, []
    for member in members:
        last = max((key.until for key in member.keys), default=0)
        for key in member.keys:
            is_ending = key.until - now < DIRECTORY_WARN_S <= last - now
            if is_ending and document.key_name(agency.file.owner, key.public) == own:
                what = f"The key that gateway {agency.file.server} signs by"
                found.append(_ends(what, key.until, now, "Say `./banyan agency rotate-key` on its machine."))
    return found


def _roots(roots: Sequence[bytes], now: EpochS) -> list[str]:
    found = []
    for one in roots:
        certificate = ca.read_certificate(one)
        last = int(certificate.not_valid_after_utc.timestamp())
        if last - now < DIRECTORY_WARN_S:
            what = f"The CA {certificate.subject.rfc4514_string()}"
            found.append(_ends(what, last, now, "The centre's officers add its next certificate under `roots`."))
    return found


def _ends(what: str, last: int, now: EpochS, fix: str) -> str:
    if last <= now:
        return f"{what} ended on {iso(EpochS(last))}. {fix}"
    days = int(last - now) // _DAY
    return f"{what} ends on {iso(EpochS(last))}, in {days} {'day' if days == 1 else 'days'}. {fix}"
