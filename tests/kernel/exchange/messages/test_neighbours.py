"""Gateways witness each other's logs: who is asked, who is believed, and what an auditor finds at a witness."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from tests.kernel.exchange.messages.house import HOSPITAL, Clock, Held, counted, exchanged, keep_all

from banyan.errors import NotFound
from banyan.kernel.exchange.messages.keysheet import parse_sheet, sheet_of
from banyan.kernel.exchange.messages.neighbours import WITNESSED, Neighbours
from banyan.kernel.exchange.messages.opening import Opened, open_messages, origin_of
from banyan.kernel.exchange.messages.pages import LogPages
from banyan.kernel.exchange.messages.rounds import keep_publishing, one_round
from banyan.kernel.exchange.road.model import Request
from banyan.kernel.exchange.road.pages import Pages
from banyan.kernel.ledger.cosigning import Reply
from banyan.kernel.ledger.receipts import prove
from banyan.limits_road import MESSAGES_WITNESSES
from banyan.wire.tlog import note
from banyan.wire.tlog.checkpoint import parse_text, verifier_of
from banyan.wire.tlog.note import BadNote
from banyan.wire.tlog.proof import AddCheckpoint
from banyan.wire.xroad.identifiers import ServerId


class Nation:
    """Gateways of several members; `ask` goes through each one's pages as the peers' listener would."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.opened: dict[ServerId, Opened] = {}
        self.neighbours: dict[ServerId, Neighbours] = {}
        self.pages: dict[ServerId, Pages] = {}
        self.asked: list[tuple[ServerId, ServerId, str]] = []
        self.away: set[ServerId] = set()

    async def get(self, asker: ServerId | None, server: ServerId, verb: str, target: str, body: bytes = b"") -> Reply:
        placed = self.pages[server].find("peer", target.encode())
        assert placed is not None, target
        response = await placed.page(Request(verb, target.encode(), (), Held(body), server=asker))
        assert isinstance(response.body, bytes)
        kind = dict(response.fields).get(b"Content-Type", b"").decode()
        return Reply(response.status, response.body, kind)


@asynccontextmanager
async def a_nation(folder: Path, *members: str) -> AsyncIterator[Nation]:
    nation = Nation()
    async with AsyncExitStack() as stack:
        for number, member in enumerate(members):
            code, _, name = member.partition("/")
            server = ServerId("TW", "GOV", code, name or "gw1")
            place = folder / member.replace("/", "-")
            opened = await stack.enter_async_context(
                open_messages(
                    place,
                    origin=origin_of(server.parts),
                    members=[msgspec.structs.replace(HOSPITAL, member=code)],
                    clock=nation.clock,
                    random=counted(number * 1_000),
                )
            )
            nation.opened[server] = opened
            nation.neighbours[server] = among(nation, server, opened, place / "log" / WITNESSED)
            nation.pages[server] = Pages()
            LogPages(opened.messages, opened.keys, nation.neighbours[server]).place(nation.pages[server])
        yield nation


def among(nation: Nation, own: ServerId, opened: Opened, folder: Path) -> Neighbours:
    async def ask(server: ServerId, verb: str, target: str, body: bytes, most: int) -> Reply | None:
        nation.asked.append((own, server, target))
        if server in nation.away:
            return None
        reply = await nation.get(own, server, verb, target, body)
        return reply if len(reply.body) <= most else None

    return Neighbours(
        own, opened.keys, opened.store, folder, servers=lambda: list(nation.opened), ask=ask, clock=nation.clock
    )


