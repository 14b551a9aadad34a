"""The directory spreads and outlives its centre: partitions, a dead centre, revocations by peers alone, split views."""

from __future__ import annotations

from pathlib import Path

from tests.kernel.exchange.directory.nation import (
    START,
    Clock,
    Network,
    a_directory,
    a_key,
    a_member,
    an_anchor,
    data,
    in_loop,
    member,
    server,
    with_member,
)

from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.directory import notes
from banyan.kernel.exchange.directory.authority import Authority
from banyan.kernel.exchange.directory.document import key_name
from banyan.kernel.exchange.directory.keeper import Keeper, Refused
from banyan.kernel.exchange.directory.keyfiles import public_der

CODES = ("CENTRE", *(f"A{number:02}" for number in range(19)))
HOUR = 3_600


def a_nation(folder: Path, clock: Clock, codes: tuple[str, ...] = CODES) -> tuple[Authority, Network]:
    """Twenty gateways, each with its own folder; the centre's is the authority's."""
    authority = a_directory(folder / "CENTRE", clock, codes)
    network = Network()
    network.join("CENTRE", authority.keeper, centre=None)
    for code in codes[1:]:
        network.join(code, Keeper(folder / code, an_anchor(), clock=clock))
    return authority, network


@in_loop
async def test_twenty_gateways_hear_of_a_change_within_a_round_of_the_centre(tmp_path: Path) -> None:
    authority, network = a_nation(tmp_path, Clock())
    assert await network.until_all_are("1", most=1) == 1
    authority.change(lambda snapshot: with_member(snapshot, a_member("NEW")))
    assert await network.until_all_are("2", most=1) == 1
    for keeper in network.keepers.values():
        assert keeper.standing.is_known(member("NEW"))


@in_loop
async def test_exchange_goes_on_72_hours_without_the_centre_and_all_converge_on_its_return(tmp_path: Path) -> None:
    clock = Clock()
    authority, network = a_nation(tmp_path, clock)
    await network.until_all_are("1", most=1)
    network.down.add(server("CENTRE"))
    for hour in range(1, 73):
        clock.at += HOUR
        if hour % 12 == 0:
            await network.rounds()
        for code in CODES[1:]:
            standing = network.keepers[server(code)].standing
            assert standing.freshness(clock()) == ("fresh" if hour == 1 else "stale")
            assert standing.keys(key_name(member("A03"), public_der(a_key("A03")))) is not None
            assert standing.routes(data("A07"))
    authority.change(lambda snapshot: with_member(snapshot, a_member("NEW")))
    network.down.clear()
    rounds = await network.until_all_are("2", most=3)
    assert rounds == 1, "each asks the centre itself: one round of 20 s"
    assert all(keeper.standing.freshness(clock()) == "fresh" for keeper in network.keepers.values())


@in_loop
async def test_it_expires_after_thirty_days_of_silence(tmp_path: Path) -> None:
    clock = Clock()
    _, network = a_nation(tmp_path, clock, CODES[:3])
    await network.until_all_are("1", most=1)
    standing = network.keepers[server("A00")].standing
    assert standing.freshness(EpochS(START + 30 * 86_400 - 1)) == "stale"
    assert standing.freshness(EpochS(START + 30 * 86_400 + 2)) == "expired"


@in_loop
async def test_a_revocation_made_before_the_centre_died_spreads_by_peers_alone(tmp_path: Path) -> None:
    """Only one gateway heard of it. Each asks two peers a round, so it is everywhere in about log2(20) rounds."""
    clock = Clock()
    authority, network = a_nation(tmp_path, clock)
    await network.until_all_are("1", most=1)
    stolen = key_name(member("A05"), public_der(a_key("A05")))
    note = authority.revoke("key", stolen)
    network.down.add(server("CENTRE"))
    lucky = network.keepers[server("A11")]
    assert lucky.take_revocations([note]) == 1
    assert lucky.standing.keys(stolen) is None, "it counts on receipt"
    rounds = 0
    while any(network.keepers[server(code)].standing.keys(stolen) for code in CODES[1:]):
        await network.rounds()
        rounds += 1
        assert rounds <= 8
    assert network.keepers[server("A00")].standing.keys(key_name(member("A06"), public_der(a_key("A06"))))


@in_loop
async def test_a_new_revocation_is_handed_on_before_the_next_round(tmp_path: Path) -> None:
    authority, network = a_nation(tmp_path, Clock())
    await network.until_all_are("1", most=1)
    note = authority.revoke("member", "TW/GOV/A05")
    assert await network.gossips[server("CENTRE")].spread([note]) == 3
    told = [code for code in CODES[1:] if not network.keepers[server(code)].standing.is_known(member("A05"))]
    assert len(told) == 3


