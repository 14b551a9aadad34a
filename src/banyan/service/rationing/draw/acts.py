"""A draw from its commitment to its publication: what may come after what. Values in, values out.

    commit    the nonces' hashes, the key's hash, the places, and where the randomness will come from: a round to come
    close     the list's root and count, while nobody can know the randomness yet
    reveal    the randomness and the nonces that were committed to; from them the seed and everybody's rank
    publish   the order, for anybody to run again
    void      from anywhere, in public: a draw that is given up cannot be taken up again

Every act is an entry of the transparency ledger before it is in force. A wrong order is a Refusal with a stable code.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Annotated, Literal

import msgspec

from banyan.craft.draw.beacon import LAST_ROUND, BadBeacon, Beacon, randomness_of, randomness_of_numbers, time_of
from banyan.craft.draw.lots import NONCE_BYTES, seed
from banyan.kernel.events.clock import EpochS
from banyan.kernel.ledger.entries import act_entry
from banyan.limits_rationing import DRAW_CLOSE_BEFORE_S, DRAW_PLACES, DRAW_SOURCE, DRAW_STRATA, DRAW_TITLE

Method = Literal["drand", "numbers"]
State = Literal["committed", "closed", "revealed", "published", "void"]
Code = Literal[
    "taken", "bodies", "shares", "moment", "not_committed", "not_closed", "not_revealed", "already_closed",
    "already_revealed", "void", "too_late", "too_early", "unwitnessed", "empty", "nonce", "beacon", "another_list",
]  # fmt: skip
Id = Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]{1,38}$", description="such as 2026-w48-adult")]
Hash = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$", description="SHA-256, hexadecimal")]
Title = Annotated[str, msgspec.Meta(min_length=1, max_length=DRAW_TITLE)]
Places = Annotated[int, msgspec.Meta(ge=1, le=DRAW_PLACES)]


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who keeps a nonce until the draw: `nonce` is the SHA-256 of its 32 bytes."""

    name: Title
    nonce: Hash


