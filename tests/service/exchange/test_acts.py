"""Acts on grants from several gateways: the same set of them is the same state, and an end is never lost."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.thorough import examples

from banyan.kernel.events.clock import EpochS
from banyan.kernel.policy.orders import Officer
from banyan.service.exchange import acts, rules
from banyan.service.exchange.acts import Act, BadAct
from banyan.service.exchange.rules import Allowed, Grant

NIA = "TW/GOV/NIA"
GATEWAYS = (f"{NIA}/gw1", f"{NIA}/gw2", f"{NIA}/gw3")
LIN, WU = Officer("lin", NIA, 2), Officer("wu", NIA, 2)


def grant(id: str = "0" * 16, **changes: Any) -> Grant:
    made = Grant(
        id=id,
        client="TW/MED/H1/emergency",
        service="TW/GOV/NIA/border/travel-flag",
        endpoints=(Allowed(),),
        purposes={"012": "CDC-31-travel@1"},
        priority="normal",
        per_minute=0,
        until=EpochS(1_000.0),
        keep_bodies_days=0,
        proposed_by=LIN,
        proposed_at=EpochS(1.0),
        gateway=GATEWAYS[0],
    )
    return msgspec.structs.replace(made, **changes)


def approved(one: Grant, at: float, *seen: str) -> Grant:
    return msgspec.structs.replace(one, approved_by=WU, approved_at=EpochS(at), seen=seen)


def ended(one: Grant, at: float) -> Grant:
    return msgspec.structs.replace(one, ended_by=WU, ended_at=EpochS(at))


def standing(*grants: Grant) -> set[str]:
    """The ids in force when all is heard."""
    found = acts.folded(Act(one, GATEWAYS[0]) for one in grants)
    return {id for id, one in found.items() if one.state(EpochS(500.0)) == "in-force"}


A, B, C = "a" * 16, "b" * 16, "c" * 16


def test_an_end_holds_whatever_an_approval_says_of_its_time() -> None:
    one = grant(A)
    assert standing(one, approved(one, 5)) == {A}
    assert standing(one, ended(one, 2), approved(one, 5)) == set()
    assert standing(approved(one, 5)) == {A}, "an act says all that it stands on"
    assert standing(ended(approved(one, 5), 9)) == set()


def test_the_one_approved_last_stands_and_its_end_brings_no_other_back() -> None:
    first, second = approved(grant(A), 5), approved(grant(B, per_minute=5), 6)
    assert standing(first, second) == {B}
    assert standing(first, second, ended(second, 7)) == set()
    assert standing(first, second, ended(second, 7), approved(grant(C), 8, B)) == {C}


def test_an_end_at_one_gateway_ends_what_another_approved_without_knowing_it() -> None:
    first = approved(grant(A), 5)
    stop = ended(first, 7)
    assert standing(first, stop, approved(grant(B), 9)) == set(), "later by the clock, but it had not heard"
    assert standing(first, stop, approved(grant(B), 9, A)) == {B}
    assert standing(grant(A), ended(grant(A), 7), approved(grant(B), 9)) == {B}, "taking a proposal back stops nobody"
    short = approved(grant(A, until=EpochS(8.0)), 5)
    assert standing(ended(short, 7), approved(grant(B), 9)) == {B}, "what was over by then stops nobody"


def test_grants_from_before_gateways_told_each_other_go_by_the_clock() -> None:
    old = ended(approved(grant(A, gateway=""), 5), 7)
    assert standing(old, approved(grant(B, gateway=""), 9)) == {B}
    assert standing(old, approved(grant(B, gateway=""), 6)) == set()


def test_two_proposals_under_one_id_are_ended() -> None:
    assert standing(approved(grant(A), 5), approved(grant(A, per_minute=9), 6)) == set()


def test_an_approval_knows_what_was_withdrawn_and_comes_after_it_by_any_clock() -> None:
    first, second = approved(grant(A), 5), approved(grant(B), 6)
    known = [Act(one, GATEWAYS[0]) for one in (first, second, ended(second, 7))]
    assert acts.withdrawn(known, EpochS(8.0)) == (B,), "A gave way to B; nobody withdrew it"
    assert acts.withdrawn(known, EpochS(1_000.0)) == ()
    at = acts.approved_at(EpochS(2.0), [first, second])
    assert at > second.approved_at, "this gateway's clock is behind"
    assert acts.approved_at(EpochS(20.0), [first]) == 20.0


def test_an_act_is_read_as_it_was_written() -> None:
    one = Act(approved(grant(A), 5, B), GATEWAYS[1])
    assert acts.read(acts.encoded(one), NIA) == one
    assert [Act(x, "").step for x in (grant(), approved(grant(), 5), ended(grant(), 5))] == [
        "proposed",
        "approved",
        "ended",
    ]


OTHER = Officer("x", "TW/GOV/CDC", 2)


@pytest.mark.parametrize(
    "changes",
    [
        {"service": "TW/GOV/CDC/epidemic/rule"},
        {"client": "TW/MED/H1"},
        {"client": "no client"},
        {"proposed_by": OTHER},
        {"approved_by": OTHER, "approved_at": 5.0},
        {"approved_by": LIN, "approved_at": 5.0},
        {"approved_by": WU},
        {"approved_at": 5.0},
        {"ended_at": 5.0},
        {"ended_by": OTHER, "ended_at": 5.0},
        {"until": 1.0},
        {"until": 1.0 + rules.LONGEST_S + 1},
        {"proposed_at": -1.0},
        {"approved_by": WU, "approved_at": 1e300},
        {"id": "A" * 16},
        {"id": "../../../../../."},
        {"endpoints": (Allowed("STEAL", "**"),)},
        {"endpoints": (Allowed(),) * 51},
        {"purposes": {str(n): "x" for n in range(51)}},
        {"priority": "vip"},
        {"seen": ("x" * 32_768,)},
    ],
)
def test_what_officers_cannot_have_done_is_no_act(changes: dict[str, Any]) -> None:
    with pytest.raises(BadAct):
        acts.read(acts.encoded(Act(grant(**{"id": A, **changes}), GATEWAYS[0])), NIA)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"gateway":"x","grant":null}'])
def test_what_is_no_act_is_told_so(content: bytes) -> None:
    with pytest.raises(BadAct):
        acts.read(content, NIA)


ids = st.sampled_from([A, B, C])
moments = st.integers(2, 8).map(lambda n: EpochS(float(n)))


@st.composite
def some_act(draw: st.DrawFn) -> Act:
    """Few ids and moments, so that acts meet; also what no gateway of ours would say."""
    one = grant(
        draw(ids), per_minute=draw(st.sampled_from([0, 0, 0, 5])), until=EpochS(float(draw(st.integers(4, 20))))
    )
    one = msgspec.structs.replace(one, gateway=draw(st.sampled_from(["", GATEWAYS[0]])))
    if draw(st.booleans()):
        one = approved(one, draw(moments), *draw(st.sets(ids)))
    if draw(st.booleans()):
        one = ended(one, draw(moments))
    return Act(one, draw(st.sampled_from(GATEWAYS)))


def by_the_words(of: list[Act]) -> set[str]:
    """The oracle: which ids stand (their time aside), by the rules as docs/decisions/0141 says them, one by one."""
    grants = [one.grant for one in of]
    stand = set()
    for id in {one.id for one in grants}:
        mine = [one for one in grants if one.id == id]
        approvals = [(one.approved_at, one.approved_by, one.seen) for one in mine if one.approved_by]
        if not approvals or any(one.ended_by for one in mine):
            continue
        if len({(one.per_minute, one.until, one.gateway) for one in mine}) > 1:
            continue
        at, _, seen = min(approvals, key=lambda one: (one[0], one[2]))
        is_over = False
        for other in {one.id for one in grants} - {id}:
            theirs = [one for one in grants if one.id == other]
            moments = [one.approved_at for one in theirs if one.approved_by]
            if moments and (min(moments), other) > (at, id):
                is_over = True
            ends = [one.ended_at for one in theirs if one.ended_by]
            first = min(theirs, key=lambda one: acts.encoded(Act(acts.bare(one), "")))
            if len({(one.per_minute, one.until, one.gateway) for one in theirs}) > 1:
                ends.append(first.proposed_at)
            if moments and ends and first.until > at and other not in seen:
                is_over |= bool(mine[0].gateway) or min(ends) > at
        if not is_over:
            stand.add(id)
    return stand


@settings(max_examples=examples(300, 5_000))
@given(st.lists(some_act(), max_size=9), st.randoms(use_true_random=False))
def test_the_same_acts_in_any_order_and_number_are_the_same_state(of: list[Act], dice: Any) -> None:
    once = acts.folded(of)
    shuffled = [*of, *dice.choices(of, k=3)] if of else []
    dice.shuffle(shuffled)
    assert acts.folded(shuffled) == once
    assert {id for id, one in once.items() if one.approved_at and not one.ended_at} == by_the_words(of)


@settings(max_examples=examples(300, 5_000))
@given(st.lists(some_act(), max_size=8), some_act())
def test_an_act_more_never_takes_an_end_back(of: list[Act], one: Act) -> None:
    before, after = acts.folded(of), acts.folded([*of, one])
    for id, was in before.items():
        if was.ended_by is not None and any(x.grant.id == id and x.grant.ended_by for x in of):
            assert after[id].ended_by is not None


Step = tuple[str, int, int]
steps = st.lists(
    st.tuples(st.sampled_from(["propose", "approve", "end", "meet"]), st.integers(0, 2), st.integers(0, 5)), max_size=40
)


@settings(max_examples=examples(200, 3_000))
@given(steps)
def test_gateways_that_act_apart_agree_when_they_meet_and_no_withdrawal_is_lost(told: list[Step]) -> None:
    """As officers work: by the rules, on what their gateway knows."""
    held: list[dict[bytes, Act]] = [{}, {}, {}]
    ends: list[tuple[str, frozenset[str]]] = []
    now = 10.0

    def act(at: int, one: Grant) -> None:
        new = Act(one, GATEWAYS[at])
        held[at][acts.encoded(new)] = new

    for verb, at, pick in told:
        now += 1
        known = acts.folded(held[at].values())
        mine = sorted(known.values(), key=lambda one: one.id)
        chosen = mine[pick % len(mine)] if mine else None
        if verb == "meet":
            both = held[at] | held[pick % 3]
            held[at], held[pick % 3] = dict(both), dict(both)
        elif verb == "propose":
            made = grant("", proposed_at=EpochS(now), gateway=GATEWAYS[at])
            act(at, msgspec.structs.replace(made, id=acts.id_of(made)))
        elif chosen is None:
            continue
        elif verb == "approve" and chosen.gateway == GATEWAYS[at]:
            after = rules.approve(chosen, WU, EpochS(now))
            if isinstance(after, Grant) and after != chosen:
                seen = acts.withdrawn(held[at].values(), EpochS(now))
                act(at, msgspec.structs.replace(after, approved_at=acts.approved_at(EpochS(now), mine), seen=seen))
                assert acts.folded(held[at].values())[chosen.id].state(EpochS(now)) == "in-force"
        elif verb == "end":
            after = rules.end(chosen, LIN, EpochS(now))
            if isinstance(after, Grant) and after != chosen:
                act(at, after)
                if chosen.approved_at:
                    ends.append(
                        (chosen.id, frozenset(one.grant.id for one in held[at].values() if one.grant.approved_at))
                    )
    everything = {**held[0], **held[1], **held[2]}
    whole = acts.folded(everything.values())
    for _ in range(2):
        for a, b in ((0, 1), (1, 2), (0, 2)):
            both = held[a] | held[b]
            held[a], held[b] = dict(both), dict(both)
    assert [acts.folded(one.values()) for one in held] == [whole] * 3
    stand = [one for one in whole.values() if one.state(EpochS(now)) == "in-force"]
    assert len(stand) <= 1, "two grants between the same two never stand beside one another"
    for id, _ in ends:
        assert all(id in one.seen for one in stand), "who stands was approved by officers who knew of each end"
