"""Using witnesses (c2sp.org/tlog-witness): ask those of a policy to cosign a checkpoint before it is published.

All are asked at once. What a witness does wrong (dead, slow, lying, out of step) costs its cosignature and never the
checkpoint: after `wait_s` seconds it is published with those that came, and `report` says whether the quorum is met.
One that keeps failing rests for a while (`breaker.py`) and costs not even that time.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Collection
from typing import Final, Literal

import msgspec
import urllib3

from banyan.kernel.ledger.breaker import Breaker
from banyan.kernel.ledger.tree import Tree
from banyan.kernel.ledger.witness import SIZE_MEDIA_TYPE
from banyan.limits import (
    WITNESS_ANSWER_BYTES,
    WITNESS_CLOCK_S,
    WITNESS_CONFLICTS,
    WITNESS_CONNECT_S,
    WITNESS_WAIT_S,
)
from banyan.wire.tlog import note
from banyan.wire.tlog.checkpoint import Checkpoint, parse_size, parse_text, signed_at
from banyan.wire.tlog.merkle import consistency_proof
from banyan.wire.tlog.note import BadNote, Note, Signature
from banyan.wire.tlog.policy import Policy, Witness
from banyan.wire.tlog.proof import AddCheckpoint

Result = Literal[
    "cosigned", "unreachable", "late", "busy", "refused", "out-of-step", "ahead", "forked", "lied", "resting"
]
"""`resting`: it failed too often and is not asked for a while. `ahead`: the witness saw more of this log than we hold,
`forked`: it saw another: both are an alarm. `busy`: its last answer is still on its way. `lied`: it answered 200
without a cosignature of this checkpoint by its key."""


class Witnessed(msgspec.Struct, frozen=True):
    """What one witness did; `name` as in the policy, `status` its last HTTP status (0: none)."""

    name: str
    result: Result
    status: int = 0


class Cosigning(msgspec.Struct, frozen=True):
    """What all did for the checkpoint of `size`."""

    size: int
    is_met: bool
    witnesses: tuple[Witnessed, ...]


class Reply(msgspec.Struct, frozen=True):
    """What a witness answered."""

    status: int
    body: bytes
    media_type: str


Post = Callable[[Witness, bytes], Awaitable[Reply | None]]
"""Sends a body to a witness' `add-checkpoint`; None when no whole answer came. It may be cancelled."""