@in_loop
async def test_islands_go_on_and_converge_when_they_meet(tmp_path: Path) -> None:
    clock = Clock()
    authority, network = a_nation(tmp_path, clock)
    await network.until_all_are("1", most=1)
    network.islands = {server(code): number % 2 for number, code in enumerate(CODES)}
    for _ in range(3):
        authority.change(lambda snapshot: with_member(snapshot, a_member("NEW", since=int(clock.at))))
        await network.rounds()
    versions = {code: network.keepers[server(code)].standing.version for code in CODES}
    assert {versions[code] for code in CODES[0::2]} == {"4"}
    assert {versions[code] for code in CODES[1::2]} == {"1"}
    network.islands = {}
    assert await network.until_all_are("4", most=2) == 1


@in_loop
async def test_a_hint_of_a_newer_version_is_followed_to_who_gave_it(tmp_path: Path) -> None:
    authority, network = a_nation(tmp_path, Clock(), ("CENTRE", "A00", "A01"))
    await network.until_all_are("1", most=1)
    authority.change(lambda snapshot: snapshot)
    network.gossips[server("A00")].hint("1", server("A01"))
    await network.gossips[server("A01")].learn(server("CENTRE"))
    network.down.add(server("CENTRE"))
    network.gossips[server("A00")].hint("2", server("A01"))
    await network.gossips[server("A00")].round()
    assert network.keepers[server("A00")].standing.version == "2"


@in_loop
async def test_a_stolen_key_ends_itself_while_the_centre_is_away(tmp_path: Path) -> None:
    """Its member signs the end by the key; peers hand it on; a later snapshot without the key lets all forget it."""
    clock = Clock()
    authority, network = a_nation(tmp_path, clock, CODES[:8])
    await network.until_all_are("1", most=1)
    network.down.add(server("CENTRE"))
    key, own = a_key("A02"), member("A02")
    name = key_name(own, public_der(key))
    note = notes.end_of_key("TW", own, public_der(key), int(clock.at), key.sign)
    assert network.keepers[server("A02")].take_revocations([note]) == 1
    await network.rounds(4)
    for code in CODES[1:8]:
        assert network.keepers[server(code)].standing.keys(name) is None
        assert network.keepers[server(code)].standing.is_known(own), "the member stays"
    reopened = Keeper(tmp_path / "A05", an_anchor(), clock=clock)
    assert reopened.standing.keys(name) is None
    network.down.clear()
    authority.change(lambda snapshot: with_member(snapshot, a_member("A02", number=1)))
    await network.rounds(3)
    assert {keeper.digest for keeper in network.keepers.values()} == {authority.keeper.digest}
    assert authority.keeper.revocations == ()
    new = key_name(own, public_der(a_key("A02", 1)))
    assert all(keeper.standing.keys(new) is not None for keeper in network.keepers.values())


async def refused(keeper: Keeper, note: bytes) -> bool:
    try:
        return keeper.take_revocations([note]) == 0
    except Refused:
        return True


@in_loop
async def test_a_key_ends_no_other_and_a_strangers_key_nothing(tmp_path: Path) -> None:
    keeper = a_nation(tmp_path, Clock(), CODES[:4])[0].keeper
    thief, victim = a_key("A00"), a_key("A01")
    lies = [
        notes.end_of_key("TW", member("A01"), public_der(victim), 1_795_000_000, thief.sign),
        notes.end_of_key("TW", member("A01"), public_der(thief), 1_795_000_000, thief.sign),
        notes.end_of_key("TW", member("A00"), public_der(a_key("X")), 1_795_000_000, a_key("X").sign),
        notes.end_of_key("XX", member("A00"), public_der(thief), 1_795_000_000, thief.sign),
    ]
    good = notes.end_of_key("TW", member("A00"), public_der(thief), 1_795_000_000, thief.sign)
    lies += [good.replace(b"1795000000", b"1795000001"), good.replace(b"\nkey\n", b"\nmember\n"), good[:-3] + b"A=\n"]
    for place, lie in enumerate(lies):
        assert lie != good
        assert await refused(keeper, lie), place
    assert keeper.revocations == ()
    assert keeper.standing.keys(key_name(member("A01"), public_der(victim))) is not None
    assert keeper.take_revocations([good]) == 1
