"""`./banyan audit`: two honest logs agree; whatever one side hid, changed, rolled back or forked is named."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from tests.kernel.exchange.messages.house import (
    ANSWERER,
    ASKER,
    HOSPITAL,
    NOW,
    Clock,
    a_log,
    exchanged,
    keep_all,
)

from banyan.auditing import run
from banyan.cli import _parser, main
from banyan.errors import Invalid
from banyan.kernel.exchange.messages.joining import Side, join
from banyan.kernel.exchange.messages.opening import Opened
from banyan.kernel.exchange.messages.record import read_entry
from banyan.kernel.exchange.road.model import Role
from banyan.kernel.ledger.tree import Tree
from banyan.wire.tlog.checkpoint import Checkpoint

LATER = Clock(NOW + 3_600)


@asynccontextmanager
async def a_log_until_later(folder: Path, role: Role) -> AsyncIterator[Opened]:
    """Opened before the first exchange, published an hour after it."""
    clock = Clock(NOW - 60)
    async with a_log(folder, role, clock) as opened:
        clock.now = LATER.now
        yield opened


def logs(
    folder: Path, count: int = 40, *, asked: Sequence[int] = (), answered: Sequence[int] = ()
) -> tuple[Path, Path]:
    """Two published logs of `count` exchanges; `asked` and `answered` are left out at the one or the other."""

    async def one(role: Role, without: Sequence[int]) -> Path:
        async with a_log_until_later(folder / role, role) as opened:
            if without:
                kept = [number for number in range(count) if number not in without]
                await asyncio.gather(*(opened.messages.keep(exchanged(number, role)) for number in kept))
            else:
                await keep_all(opened, range(count), role)
            await opened.messages.publish()
        return folder / role / "log"

    async def both() -> tuple[Path, Path]:
        return await one("client", asked), await one("provider", answered)

    return asyncio.run(both())


def audited(*arguments: object, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict]:
    code = run(_parser().parse_args(["audit", "--json", *map(str, arguments)]), LATER)
    return code, json.loads(capsys.readouterr().out)


def test_two_honest_logs_agree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = audited(*logs(tmp_path), capsys=capsys)
    assert code == 0
    assert said["agree"]
    assert said["joined"]["pairs"] == 40
    assert said["joined"]["findings"] == []
    assert [one["origin"] for one in said["logs"]] == [ASKER, ANSWERER]


def test_what_one_side_hid_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = logs(tmp_path, answered=(7,), asked=(9, 11))
    code, said = audited(*paths, capsys=capsys)
    assert code == 1
    found = [(one["found"], one["xid"], one["held"], one["lacking"]) for one in said["joined"]["findings"]]
    assert found == [
        ("hidden", exchanged(7).xid, ASKER, ANSWERER),
        ("hidden", exchanged(9).xid, ANSWERER, ASKER),
        ("hidden", exchanged(11).xid, ANSWERER, ASKER),
    ]
    assert run(_parser().parse_args(["audit", *map(str, paths)]), LATER) == 1
    table = capsys.readouterr().out
    assert "THEY DO NOT AGREE" in table
    assert f"隱瞞 hidden: {exchanged(7).xid}" in table
    assert f"{ANSWERER} 無 lacks it" in table


def test_ten_thousand_exchanges_of_which_one_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = audited(*logs(tmp_path, 10_000, answered=(6_789,)), capsys=capsys)
    assert code == 1
    assert [one["xid"] for one in said["joined"]["findings"]] == [exchanged(6_789).xid]
    assert said["joined"]["pairs"] == 9_999


def test_what_is_too_new_is_not_hidden(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def one(role: Role, times: Sequence[float]) -> Path:
        async with a_log_until_later(tmp_path / role, role) as opened:
            for number, at in enumerate(times):
                await opened.messages.keep(exchanged(number, role, at=at))
            await opened.messages.publish()
        return tmp_path / role / "log"

    ask = asyncio.run(one("client", [NOW, NOW + 3_599, NOW + 3_599]))
    answer = asyncio.run(one("provider", [NOW]))
    code, said = audited(ask, answer, capsys=capsys)
    assert code == 0
    assert said["joined"]["pending"] == 2
    code, said = audited(ask, answer, "--slack", "-120", capsys=capsys)
    assert code == 1
    assert len(said["joined"]["findings"]) == 2


def test_an_entry_changed_moved_or_left_out_of_the_files_is_noticed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ask, answer = logs(tmp_path)
    bundle = next((answer / "tile/entries").rglob("*.p/*"))
    whole = bundle.read_bytes()
    for place in range(0, len(whole), 1_499):
        bundle.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        code, said = audited(ask, answer, capsys=capsys)
        assert code == 1
        assert said["logs"][1]["fault"], place
        assert said["logs"][0]["fault"] == ""
    bundle.write_bytes(whole)
    assert audited(ask, answer, capsys=capsys)[0] == 0
    (answer / "checkpoint").write_bytes((ask / "checkpoint").read_bytes())
    with pytest.raises(Invalid, match="name the keys"):
        audited(ask, answer, capsys=capsys)


def test_a_log_that_shows_two_histories_is_caught_by_its_witness_and_by_the_last_audit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The answering side is audited clean, then makes its log anew without one exchange, signed by its own keys."""
    ask, answer = logs(tmp_path)
    state = tmp_path / "state"
    assert audited(ask, answer, "--state", state, capsys=capsys)[0] == 0
    code, said = audited(ask, answer, "--state", state, capsys=capsys)
    assert code == 0
    assert [one["compared"] for one in said["logs"]] == [1, 1]
    kept = ask / "witness" / sha256(ANSWERER.encode()).hexdigest() / "checkpoint"
    kept.parent.mkdir(parents=True)
    kept.write_bytes((answer / "checkpoint").read_bytes())

    forked = forge(tmp_path / "provider", tmp_path / "forged", without=7)
    code, said = audited(ask, forked, capsys=capsys)
    assert "two histories" in said["logs"][1]["fault"]
    kept.unlink()
    code, said = audited(ask, forked, "--state", state, capsys=capsys)
    assert code == 1
    assert "two histories" in said["logs"][1]["fault"]
    code, said = audited(ask, forked, capsys=capsys)
    assert said["logs"][1]["fault"] == "", "nobody kept what it once signed"
    found = [(one["xid"], one["lacking"]) for one in said["joined"]["findings"]]
    assert found == [(exchanged(7).xid, ANSWERER), (exchanged(40).xid, ASKER)], "the other side still has it"