class Cosigner:
    """The `Cosign` of `Ledger.publish` over the witnesses of `policy` that have an address.

    `clock` gives the time against which a cosignature's is checked. `last` is what was reported last. `post` is how
    witnesses are reached, unless by HTTP."""

    def __init__(
        self,
        policy: Policy,
        *,
        clock: Callable[[], float],
        report: Callable[[Cosigning], None] = lambda _: None,
        wait_s: float = WITNESS_WAIT_S,
        post: Post | None = None,
    ) -> None:
        self.policy, self._clock, self._report, self._wait_s = policy, clock, report, wait_s
        self.last: Cosigning | None = None
        self._breaker = Breaker(clock)
        self._asked = [witness for witness in policy.witnesses if witness.url]
        timeout = urllib3.Timeout(connect=min(WITNESS_CONNECT_S, wait_s), read=2 * wait_s)  # `late` comes first
        self._pool = urllib3.PoolManager(num_pools=max(1, len(self._asked)), timeout=timeout, retries=False)
        self._sizes: dict[str, int] = {}
        self._busy: set[str] = set()
        self._send: Post = post or self._post

    @property
    def is_met(self) -> bool:
        """Whether the newest checkpoint it was shown has enough cosignatures."""
        return self.last is not None and self.last.is_met

    async def __call__(self, old: int, signed: bytes, tree: Tree) -> bytes:
        """The note with the cosignatures that came in time, in the policy's order. Who cosigned it is passed over."""
        parsed = note.parse(signed)
        checkpoint = parse_text(parsed.text)
        have = cosigned_by(self.policy, parsed)
        asking = {
            witness.name: asyncio.ensure_future(self._ask(witness, old, signed, (parsed, checkpoint), tree))
            for witness in self._asked
            if witness.name not in have and not self._breaker.rests(witness.name)
        }
        if asking:
            await asyncio.wait(asking.values(), timeout=self._wait_s)
        found: list[Signature] = []
        told: list[Witnessed] = []
        for witness in self._asked:
            witnessed, signature = self._heard(witness.name, asking.get(witness.name), have=have)
            told.append(witnessed)
            found += [signature] if signature else []
        good = {one.name for one in told if one.result == "cosigned"}
        self.last = Cosigning(checkpoint.size, self.policy.is_met(good), tuple(told))
        self._report(self.last)
        return note.written(parsed.text, (*parsed.signatures, *found))

    def _heard(
        self, name: str, task: asyncio.Task[tuple[Witnessed, Signature | None]] | None, *, have: Collection[str]
    ) -> tuple[Witnessed, Signature | None]:
        """What a witness did by now; its failures are counted."""
        if task is None:
            return Witnessed(name, "cosigned" if name in have else "resting"), None
        if not task.done():
            task.cancel()
            heard: tuple[Witnessed, Signature | None] = Witnessed(name, "late"), None
        else:
            heard = task.result()
        (self._breaker.worked if heard[0].result == "cosigned" else self._breaker.failed)(name)
        return heard

    def close(self) -> None:
        self._pool.clear()

    async def _ask(
        self, witness: Witness, old: int, signed: bytes, said: tuple[Note, Checkpoint], tree: Tree
    ) -> tuple[Witnessed, Signature | None]:
        """Ask one witness; a 409 says from which size it wants the proof."""
        parsed, checkpoint = said
        known = min(self._sizes.get(witness.name, old), checkpoint.size)
        for _ in range(1 + WITNESS_CONFLICTS):
            if witness.name in self._busy:
                return Witnessed(witness.name, "busy"), None
            proof = await asyncio.to_thread(consistency_proof, known, checkpoint.size, tree.subtree)
            reply = await self._send(witness, AddCheckpoint(known, tuple(proof), signed).encode())
            if reply is None:
                return Witnessed(witness.name, "unreachable"), None
            if reply.status == 200:
                signature = _cosignature(reply.body, parsed, witness, self._clock())
                if signature is None:
                    return Witnessed(witness.name, "lied", 200), None
                self._sizes[witness.name] = checkpoint.size
                return Witnessed(witness.name, "cosigned", 200), signature
            held = _size_of(reply) if reply.status == 409 else None
            if held is None:
                return Witnessed(witness.name, "forked" if reply.status == 422 else "refused", reply.status), None
            if held > checkpoint.size or held == known:
                return Witnessed(witness.name, "ahead" if held > checkpoint.size else "forked", 409), None
            known = held
        return Witnessed(witness.name, "out-of-step", 409), None

    async def _post(self, witness: Witness, body: bytes) -> Reply | None:
        """POST in a thread of its own: one that never ends holds up neither the loop, nor its pool, nor the exit."""
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[Reply | None] = loop.create_future()
        self._busy.add(witness.name)

        def work() -> None:
            reply = _posted(self._pool, witness.url, body)
            self._busy.discard(witness.name)
            if not loop.is_closed():
                loop.call_soon_threadsafe(lambda: None if answered.done() else answered.set_result(reply))

        threading.Thread(target=work, name=f"witness {witness.name}", daemon=True).start()
        return await answered


def cosigned_by(policy: Policy, parsed: Note) -> frozenset[str]:
    """The witnesses, by their names in the policy, whose line is in a note of ours: each was checked when it came."""
    lines = {(line.name, line.key_id) for line in parsed.signatures}
    verifiers = ((witness.name, witness.verifier) for witness in policy.witnesses)
    return frozenset(name for name, verifier in verifiers if (verifier.name, verifier.key_id) in lines)


def _posted(pool: urllib3.PoolManager, prefix: str, body: bytes) -> Reply | None:
    """None when there is no whole answer within its bounds."""
    url = f"{prefix.rstrip('/')}/add-checkpoint"
    try:
        answer = pool.request(
            "POST", url, body=body, headers={"Content-Type": "text/plain"}, redirect=False, preload_content=False
        )
        try:
            read = answer.read(WITNESS_ANSWER_BYTES + 1)
        finally:
            answer.close()
    except (urllib3.exceptions.HTTPError, OSError, ValueError):
        return None
    if len(read) > WITNESS_ANSWER_BYTES:
        return None
    return Reply(answer.status, read, answer.headers.get("Content-Type", ""))


def _size_of(reply: Reply) -> int | None:
    if reply.media_type.partition(";")[0].strip() != SIZE_MEDIA_TYPE:
        return None
    try:
        return parse_size(reply.body.decode("ascii").removesuffix("\n"))
    except (BadNote, UnicodeDecodeError):
        return None


def _cosignature(body: bytes, parsed: Note, witness: Witness, now: float) -> Signature | None:
    """The witness' own cosignature of this checkpoint among the lines; other keys' are passed over. A wrong one would
    make every reader refuse the whole note, so it is checked here."""
    verifier = witness.verifier
    try:
        lines = [note.parse_line(line) for line in body.decode().splitlines()[: note.SIGNATURES]]
    except (BadNote, UnicodeDecodeError):
        return None
    for line in lines:
        if (line.name, line.key_id) == (verifier.name, verifier.key_id):
            is_fresh = abs(signed_at(line) - now) <= WITNESS_CLOCK_S
            return line if is_fresh and verifier.verify(parsed.text, line.signature) else None
    return None


__all__: Final = ["Cosigner", "Cosigning", "Post", "Reply", "Result", "Witnessed", "cosigned_by"]
