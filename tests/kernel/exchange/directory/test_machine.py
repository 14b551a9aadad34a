"""Whatever happens in whatever order (changes, revocations, new keys, partitions, restarts, clocks), nobody goes back,
no honest authority is accused, and when all can meet again all hold the same."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.kernel.exchange.directory.nation import (
    INSTANCE,
    START,
    Clock,
    Network,
    a_directory,
    a_key,
    a_member,
    an_anchor,
    member,
    server,
    signer,
    with_member,
)

from banyan.kernel.exchange.directory import notes
from banyan.kernel.exchange.directory.document import Revoked, key_name
from banyan.kernel.exchange.directory.keeper import Keeper
from banyan.kernel.exchange.directory.keyfiles import public_der
from banyan.kernel.exchange.directory.notes import Revocation
from banyan.wire.tlog import note

CODES = ("CENTRE", "A00", "A01", "A02")
GATEWAYS = st.sampled_from(CODES[1:])


def a_revocation(kind: str, subject: str, at: int) -> bytes:
    text = notes.text_of(INSTANCE, Revocation(Revoked(kind, subject, at)))  # type: ignore[arg-type]
    return note.written(text, (signer().sign(text),))


NOTES = st.builds(
    a_revocation,
    st.sampled_from(["member", "key"]),
    st.sampled_from(["TW/GOV/A00", "TW/GOV/A01", "x"]),
    st.integers(int(START), int(START) + 3),
)


class Nation(RuleBasedStateMachine):
    @initialize()
    def found(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="nation-"))
        self.runner = asyncio.Runner()
        self.clock = Clock()
        self.authority = a_directory(self.folder / "CENTRE", self.clock, CODES)
        self.network = Network()
        self.network.join("CENTRE", self.authority.keeper, centre=None)
        for code in CODES[1:]:
            self._open(code)
        self.seen = dict.fromkeys(CODES, 0)
        self.revoked: set[str] = set()
        self.knows: dict[str, set[str]] = {code: set() for code in CODES}

    def _open(self, code: str) -> None:
        self.network.join(code, Keeper(self.folder / code, an_anchor(), clock=self.clock))

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.meet()
            self.runner.close()
            shutil.rmtree(self.folder)

    @rule(number=st.integers(0, 3), by=st.integers(0, 5_000))
    def change(self, number: int, by: int) -> None:
        self.clock.at += by
        new = a_member(f"M{number}", number=number, since=int(self.clock.at))
        self.authority.change(lambda snapshot: with_member(snapshot, new))

    @rule(code=GATEWAYS)
    def revoke_a_key(self, code: str) -> None:
        name = key_name(member(code), public_der(a_key(code)))
        self.authority.revoke("key", name)
        self.revoked.add(name)

    @rule(code=GATEWAYS)
    def end_own_key(self, code: str) -> None:
        """The member itself does, at its own gateway, wherever that is."""
        key, keeper = a_key(code), self.network.keepers[server(code)]
        entry = notes.end_of_key(INSTANCE, member(code), public_der(key), int(self.clock.at), key.sign)
        if keeper.take_revocations([entry]):
            self.revoked.add(key_name(member(code), public_der(key)))

    @rule()
    def new_keys_of_the_authority(self) -> None:
        serial = self.authority.keeper.held.facts.chain[-1].serial
        if serial < 4:
            self.authority.rotate(signer(serial + 1))

    @rule()
    def beat(self) -> None:
        self.clock.at += 700
        self.authority.beat()

    @rule(islands=st.lists(st.integers(0, 2), min_size=4, max_size=4))
    def part(self, islands: list[int]) -> None:
        self.network.islands = {server(code): island for code, island in zip(CODES, islands, strict=True)}

    @rule(code=GATEWAYS)
    def restart(self, code: str) -> None:
        before = self.network.keepers[server(code)]
        self._open(code)
        assert self.network.keepers[server(code)].held == before.held
        assert self.network.keepers[server(code)].digest == before.digest

    @rule(asker=GATEWAYS, asked=st.sampled_from(CODES))
    def ask(self, asker: str, asked: str) -> None:
        if asker != asked:
            self.runner.run(self._learn(asker, asked))

    async def _learn(self, asker: str, asked: str) -> None:
        heard = await self.network.gossips[server(asker)].learn(server(asked))
        assert not heard.is_forked

    @rule()
    def meet(self) -> None:
        """All can reach all: two rounds suffice."""
        self.network.islands = {}
        self.runner.run(self.network.rounds(2))
        states = {
            (keeper.held.facts.size, keeper.held.at, keeper.digest, keeper.standing.version)
            for keeper in self.network.keepers.values()
        }
        assert len(states) == 1
        for keeper in self.network.keepers.values():
            assert all(keeper.standing.keys(name) is None for name in self.revoked)

    @invariant()
    def nobody_goes_back_and_nobody_is_accused(self) -> None:
        newest = int(self.authority.keeper.standing.version)
        for code in CODES:
            keeper = self.network.keepers[server(code)]
            version = int(keeper.standing.version)
            assert self.seen[code] <= version <= newest
            self.seen[code] = version
            assert keeper.evidence == ()
            gone = {name for name in self.revoked if ("key", name) in keeper.standing.revoked}
            assert self.knows[code] <= gone, "a revocation is never forgotten"
            self.knows[code] = gone


TestNation = Nation.TestCase
TestNation.settings = settings(
    max_examples=8, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)


@settings(max_examples=25, deadline=None)
@given(st.lists(NOTES, max_size=8), st.randoms(use_true_random=False), st.integers(1, 4))
def test_any_order_and_grouping_of_revocations_gives_the_same(some: list[bytes], dice, groups: int) -> None:  # type: ignore[no-untyped-def]
    with tempfile.TemporaryDirectory() as folder:
        first = a_directory(Path(folder) / "a", Clock(), CODES).keeper
        second = a_directory(Path(folder) / "b", Clock(), CODES).keeper
        first.take_revocations(some)
        shuffled = [*some, *some[: len(some) // 2]]
        dice.shuffle(shuffled)
        for at in range(groups):
            second.take_revocations(shuffled[at::groups])
        assert first.digest == second.digest
        assert first.standing.revoked == second.standing.revoked
        assert [first.standing.is_known(member(code)) for code in CODES] == [
            second.standing.is_known(member(code)) for code in CODES
        ]
