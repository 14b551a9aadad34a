"""The directory in force, read without waiting: `road.model.Directory` over one snapshot and what was revoked since.

A snapshot is indexed once and swapped in whole; a revocation counts from the look-up after it came. Keys are built from
their bytes when first asked for: ten thousand cost a tenth of a second, and most gateways talk to a few dozen members.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

import msgspec

from banyan.kernel.events.clock import Clock, EpochS
from banyan.kernel.exchange.directory import document
from banyan.kernel.exchange.directory.document import BadDocument, Certificate, Key, Member, Revoked, Snapshot
from banyan.kernel.exchange.road.model import Freshness, Route
from banyan.limits_road import DIRECTORY_FRESH_S, DIRECTORY_USABLE_S
from banyan.wire.httpsig.peer import Keys
from banyan.wire.xroad.identifiers import ClientId, ServerId, encoded
from banyan.wire.xroad.members import Listed

_HEX: Final = re.compile("[0-9a-f]{64}")
Revocations = Mapping[tuple[str, str], Revoked]


class _Signing(msgspec.Struct, frozen=True):
    member: ClientId
    key: Key


class _Showing(msgspec.Struct, frozen=True):
    server: ServerId
    certificate: Certificate


class Index:
    """One snapshot, ready for look-ups. Immutable once made."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.since: dict[ClientId, int] = {}
        self.named: dict[str, ClientId | ServerId] = {}
        self.known: set[ClientId] = set()
        self.keys: dict[str, _Signing] = {}
        self.certificates: dict[bytes, _Showing] = {}
        self.routes: dict[ClientId, list[Route]] = {}
        self.serving: dict[ServerId, set[ClientId]] = {}
        self.ways: dict[ServerId, Route] = {}
        self.listed: list[Listed] = []
        for member in snapshot.members:
            self._add(member)

    def _add(self, member: Member) -> None:
        owner = document.member_id(self.snapshot.instance, member)
        own = [msgspec.structs.replace(owner, subsystem=one.code) for one in member.subsystems]
        self.since[owner] = member.since
        self.named[encoded(owner)] = owner
        self.known.update((owner, *own))
        name = member.name.zh or member.name.en
        self.listed.append(Listed(owner, name))
        for client, subsystem in zip(own, member.subsystems, strict=True):
            self.listed.append(Listed(client, name, subsystem.name.zh or subsystem.name.en))
        for key in member.keys:
            self.keys[document.key_name(owner, key.public)] = _Signing(owner, key)
        for gateway in member.gateways:
            server = document.server_id(self.snapshot.instance, member, gateway)
            hosted = [ClientId(owner.instance, *msgspec.structs.astuple(one)) for one in gateway.hosted]
            for certificate in gateway.certificates:
                self.certificates[certificate.sha256] = _Showing(server, certificate)
            shown = tuple(one.sha256 for one in gateway.certificates)
            routes = [Route(server, one.host, one.port, shown, gateway.notice) for one in gateway.addresses]
            for client in (*own, *hosted):
                self.routes.setdefault(client, []).extend(routes)
            self.named[encoded(server)] = server
            self.ways[server] = routes[0]
            self.serving[server] = {owner, *(one.owner for one in hosted)}


class _Gone(msgspec.Struct, frozen=True):
    """What revocations end in one snapshot. A gateway goes with its member; its certificates go with it."""

    members: frozenset[ClientId] = frozenset()
    servers: frozenset[ServerId] = frozenset()
    keys: frozenset[str] = frozenset()
    certificates: frozenset[bytes] = frozenset()


_NOTHING: Final = _Gone()


