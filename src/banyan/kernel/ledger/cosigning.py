"""Using witnesses (c2sp.org/tlog-witness): ask those of a policy to cosign a checkpoint before it is published.

All are asked at once. What a witness does wrong (dead, slow, lying, out of step) costs its cosignature and never the
checkpoint: after `wait_s` seconds it is published with those that came, and `report` says whether the quorum is met.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Final, Literal

import msgspec
import urllib3

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

Result = Literal["cosigned", "unreachable", "late", "busy", "refused", "out-of-step", "ahead", "forked", "lied"]
"""`ahead`: the witness saw more of this log than we hold, `forked`: it saw another: both are an alarm. `busy`: its last
answer is still on its way. `lied`: it answered 200 without a cosignature of this checkpoint by its key."""


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


class _Reply(msgspec.Struct, frozen=True):
    status: int
    body: bytes
    media_type: str


class Cosigner:
    """The `Cosign` of `Ledger.publish` over the witnesses of `policy` that have an address.

    `clock` gives the time against which a cosignature's is checked."""

    def __init__(
        self,
        policy: Policy,
        *,
        clock: Callable[[], float],
        report: Callable[[Cosigning], None] = lambda _: None,
        wait_s: float = WITNESS_WAIT_S,
    ) -> None:
        self._policy, self._clock, self._report, self._wait_s = policy, clock, report, wait_s
        self._asked = [witness for witness in policy.witnesses if witness.url]
        timeout = urllib3.Timeout(connect=min(WITNESS_CONNECT_S, wait_s), read=wait_s)
        self._pool = urllib3.PoolManager(num_pools=max(1, len(self._asked)), timeout=timeout, retries=False)
        self._sizes: dict[str, int] = {}
        self._busy: set[str] = set()

    async def __call__(self, old: int, signed: bytes, tree: Tree) -> bytes:
        """The note with the cosignatures that came in time, in the policy's order."""
        parsed = note.parse(signed)
        checkpoint = parse_text(parsed.text)
        asking = {
            witness.name: asyncio.ensure_future(self._ask(witness, old, signed, (parsed, checkpoint), tree))
            for witness in self._asked
        }
        if asking:
            await asyncio.wait(asking.values(), timeout=self._wait_s)
        found: list[Signature] = []
        told: list[Witnessed] = []
        for name, task in asking.items():
            if not task.done():
                task.cancel()
                told.append(Witnessed(name, "late"))
                continue
            witnessed, signature = task.result()
            told.append(witnessed)
            found += [signature] if signature else []
        good = {one.name for one in told if one.result == "cosigned"}
        self._report(Cosigning(checkpoint.size, self._policy.is_met(good), tuple(told)))
        return note.written(parsed.text, (*parsed.signatures, *found))

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
            reply = await self._post(witness, AddCheckpoint(known, tuple(proof), signed).encode())
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

    async def _post(self, witness: Witness, body: bytes) -> _Reply | None:
        """POST in a thread of its own: one that never ends holds up neither the loop, nor its pool, nor the exit."""
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[_Reply | None] = loop.create_future()
        self._busy.add(witness.name)

        def work() -> None:
            reply = _posted(self._pool, witness.url, body)
            self._busy.discard(witness.name)
            if not loop.is_closed():
                loop.call_soon_threadsafe(lambda: None if answered.done() else answered.set_result(reply))

        threading.Thread(target=work, name=f"witness {witness.name}", daemon=True).start()
        return await answered


def _posted(pool: urllib3.PoolManager, prefix: str, body: bytes) -> _Reply | None:
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
    return _Reply(answer.status, read, answer.headers.get("Content-Type", ""))


def _size_of(reply: _Reply) -> int | None:
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


__all__: Final = ["Cosigner", "Cosigning", "Result", "Witnessed"]