def forge(provider: Path, folder: Path, *, without: int) -> Path:
    """A log signed by the same keys, of as many entries, with one exchange replaced by another."""

    async def made() -> Path:
        shutil.copytree(provider / "keys", folder / "keys")
        async with a_log_until_later(folder, "provider") as opened:
            numbers = [number for number in range(41) if number != without]
            await asyncio.gather(*(opened.messages.keep(exchanged(number, "provider")) for number in numbers))
            await opened.messages.publish()
        return folder / "log"

    return asyncio.run(made())


def test_a_log_rolled_back_is_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ask, answer = logs(tmp_path)
    state = tmp_path / "state"
    shutil.copytree(answer, tmp_path / "before")

    async def more() -> None:
        async with a_log_until_later(tmp_path / "provider", "provider") as opened:
            await opened.messages.keep(exchanged(40, "provider", at=NOW + 3_600))
            await opened.messages.publish()

    asyncio.run(more())
    assert audited(ask, answer, "--state", state, capsys=capsys)[0] == 0
    code, said = audited(ask, tmp_path / "before", "--state", state, capsys=capsys)
    assert code == 1
    assert "rolled back" in said["logs"][1]["fault"]


def test_keys_and_witnesses_are_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ask, answer = logs(tmp_path)
    _, said = audited(ask, answer, "--keys", ask / "log.vkeys", capsys=capsys)
    assert [one["keys"] for one in said["logs"]] == ["given", "itself"]
    code, said = audited(ask, answer, "--quorum", "1", capsys=capsys)
    assert code == 1
    assert "0 of the 1 witnesses" in said["logs"][0]["fault"]
    (ask / "log.vkeys").unlink()
    assert main(["audit", str(ask), str(answer)]) == 2
    assert main(["audit", str(tmp_path / "nowhere"), str(answer)]) == 2


