"""The other gateways as witnesses, and this one as theirs.

A gateway's keys are learned from itself over TLS, where the directory vouches for the certificate that it shows, and
kept: from then on it is known by them, and other keys under the same name are an alarm, not news. Those asked to
witness are the same few for one log (rendezvous hashing), so that a nation of gateways asks linearly, not squared.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from banyan.errors import Problem
from banyan.kernel.events.clock import Clock, EpochS
from banyan.kernel.exchange.messages.index import SQL
from banyan.kernel.exchange.messages.keysheet import SHEET_BYTES, KeySheet, parse_sheet
from banyan.kernel.exchange.messages.opening import origin_of
from banyan.kernel.exchange.road.model import Body, Route
from banyan.kernel.exchange.road.peer import Peer
from banyan.kernel.ledger.cosigning import Cosigner, Cosigning, Reply
from banyan.kernel.ledger.keys import LedgerKeys
from banyan.kernel.ledger.tree import Tree
from banyan.kernel.ledger.witness import Answer, add_checkpoint
from banyan.kernel.storage.durable import make_folders, write_file
from banyan.kernel.storage.store import Store
from banyan.limits import WITNESS_ANSWER_BYTES
from banyan.limits_road import MESSAGES_WITNESS_WAIT_S, MESSAGES_WITNESSES
from banyan.wire.tlog import note
from banyan.wire.tlog.note import BadNote
from banyan.wire.tlog.policy import Policy, parse_policy
from banyan.wire.tlog.proof import parse_add_checkpoint
from banyan.wire.xroad.identifiers import ServerId

KEYS_PATH = "/log/keys"
ADD_PATH = "/log/add-checkpoint"
WITNESSED = "witness"
"""The folder of cosigned checkpoints, by the SHA-256 of their origins."""
_HASH = re.compile(r"[0-9a-f]{64}")


class Ask(Protocol):
    """Asks another gateway over TLS, knowing it by the directory's certificate."""

    async def __call__(self, server: ServerId, verb: str, target: str, body: bytes, most: int) -> Reply | None:
        """None: no whole answer of at most `most` bytes came."""


def over_peer(peer: Peer, routes: Callable[[], Mapping[ServerId, Route]], clock: Clock, wait_s: float) -> Ask:
    """`Ask` by the road's own pinned TLS, to the routes of the directory in force."""

    async def ask(server: ServerId, verb: str, target: str, body: bytes, most: int) -> Reply | None:
        route = routes().get(server)
        if route is None:
            return None
        try:
            until = EpochS(clock() + wait_s)
            said = await peer.ask(route, verb, target.encode("ascii"), until=until, body=body, most=most)
        except Problem:
            return None
        whole = said.body if isinstance(said.body, bytes) else _read(said.body, most)
        kind = next((value for name, value in said.fields if name.lower() == b"content-type"), b"")
        return Reply(said.status, whole, kind.decode("latin-1"))

    return ask


def _read(body: Body, most: int) -> bytes:
    try:
        return body.whole(most)
    finally:
        body.close()