class Share(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`places` set apart for a stratum. Stratum 0 is the public at large."""

    stratum: Annotated[int, msgspec.Meta(ge=0, le=255)]
    places: Annotated[int, msgspec.Meta(ge=0, le=DRAW_PLACES)]


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A draw to be. By `drand`: the quicknet round to come; the node makes the nonce unless `bodies` keep theirs. By
    `numbers`, where drand cannot be had: the public draw (`source`) and its moment, and the nonces of two bodies or
    more that are independent of each other."""

    id: Id
    title_zh: Title
    title_en: Title
    places: Places
    shares: Annotated[tuple[Share, ...], msgspec.Meta(max_length=DRAW_STRATA)] = ()
    method: Method = "drand"
    round: Annotated[int, msgspec.Meta(ge=0, le=LAST_ROUND)] = 0
    source: Annotated[str, msgspec.Meta(max_length=DRAW_SOURCE, pattern="^[^\n]*$")] = ""
    drawn_at: Annotated[int, msgspec.Meta(ge=0, le=2**40, description="epoch seconds")] = 0
    bodies: Annotated[tuple[Body, ...], msgspec.Meta(max_length=8)] = ()

    @property
    def decides_at(self) -> int:
        """From this moment on somebody may know the randomness; epoch seconds."""
        return time_of(self.round) if self.method == "drand" else self.drawn_at

    @property
    def shared(self) -> dict[int, int]:
        return {one.stratum: one.places for one in self.shares}


class Draw(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A draw as it stands. `salt` (32 bytes) and the node's key make its tickets' key, and its own nonce. `commit` and
    `close` are the ledger's entries, with their index."""

    plan: Plan
    state: State
    salt: bytes
    commit: bytes
    commit_index: int = -1
    count: int = 0
    people: int = 0
    root: bytes = b""
    close: bytes = b""
    close_index: int = -1
    randomness: bytes = b""
    signature: str = ""
    numbers: str = ""
    nonces: tuple[bytes, ...] = ()
    seed: bytes = b""
    winners: int = 0
    left: int = 0
    order_root: bytes = b""
    ranks_sha256: str = ""
    why: str = ""
    """Why it is void."""


class Refusal(msgspec.Struct, frozen=True):
    """Why an act may not be; `detail` in English, for who works on the draw."""

    code: Code
    detail: str = ""


class Opened(msgspec.Struct, frozen=True):
    """What is brought to the reveal: a beacon (drand), or the `numbers` drawn; and the bodies' nonces, in order."""

    beacon: Beacon | None = None
    numbers: str = ""
    nonces: tuple[bytes, ...] = ()


def commit(plan: Plan, *, salt: bytes, key: bytes, nonce: bytes, now: EpochS) -> Draw | Refusal:
    """Bind everything that could be chosen. `nonce` is the node's own, of a plan without bodies; `key` the tickets'."""
    is_drand = plan.method == "drand"
    if plan.decides_at < now + DRAW_CLOSE_BEFORE_S or (is_drand and (not plan.round or plan.source)):
        return Refusal("moment", "the randomness must come from a moment to come")
    if not is_drand and (len(plan.bodies) < 2 or not plan.source or plan.round):
        return Refusal("bodies", "numbers drawn in public need their source and two bodies' nonces")
    if len({one.nonce for one in plan.bodies}) < len(plan.bodies) or len({b.name for b in plan.bodies}) < len(
        plan.bodies
    ):
        return Refusal("bodies", "two bodies keep two nonces")
    if sum(one.places for one in plan.shares) > plan.places or len(plan.shared) < len(plan.shares):
        return Refusal("shares", "shares are of different strata, and no more than the places")
    hashes = [one.nonce for one in plan.bodies] or [sha256(nonce).hexdigest()]
    where: dict[str, str | int] = (
        {"round": plan.round} if is_drand else {"source": plan.source, "drawn_at": plan.drawn_at}
    )
    entry = act_entry(
        "draw", step="commit", id=plan.id, method=plan.method, nonces=",".join(hashes), key=sha256(key).hexdigest(),
        places=plan.places, shares=json.dumps({str(one.stratum): one.places for one in plan.shares}), **where,
    )  # fmt: skip
    return Draw(plan=plan, state="committed", salt=salt, commit=entry)


def close(draw: Draw, *, root: bytes, count: int, people: int, now: EpochS) -> Draw | Refusal:
    """Fix the list. The same list again answers what is there."""
    if draw.state == "void":
        return Refusal("void")
    if draw.state != "committed":
        return draw if draw.root == root else Refusal("already_closed", "its list was closed with another root")
    if draw.commit_index < 0:
        return Refusal("not_committed", "the commitment is not in the ledger yet")
    if now + DRAW_CLOSE_BEFORE_S > draw.plan.decides_at:
        return Refusal("too_late", "somebody might know the randomness already: void this draw and commit another")
    if not count:
        return Refusal("empty", "nobody is on the list")
    committed = sha256(draw.commit).hexdigest()
    entry = act_entry(
        "draw", step="close", id=draw.plan.id, count=count, people=people, root=root.hex(), commit=committed
    )
    return msgspec.structs.replace(draw, state="closed", root=root, count=count, people=people, close=entry)


def reveal(draw: Draw, opened: Opened, *, witnessed_at: float | None, now: EpochS) -> Draw | Refusal:
    """Open the seed. `witnessed_at` is when the first checkpoint over the closing entry was signed; None without."""
    if draw.state in ("committed", "void"):
        return Refusal("void") if draw.state == "void" else Refusal("not_closed", "close the list first")
    if now < draw.plan.decides_at:
        return Refusal("too_early", "the randomness that was named does not exist yet")
    if witnessed_at is None or witnessed_at >= draw.plan.decides_at:
        return Refusal("unwitnessed", "no checkpoint held the list before its randomness could be known")
    if any(len(one) != NONCE_BYTES for one in opened.nonces) or _hashes(opened.nonces) != _committed(draw):
        return Refusal("nonce", "these are not the nonces that were committed to")
    try:
        randomness = _randomness(draw.plan, opened)
    except BadBeacon as error:
        return Refusal("beacon", str(error))
    made = seed(draw.root, randomness, b"".join(opened.nonces))
    if draw.state != "closed":
        return draw if draw.seed == made else Refusal("already_revealed", "it was revealed otherwise")
    return msgspec.structs.replace(
        draw,
        state="revealed",
        randomness=randomness,
        signature=opened.beacon.signature if opened.beacon else "",
        numbers=opened.numbers,
        nonces=opened.nonces,
        seed=made,
    )


def publish(draw: Draw) -> Draw | Refusal:
    """Give it to everybody. Again answers what is there."""
    if draw.state == "void":
        return Refusal("void")
    if draw.state not in ("revealed", "published"):
        return Refusal("not_revealed", "reveal it first")
    return msgspec.structs.replace(draw, state="published")


def void(draw: Draw, why: str) -> Draw | Refusal:
    """Give the draw up. What is published stands: people may have acted on it."""
    if draw.state == "published":
        return Refusal("already_revealed", "a published draw stands")
    return msgspec.structs.replace(draw, state="void", why=draw.why or why)


def revealed_entry(draw: Draw) -> bytes:
    """The ledger's entry of a seed that was opened."""
    opened = {"signature": draw.signature} if draw.plan.method == "drand" else {"numbers": draw.numbers}
    nonces = ",".join(one.hex() for one in draw.nonces)
    return act_entry("draw", step="reveal", id=draw.plan.id, seed=draw.seed.hex(), nonces=nonces, **opened)


def published_entry(draw: Draw) -> bytes:
    return act_entry(
        "draw", step="publish", id=draw.plan.id, order=draw.order_root.hex(), ranks=draw.ranks_sha256,
        winners=draw.winners, left=draw.left,
    )  # fmt: skip


def void_entry(draw: Draw) -> bytes:
    """No reason: it is in words, and nothing can be taken out of the ledger."""
    return act_entry("draw", step="void", id=draw.plan.id)


def _randomness(plan: Plan, opened: Opened) -> bytes:
    if plan.method == "numbers":
        return randomness_of_numbers(plan.source, opened.numbers)
    if opened.beacon is None:
        raise BadBeacon(f"bring the beacon of round {plan.round}")
    return randomness_of(opened.beacon, round=plan.round)


def _hashes(nonces: tuple[bytes, ...]) -> list[str]:
    return [sha256(one).hexdigest() for one in nonces]


def _committed(draw: Draw) -> list[str]:
    return str(json.loads(draw.commit)["nonces"]).split(",")