def sides(asked: Sequence[dict], answered: Sequence[dict], members: int = 2) -> list[Side]:
    """Logs of entries made here."""
    gateways = [
        {"kind": "gateway", "members": ["TW/GOV/NHI/hospital"], "at": 1, "v": 1},
        {"kind": "gateway", "members": ["TW/GOV/NIA/border"], "at": 1, "v": 1},
    ]
    common = {"kind": "exchange", "client": "TW/GOV/NHI", "provider": "TW/GOV/NIA", "at": 10, "v": 1}
    made = []
    for role, gateway, some in zip(("client", "provider"), gateways, (asked, answered), strict=True):
        entries = [gateway, *({**common, "role": role, **one} for one in some)]
        made.append(Side(role, 100_000, [read_entry(msgspec.json.encode(one)) for one in entries]))
    return made[:members]


def test_how_entries_are_judged() -> None:
    whole = {"xid": "a", "request": "r1", "answer": "a1"}
    assert join(sides([whole], [whole])).pairs == 1
    (found,) = join(sides([whole], [{**whole, "answer": "a2"}])).findings
    assert (found.found, found.what) == ("differs", "answer")
    (found,) = join(sides([whole], [{**whole, "request": "r2"}])).findings
    assert (found.found, found.what) == ("differs", "request")
    lost = join(sides([{"xid": "a", "request": "r1"}], [whole]))
    assert [one.found for one in lost.notes] == ["unreceived"]
    assert lost.findings == ()
    never = join(sides([{"xid": "a", "request": "r1"}], []))
    assert (never.unheard, never.findings) == (1, ())
    twice = join(sides([whole], [{"xid": "a", "request": "r0", "answer": "a0"}, whole]))
    assert [one.found for one in twice.notes] == ["attempt"]
    assert (twice.pairs, twice.findings) == (1, ())
    assert len(join(sides([], [whole, {**whole, "request": "r3"}])).findings) == 2
    assert join(sides([whole], [], members=1)).outside == 1
    assert join(sides([{**whole, "at": 0}], [])).outside == 1, "before the other log began"


def test_both_roles_in_one_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A node that hosts both members, over one log."""

    async def made() -> None:
        clock = Clock(NOW - 60)
        async with a_log(tmp_path / "log", "client", clock) as opened:
            other = msgspec.structs.replace(HOSPITAL, member="NIA", subsystem="border")
            await opened.messages.keep_for([HOSPITAL, other])
            clock.now = LATER.now
            await keep_all(opened, range(1, 9))
            await keep_all(opened, range(2, 9), "provider")
            await opened.messages.publish()

    asyncio.run(made())
    code, said = audited(tmp_path / "log/log", capsys=capsys)
    assert code == 1
    assert [one["xid"] for one in said["joined"]["findings"]] == [exchanged(1).xid]
    assert said["joined"]["pairs"] == 7


def test_the_root_is_computed_as_the_tree_does(tmp_path: Path) -> None:
    from banyan.kernel.exchange.messages import reading
    from banyan.wire.tlog.merkle import leaf_hashes

    entries = [b"%d" % number for number in range(700)]
    tree = Tree(tmp_path / "tree")
    tree.grow(entries)
    for size in (0, 1, 2, 3, 255, 256, 257, 511, 513, 700):
        rows = reading._rows(leaf_hashes(entries[:size]))
        log = reading.Log(Checkpoint("x", size, b""), b"", 0, (), (), rows)
        assert log.root(size) == tree.root(size), size
