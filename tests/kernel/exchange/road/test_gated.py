"""A gate's calls by the road: what a remote makes of faults, of answers it cannot read, and of silence."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from tests.kernel.exchange.road.by_road import ANSWERS, ASKS, ShortRoad
from tests.kernel.exchange.sample import Item, sample
from tests.make import a_node

from banyan.errors import Denied, NotFound, Problem, Unavailable
from banyan.kernel.exchange.remote import Envelope
from banyan.kernel.exchange.road.gated import (
    ENVELOPE,
    JSON,
    GateProvider,
    GateRemote,
    agency_of,
    member_caller,
    problem_of,
)
from banyan.kernel.exchange.road.model import PURPOSE, Answer
from banyan.kernel.exchange.road.spool import Held
from banyan.kernel.identity.caller import ANONYMOUS, Caller
from banyan.wire.problem import ProblemDocument
from banyan.wire.xroad.codes import Code, Origin
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.headers import Field
from banyan.wire.xroad.identifiers import parse_client
from banyan.wire.xroad.target import Target

ITEM = sample().operations["item"]


class Saying:
    """A carrier whose road answers or fails as told, and keeps what was sent."""

    def __init__(self, told: Answer | Exception) -> None:
        self.told = told
        self.sent: list[tuple[str, Target, Sequence[Field], bytes]] = []

    async def ask(self, verb: str, target: Target, fields: Sequence[Field], body: bytes) -> Answer:
        self.sent.append((verb, target, fields, body))
        if isinstance(self.told, Exception):
            raise self.told
        return self.told


def call(told: Answer | Exception, *, provider: str = "TW/GOV/NIA/border", caller: Caller = ANONYMOUS) -> Saying:
    road = Saying(told)
    remote = GateRemote(road, client=ASKS, provider=parse_client(provider))
    asyncio.run(remote.call(ITEM, Item(id=7), Envelope(caller, "012")))
    return road


def test_between_members_the_request_goes_bare_and_the_member_speaks_for_itself() -> None:
    consenting = msgspec.structs.replace(ANONYMOUS, kind="app", consents=("c-1",))
    told = Answer(200, b"OK", (), Held(b'{"id":7,"name":"item 7"}'))
    verb, target, fields, body = call(told, caller=consenting).sent[0]
    assert (verb, target.raw, body) == ("POST", b"/r1/TW/GOV/NIA/border/sample/item", b'{"id":7}')
    named = dict(fields)
    assert (named[b"x-banyan-consent"], named[b"content-type"]) == (b"c-1", JSON.encode())
    assert PURPOSE not in named, "what is open stands on no purpose"
    _, _, fields, body = call(told, provider="TW/GOV/BANYAN/back").sent[0]
    assert dict(fields)[b"content-type"] == ENVELOPE.encode()
    assert msgspec.json.decode(body)["caller"]["kind"] == "anonymous"


@pytest.mark.parametrize(
    ("code", "kind"),
    [(Code.ACCESS_DENIED, Denied), (Code.UNKNOWN_SERVICE, NotFound), (Code.NETWORK_ERROR, Unavailable)],
)
def test_a_fault_of_the_road_is_an_error_of_the_gate_with_its_words(code: Code, kind: type[Problem]) -> None:
    with pytest.raises(kind, match="What happened") as raised:
        call(Fault(Origin.SERVER_PROXY, code, message="What happened.", fix="Who does what."))
    assert raised.value.remedy == "Who does what."


@pytest.mark.parametrize("status", [200, 404])
def test_an_answer_that_cannot_be_read_is_unavailable(status: int) -> None:
    with pytest.raises(Unavailable, match="cannot be read"):
        call(Answer(status, b"", (), Held(b"<html>")))


def test_a_road_that_says_nothing_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="in time"):
        call(TimeoutError())


def test_statuses_nobody_has_named_keep_their_side() -> None:
    assert isinstance(problem_of(ProblemDocument("/problems/x", "t", 502)), Unavailable)
    assert type(problem_of(ProblemDocument("/problems/x", "t", 418))) is Problem
    assert problem_of(ProblemDocument("/problems/taken", "t", 409, "d", remedy="r")).remedy == "r"


def test_a_member_is_an_app_of_its_agency_and_brings_the_one_consent_it_names() -> None:
    caller = member_caller(parse_client("TW/MED/H1/emergency"), consent="c-9")
    assert (caller.kind, caller.agency, caller.subject, caller.consents) == ("app", "TW/MED/H1", "", ("c-9",))
    assert caller.id == "TW/MED/H1/emergency"
    assert not caller.may_write
    assert agency_of(parse_client("TW/GOV/CDC/a")) == "TW/GOV/CDC"


def test_the_members_own_call_reaches_what_is_not_offered_to_others(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_node(tmp_path, [sample()]) as node:
            road = ShortRoad(GateProvider(node.gate))
            remote = GateRemote(road, client=ASKS, provider=ANSWERS)
            assert await remote.call(ITEM, Item(id=7), Envelope(ANONYMOUS, ""))
            assert road.calls[0].target.service.service == "sample"

    asyncio.run(story())