class Neighbours:
    """`servers` are the other gateways of the directory in force, `own` is this one. `folder`: where checkpoints that
    were cosigned here stand, `witness/` beside the log's own."""

    def __init__(
        self,
        own: ServerId,
        keys: LedgerKeys,
        store: Store,
        folder: Path,
        *,
        servers: Callable[[], Sequence[ServerId]],
        ask: Ask,
        clock: Clock,
        report: Callable[[Cosigning], None] = lambda _: None,
        wait_s: float = MESSAGES_WITNESS_WAIT_S,
    ) -> None:
        self._own, self._keys, self._store, self._folder = own, keys, store, folder
        self._servers, self._ask, self._clock, self._report, self._wait_s = servers, ask, clock, report, wait_s
        self._sheets: dict[ServerId, KeySheet] = {}
        self._strange: set[ServerId] = set()
        self._chosen: tuple[ServerId, ...] = ()
        self._cosigner: Cosigner | None = None

    @property
    def strange(self) -> frozenset[ServerId]:
        """Gateways that came with other keys than those known: an operator must find out why."""
        return frozenset(self._strange)

    @property
    def is_met(self) -> bool:
        """Whether the newest checkpoint has cosignatures enough, or there is nobody to ask."""
        return self._cosigner is None or self._cosigner.is_met

    @property
    def last(self) -> Cosigning | None:
        return self._cosigner.last if self._cosigner is not None else None

    async def __call__(self, old: int, signed: bytes, tree: Tree) -> bytes:
        """The `Cosign` of a checkpoint over the witnesses of the day."""
        cosigner = await self._current()
        return signed if cosigner is None else await cosigner(old, signed, tree)

    async def add_checkpoint(self, server: ServerId, body: bytes) -> Answer:
        """`POST /log/add-checkpoint` of `server`, known by its certificate: its own log is cosigned, no other."""
        sheet = await self.sheet(server)
        if sheet is None:
            return Answer(403, "the keys of your log could not be read from your gateway\n")
        now = int(self._clock())
        answer = await add_checkpoint(self._store, self._keys, {sheet.origin: sheet.verifiers}, body, now)
        if answer.status == 200:
            await self._keep(body, answer, now)
        return answer

    async def cosigned(self, origin_hash: str) -> bytes | None:
        """The checkpoint of another log as we cosigned it last, by the SHA-256 of its origin (c2sp.org/tlog-witness,
        monitoring): what an auditor compares with what that log shows."""
        if _HASH.fullmatch(origin_hash) is None:
            return None
        path = self._folder / origin_hash / "checkpoint"
        return await asyncio.to_thread(lambda: path.read_bytes() if path.is_file() else None)

    async def sheet(self, server: ServerId) -> KeySheet | None:
        """A gateway's keys: as kept, else asked for and kept; None when it does not say them."""
        known = self._sheets.get(server)
        if known is not None:
            return known
        name = "/".join(server.parts)
        row = await self._store.read(lambda tx: tx.row(SQL["known_keys"], server=name))
        if row is not None and isinstance(row[0], bytes):
            self._sheets[server] = parse_sheet(row[0])
            return self._sheets[server]
        found = await self._said(server)
        if found is not None:
            await self._store.write(lambda tx: tx.run(SQL["know_keys"], server=name, sheet=found.encode()))
            self._sheets[server] = found
        return found

    async def check_keys(self, server: ServerId) -> bool:
        """Whether a gateway still says the keys that it is known by; False is remembered in `strange`."""
        known, said = await self.sheet(server), await self._said(server)
        is_same = said is None or said == known
        (self._strange.discard if is_same else self._strange.add)(server)
        return is_same

    async def _said(self, server: ServerId) -> KeySheet | None:
        reply = await self._ask(server, "GET", KEYS_PATH, b"", SHEET_BYTES)
        if reply is None or reply.status != 200:
            return None
        try:
            sheet = parse_sheet(reply.body)
        except BadNote:
            return None
        return sheet if sheet.origin == origin_of(server.parts) else None

    async def _current(self) -> Cosigner | None:
        """The cosigner over those chosen today whose keys are known."""
        chosen = self._choose()
        known = await asyncio.gather(*(self.sheet(server) for server in chosen))
        asked = tuple(server for server, sheet in zip(chosen, known, strict=True) if sheet is not None)
        if not asked:
            self._cosigner, self._chosen = None, ()
        elif asked != self._chosen or self._cosigner is None:
            servers = {f"w{place}": server for place, server in enumerate(asked)}
            self._cosigner = Cosigner(
                self._policy([sheet for sheet in known if sheet is not None]),
                clock=self._clock,
                report=self._report,
                wait_s=self._wait_s,
                post=lambda witness, body: self._ask(
                    servers[witness.name], "POST", ADD_PATH, body, WITNESS_ANSWER_BYTES
                ),
            )
            self._chosen = asked
        return self._cosigner

    def _choose(self) -> list[ServerId]:
        """The same for one log as long as they are there, others for others: rendezvous hashing (Thaler, Ravishankar
        1998). Gateways of the same member witness nothing: they share an interest."""
        others = {one for one in self._servers() if one.parts[:3] != self._own.parts[:3]}
        name = self._keys.origin
        return sorted(others, key=lambda one: sha256(f"{name}\n{'/'.join(one.parts)}".encode()).digest())[
            :MESSAGES_WITNESSES
        ]

    def _policy(self, sheets: Sequence[KeySheet]) -> Policy:
        """More than half of them must have seen the log grow."""
        lines = [f"witness w{place} {sheet.witness} road:" for place, sheet in enumerate(sheets)]
        names = " ".join(f"w{place}" for place in range(len(sheets)))
        return parse_policy("\n".join((*lines, f"group enough {len(sheets) // 2 + 1} {names}", "quorum enough")))

    async def _keep(self, body: bytes, answer: Answer, now: int) -> None:
        """Beside what `add_checkpoint` remembers, the note itself with our line, for auditors."""
        parsed, checkpoint = parse_add_checkpoint(body).opened()
        ours = note.parse_line(answer.body.removesuffix("\n"))
        kept = note.written(parsed.text, (*parsed.signatures, ours))

        path = self._folder / sha256(checkpoint.origin.encode()).hexdigest() / "checkpoint"
        await asyncio.to_thread(make_folders, path.parent)
        await asyncio.to_thread(write_file, path, kept)
