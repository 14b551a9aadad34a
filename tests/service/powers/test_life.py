"""An order's life through a whole node: what officers, a hospital and time try in any order, against a plain history.

Each step goes through the gate, the ledger and the vault; beside the rules (tests/kernel/policy/test_orders.py) this
holds what the node does with them: entries for every act, keys that end with the order, the page that says so.
"""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.kernel.exchange.test_conscience import WANG
from tests.kernel.policy.test_judging import FLAG, NOW
from tests.make import Client
from tests.service.powers.test_lapse import PERSON, SCOPE, SECRET, deletions, run_timers
from tests.service.powers.world import CDC, COURT, NHI, World, declaration, in_a_node, moment

from banyan.errors import Conflict, Denied, NotFound
from banyan.kernel.exchange import Refused
from banyan.kernel.identity.vault import Destroyed

ACTS = ("approve by CDC", "approve by NHI", "extend by COURT", "extend by NHI", "end by CDC", "end by COURT",
        "use", "review by user", "review by colleague", "collect", "tick", "wait", "restart")  # fmt: skip
WHO = {"CDC": CDC, "NHI": NHI, "COURT": COURT}


class History:
    """What plainly happened."""

    def __init__(self) -> None:
        self.until, self.approved, self.ended, self.third = NOW + 500.0, False, False, False
        self.acts, self.uses, self.reviewed = ["declared"], 0, 0
        self.collected = False

    def in_force(self, now: float) -> bool:
        return self.approved and not self.ended and now < self.until

    def is_over(self, now: float) -> bool:
        return self.ended or now >= self.until


async def step(world: World, act: str, past: History, sealed: list[bytes]) -> None:
    """One act; it stands or is refused exactly as the history says."""
    now = world.now[0]
    verb, _, name = act.partition(" by ")
    if verb in ("approve", "extend", "end"):
        asked: dict[str, Any] = {"id": "o-1"} | ({"until": moment(now + 450)} if verb == "extend" else {})
        longer = now + 450 > past.until and now + 450 <= FLAG.sunset
        lawful = {
            "approve": name == "NHI" and not past.is_over(now) and not past.approved,
            "extend": name == "COURT" and past.in_force(now) and longer,
            "end": (name == "CDC" or past.third) and not past.is_over(now),
        }[verb]
        repeated = {
            "approve": name == "NHI" and past.in_force(now),
            "extend": name == "COURT" and past.third and past.until == now + 450 and not past.is_over(now),
            "end": past.ended and (name == "CDC" or past.third),
        }[verb]
        try:
            await world.call(f"{verb}_order", asked, WHO[name])
        except (Conflict, Denied):
            assert not lawful
            assert not repeated
            return
        assert lawful or repeated
        if lawful and verb == "approve":
            past.approved = True
        if lawful and verb == "extend":
            past.until, past.third = now + 450, True
        if lawful and verb == "end":
            past.ended, past.until = True, now
        past.acts += [{"approve": "approved", "extend": "extended", "end": "ended"}[verb]] if lawful else []
    elif act == "use":
        try:
            await world.use(person=(WANG, "F131104093", "A800000014")[past.uses % 3])
        except Refused:
            assert not past.in_force(now) or past.uses >= 9
        else:
            assert past.in_force(now)
            past.uses += 1
    elif verb == "review":
        waiting = await world.call("open_reviews", {}, world.doctor)
        assert len(waiting) == past.uses - past.reviewed
        if waiting:
            who = world.doctor if name == "user" else world.colleague
            try:
                await world.call("review_use", {"use": waiting[0].use, "is_justified": True}, who)
            except Conflict:
                assert name == "user"
            else:
                assert name == "colleague"
                past.reviewed += 1
    elif act == "collect":
        try:
            kept = await world.node.scopes.seal(SCOPE, PERSON, SECRET)
        except Destroyed:
            assert past.is_over(now)
        else:
            sealed.append(kept)
            past.collected = True
    elif act in ("tick", "wait"):
        world.now[0] += 1 if act == "tick" else 260
        await run_timers(world)


async def holds(world: World, past: History, sealed: list[bytes]) -> None:
    """At every moment: the page, the keys and the log say what happened."""
    now = world.now[0]
    await run_timers(world)
    (one,) = (await Client(world.node.app).get("/api/powers/board")).json["orders"]
    stage = "ended" if past.is_over(now) and past.approved else "never" if past.is_over(now) else (
        "in-force" if past.approved else "declared"
    )  # fmt: skip
    assert one["stage"] == stage
    assert one["remaining_s"] == max(0, int(past.until - now))
    for kept in sealed:
        try:
            assert await world.node.scopes.open(SCOPE, PERSON, kept) == SECRET
        except Destroyed:
            assert past.is_over(now)
        else:
            assert not past.is_over(now)
    entries = await world.entries()
    assert [entry["step"] for entry in entries if entry["kind"] == "order"] == past.acts
    assert len(deletions(entries)) == int(past.is_over(now) and (past.approved or past.collected))
    try:
        await world.call("order", {"id": "o-2"}, CDC)
    except NotFound:
        pass
    else:
        raise AssertionError("an order nobody declared")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(ACTS), min_size=1, max_size=10))
def test_whatever_is_tried_the_node_does_what_the_history_says(acts: list[str]) -> None:
    past, sealed = History(), []

    async def begin(world: World) -> None:
        await world.call("declare_order", declaration(), CDC)
        await holds(world, past, sealed)

    def part(some: list[str]) -> Any:
        async def story(world: World) -> None:
            for act in some:
                await step(world, act, past, sealed)
                await holds(world, past, sealed)

        return story

    parts: list[list[str]] = [[]]
    for act in acts:
        if act == "restart":
            parts.append([])
        else:
            parts[-1].append(act)
    in_a_node(begin, *(part(some) for some in parts))