def test_gateways_cosign_each_others_logs_as_they_grow(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_nation(tmp_path, "NHI", "NIA", "CDC") as nation:
            own, *others = nation.opened
            opened, neighbours = nation.opened[own], nation.neighbours[own]
            for round_ in range(3):
                await keep_all(opened, range(round_ * 10, round_ * 10 + 10))
                await opened.messages.publish(neighbours)
                assert neighbours.last is not None
                assert [one.result for one in neighbours.last.witnesses] == ["cosigned", "cosigned"]
                assert neighbours.is_met
            found = await opened.messages.prove(exchanged(5).xid, "client")
            assert found is not None
            witnesses = [verifier_of(nation.opened[one].keys.witness_vkey) for one in others]
            logs = [verifier_of(one) for one in opened.keys.vkeys]
            assert prove(found.receipt, logs=logs, witnesses=witnesses, quorum=2).record["message_id"] == "TW-5"
            name = sha256(opened.keys.origin.encode()).hexdigest()
            for other in others:
                kept = await nation.get(own, other, "GET", f"/log/witness/{name}/checkpoint")
                parsed = note.parse(kept.body)
                note.verified(parsed, [*logs, verifier_of(nation.opened[other].keys.witness_vkey)])
                assert parse_text(parsed.text).size == 31
            learned = [one for one in nation.asked if one[2] == "/log/keys"]
            assert len(learned) == len(set(learned)) == 4, "keys are asked for once, by each of the other"

    asyncio.run(story())


def test_one_that_is_away_costs_its_cosignature_and_comes_back(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_nation(tmp_path, "NHI", "NIA", "CDC", "MOI") as nation:
            own, other, *_ = nation.opened
            opened, neighbours = nation.opened[own], nation.neighbours[own]
            await opened.messages.publish(neighbours)
            nation.away.add(other)
            await opened.messages.keep(exchanged(1))
            await opened.messages.publish(neighbours)
            assert neighbours.last is not None
            assert sorted(one.result for one in neighbours.last.witnesses) == ["cosigned", "cosigned", "unreachable"]
            assert neighbours.is_met
            nation.away.clear()
            assert await opened.messages.cosign_again(neighbours)
            assert [one.result for one in neighbours.last.witnesses] == ["cosigned"] * 3
            assert not await opened.messages.cosign_again(neighbours)

    asyncio.run(story())


def test_gateways_of_ones_own_member_are_not_asked_and_few_of_many_are(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_nation(tmp_path, "NHI", "NHI/gw2", *(f"A{number}" for number in range(8))) as nation:
            own = next(iter(nation.opened))
            opened, neighbours = nation.opened[own], nation.neighbours[own]
            await opened.messages.publish(neighbours)
            asked = {server for asker, server, target in nation.asked if asker == own and target.endswith("checkpoint")}
            assert len(asked) == MESSAGES_WITNESSES
            assert all(server.member != "NHI" for server in asked)

    asyncio.run(story())


def test_a_gateway_gets_only_its_own_log_cosigned(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_nation(tmp_path, "NHI", "NIA", "CDC") as nation:
            own, other, witness = nation.opened
            await nation.opened[own].messages.publish()
            body = AddCheckpoint(0, (), nation.opened[own].messages.published.signed).encode()
            theirs = await nation.get(other, witness, "POST", "/log/add-checkpoint", body)
            assert theirs.status == 404
            nobody = await nation.get(None, witness, "POST", "/log/add-checkpoint", body)
            assert nobody.status == 403
            assert (await nation.get(own, witness, "POST", "/log/add-checkpoint", body)).status == 200
            again = await nation.get(own, witness, "POST", "/log/add-checkpoint", body)
            assert (again.status, again.body, again.media_type) == (
                409,
                b"2\n" if False else b"1\n",
                "text/x.tlog.size",
            )
            nation.away.add(own)
            nation.neighbours[witness]._sheets.clear()
            assert await nation.neighbours[witness].sheet(own) is not None, "known from before, also after a start"

    asyncio.run(story())


def test_other_keys_under_a_known_name_are_an_alarm(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_nation(tmp_path, "NHI", "NIA") as nation:
            own, other = nation.opened
            neighbours = nation.neighbours[own]
            assert await neighbours.check_keys(other)
            known = await neighbours.sheet(other)
            replaced = nation.opened[other].keys
            forged = Pages()
            keys = type(replaced)(replaced.origin, ed25519=bytes(32), ml_dsa_44=bytes(32), witness=bytes(32))
            LogPages(nation.opened[other].messages, keys, nation.neighbours[other]).place(forged)
            nation.pages[other] = forged
            assert not await neighbours.check_keys(other)
            assert neighbours.strange == {other}
            assert await neighbours.sheet(other) == known

    asyncio.run(story())


def test_the_pages_serve_what_an_auditor_reads(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_nation(tmp_path, "NHI", "NIA") as nation:
            own, other = nation.opened
            with pytest.raises(NotFound):
                await nation.get(other, own, "GET", "/log/checkpoint")
            await keep_all(nation.opened[own], range(300))
            await nation.opened[own].messages.publish()
            folder = tmp_path / "NHI" / "log"
            assert (await nation.get(other, own, "GET", "/log/checkpoint")).body == (folder / "checkpoint").read_bytes()
            for tile in (
                "tile/0/000",
                "tile/0/001.p/45",
                "tile/entries/000",
                "tile/entries/001.p/45",
                "tile/1/000.p/1",
            ):
                assert (await nation.get(other, own, "GET", f"/log/{tile}")).body == (folder / tile).read_bytes(), tile
            for wrong in ("tile/0/002", "tile/../keys/ed25519.key", "tile/0/001.p/46", "tile/entries/000/"):
                with pytest.raises(NotFound):
                    await nation.get(other, own, "GET", f"/log/{wrong}")
            for wrong in ("0" * 64, "..", "x", "../" * 3):
                with pytest.raises(NotFound):
                    await nation.get(other, own, "GET", f"/log/witness/{wrong}/checkpoint")
            assert (await nation.get(other, own, "POST", "/log/checkpoint")).status == 405
            assert (await nation.get(other, own, "GET", "/log/add-checkpoint")).status == 405
            sheet = parse_sheet((await nation.get(other, own, "GET", "/log/keys")).body)
            assert sheet == sheet_of(nation.opened[own].keys)

    asyncio.run(story())


@pytest.mark.parametrize("place", ["origin", "log", "witness"])
def test_a_sheet_of_keys_is_of_one_log(tmp_path: Path, place: str) -> None:
    async def story() -> None:
        async with a_nation(tmp_path, "NHI", "NIA") as nation:
            one, two = (msgspec.structs.asdict(sheet_of(opened.keys)) for opened in nation.opened.values())
            parse_sheet(json.dumps(one).encode())
            with pytest.raises(BadNote):
                parse_sheet(json.dumps({**one, place: two[place]}).encode())
            for bad in (b"{}", b"\xff", b"x" * 9_000, json.dumps({**one, "more": 1}).encode()):
                with pytest.raises(BadNote):
                    parse_sheet(bad)

    asyncio.run(story())


def test_rounds_publish_and_destroy_by_themselves(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_nation(tmp_path, "NHI", "NIA") as nation:
            own = next(iter(nation.opened))
            messages, neighbours, told = nation.opened[own].messages, nation.neighbours[own], []

            def tell(what: str, values: dict[str, object]) -> None:
                told.append((what, values))

            await messages.keep(exchanged(1, request_body=Held(), keep_bodies_s=1.0))
            day = await one_round(messages, neighbours, day=-1, clock=nation.clock, tell=tell)
            assert messages.published.size == 2
            nation.clock.now += 86_400 * 2
            after = await one_round(messages, neighbours, day=day, clock=nation.clock, tell=tell)
            assert (after, messages.published.size) == (day + 2, 3)
            assert [what for what, _ in told] == ["messages.destroyed"]
            await messages.keep(exchanged(2))
            running = asyncio.ensure_future(
                keep_publishing(messages, None, clock=nation.clock, tell=tell, every_s=3_600.0)
            )
            await asyncio.sleep(0)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            assert messages.published.size == 4

    asyncio.run(story())