class Standing:
    """`road.model.Directory`. `beat`: when the authority last signed (POSIX seconds)."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._index: Index | None = None
        self._gone = _NOTHING
        self._known: AbstractSet[ClientId] = frozenset()
        self._keys: dict[str, Keys | None] = {}
        self._listed: tuple[Listed, ...] | None = None
        self._servers: tuple[ServerId, ...] | None = None
        self.revoked: Revocations = {}
        self.beat = 0

    @property
    def snapshot(self) -> Snapshot | None:
        """The whole document, for those who render it."""
        return self._index.snapshot if self._index else None

    def swap(self, index: Index | None, revoked: Revocations, beat: int) -> None:
        """Put another snapshot or more revocations in force, in one step for whoever reads meanwhile."""
        if index is not self._index:
            self._keys, self._servers = {}, None
        if index is not self._index or revoked != self.revoked:
            gone = _ended(index, revoked) if index and revoked else _NOTHING
            known: AbstractSet[ClientId] = index.known if index else frozenset()
            if gone.members:
                known = {one for one in known if one.owner not in gone.members}
            self._gone, self._known, self._listed = gone, known, None
        self._index, self.revoked, self.beat = index, revoked, beat

    @property
    def version(self) -> str:
        return str(self._index.snapshot.version) if self._index else "0"

    def freshness(self, now: EpochS) -> Freshness:
        silent = now - self.beat
        if self._index is None or silent > DIRECTORY_USABLE_S:
            return "expired"
        return "fresh" if silent <= DIRECTORY_FRESH_S else "stale"

    def routes(self, subsystem: ClientId) -> Sequence[Route]:
        if self._index is None or subsystem not in self._known:
            return ()
        found = self._index.routes.get(subsystem, ())
        if self._gone.servers or self._gone.certificates:
            return [one for one in map(self._left, found) if one is not None]
        return found

    def is_known(self, client: ClientId) -> bool:
        return client in self._known

    def keys(self, keyid: str) -> Keys | None:
        found = self._index.keys.get(keyid) if self._index else None
        if found is None or not found.key.since <= self._clock() < found.key.until:
            return None
        if keyid in self._gone.keys or found.member in self._gone.members:
            return None
        kept = self._keys.get(keyid)
        if kept is None and keyid not in self._keys:
            kept = self._keys[keyid] = _loaded(keyid, found)
        return kept

    def since(self, keyid: str) -> int | None:
        """Since when the directory has the key; None for one that does not count now."""
        if self._index is None or self.keys(keyid) is None:
            return None
        return self._index.keys[keyid].key.since

    def past_keys(self, keyid: str) -> Keys | None:
        """Those of the snapshot, also when their time is over or they were revoked: they did sign what they signed."""
        found = self._index.keys.get(keyid) if self._index else None
        return _loaded(keyid, found) if found else None

    def signer(self, keyid: str) -> ClientId | None:
        found = self._index.keys.get(keyid) if self._index else None
        return found.member if found else None

    def server_of(self, certificate: bytes) -> ServerId | None:
        found = self._index.certificates.get(certificate) if self._index else None
        if found is None or not found.certificate.since <= self._clock() < found.certificate.until:
            return None
        if certificate in self._gone.certificates or found.server in self._gone.servers:
            return None
        return found.server

    def serves(self, server: ServerId, member: ClientId) -> bool:
        served = self._index.serving.get(server, ()) if self._index else ()
        return member.owner in served and server not in self._gone.servers

    def listed(self) -> Sequence[Listed]:
        found = self._listed
        if found is None:
            everybody: Iterable[Listed] = self._index.listed if self._index else ()
            found = self._listed = tuple(one for one in everybody if one.id in self._known)
        return found

    def servers(self) -> Sequence[ServerId]:
        """Every gateway that stands in the directory, in one order for all."""
        found = self._servers
        if found is None:
            found = self._servers = tuple(sorted(self._index.ways)) if self._index else ()
        return found

    def way(self, server: ServerId) -> Route | None:
        """The best address of a gateway that is not revoked."""
        found = self._index.ways.get(server) if self._index else None
        return self._left(found) if found else None

    def _left(self, route: Route) -> Route | None:
        """The route without certificates that were revoked; None when nothing of it is left."""
        gone = self._gone
        if route.server in gone.servers:
            return None
        if gone.certificates.isdisjoint(route.certificates):
            return route
        left = tuple(one for one in route.certificates if one not in gone.certificates)
        return msgspec.structs.replace(route, certificates=left) if left else None


def _ended(index: Index, revoked: Revocations) -> _Gone:
    """A revocation of a member or gateway from before the member was let in (again) no longer counts."""
    named: dict[str, set[ClientId | ServerId]] = {"member": set(), "gateway": set()}
    texts: dict[str, set[str]] = {"key": set(), "certificate": set()}
    for what in revoked.values():
        if what.kind in texts:
            texts[what.kind].add(what.subject)
        elif (found := index.named.get(what.subject)) is not None:
            owner = ClientId(found.instance, found.member_class, found.member)
            if what.at >= index.since.get(owner, 0):
                named[what.kind].add(found)
    members = frozenset(one for one in named["member"] if isinstance(one, ClientId))
    servers = {one for one in named["gateway"] if isinstance(one, ServerId)}
    if members:
        servers |= {one for one in index.ways if ClientId(one.instance, one.member_class, one.member) in members}
    certificates = frozenset(bytes.fromhex(one) for one in texts["certificate"] if _HEX.fullmatch(one))
    return _Gone(members, frozenset(servers), frozenset(texts["key"]), certificates)


def _loaded(keyid: str, found: _Signing) -> Keys | None:
    """None for a key of a kind that this release does not know: its member's calls are refused, nobody else's."""
    try:
        first = document.load_verifier(keyid, found.key.public)
        if not found.key.second:
            return Keys(first)
        second = document.load_verifier(document.key_name(found.member, found.key.second), found.key.second)
    except BadDocument:
        return None
    return Keys(first, second)
