"""`./banyan trace names`: numbers leave a machine without a node once two agencies' words hold, and not otherwise."""

from __future__ import annotations

import json
import stat
from base64 import b64encode
from functools import partial
from pathlib import Path
from secrets import token_bytes
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.make import NOW
from tests.service.tracing.world import ASKS, CDC, NIA, ORDER, RELEASES, START, STRANGER, WANG, World, in_a_world
from tests.test_trace_command import deliveries

from banyan import trace_names
from banyan.cli import main
from banyan.craft.tracing.notice import Listed, packed, public_of, sealed_for, unpacked, unsealed
from banyan.errors import Conflict, Denied, Invalid, Limit
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.identity.caller import SYSTEM, Caller
from banyan.kernel.ledger.receipts import receipt_of
from banyan.kernel.policy import records as policy
from banyan.kernel.storage.store import Statement
from banyan.limits_tracing import TRACE_COUNTS_A_DAY, TRACE_VOUCH_S
from banyan.service.tracing.law import tracing_basis
from banyan.service.tracing.noticing import secret_of
from banyan.service.tracing.presets import presets
from banyan.service.tracing.shelf import shelf_of
from banyan.trace_counting import question_of

OTHER = "0" * 64
LEE, CASE = "F131104093", 886_900_000_001
LISTED = Listed(np.arange(886_911_111_100, 886_911_111_112, dtype=np.uint64), np.array([CASE], np.uint64))
"""Wang is the first of them."""

KEPT = Statement("kept", "", "select sealed from notice")


class Given(msgspec.Struct, frozen=True):
    """Files as an officer has them; `question` is that of `pings` and `cases` by the preset jmir."""

    pings: Path
    cases: Path
    keys: Path
    question: str
    folder: Path

    def release(self, name: str) -> Path:
        return self.folder / f"{name}.tlog-proof"

    def notice(self, key: str = "a", cases: Path | None = None) -> str:
        """What `trace notice` writes for the node that gave the first word."""
        out = self.folder / f"notice-{len(list(self.folder.iterdir()))}"
        asked = [str(self.pings), "--cases", str(cases or self.cases), "--keys", str(self.keys)]
        assert main(["trace", "notice", *asked, "--release", str(self.release(key)), "--out", str(out)]) == 0
        assert stat.S_IMODE(out.stat().st_mode) == 0o600
        return out.read_text()


async def vouched(world: World, caller: Caller, question: str, notice: str = "") -> bytes:
    """The receipt of an agency's word, once the log is signed."""
    first = await world.call("vouch", caller, question=question, reason="疫調", notice=notice)
    await world.node.lawful.ledger.publish(int(world.now[0]))
    again = await world.call("vouch", caller, question=question, reason="疫調")
    assert not first.receipt or first.receipt == again.receipt
    return str(again.receipt).encode()


def boxed(world: World, listed: Listed, question: str) -> str:
    """A notice for the node, of whatever numbers."""
    public = public_of(secret_of(shelf_of(world.node.drawers["tracing"]), ORDER))
    return b64encode(sealed_for(public, listed, question, random=token_bytes)).decode()


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Given:
    """Receipts of one node: two agencies', one for another question, a second officer's of the first agency."""
    folder = tmp_path_factory.mktemp("names")
    pings, cases = deliveries(folder)
    found = Given(
        pings, cases, folder / "log.vkeys", question_of([pings], [886_900_000_001], presets()["jmir"].rule), folder
    )
    colleague = msgspec.structs.replace(ASKS, id="o-cdc-2")
    moved = msgspec.structs.replace(RELEASES, id=ASKS.id)

    async def story(world: World) -> None:
        found.keys.write_text("".join(f"{key}\n" for key in world.node.lawful.keys.vkeys))
        for name, caller, question in (
            ("a", ASKS, found.question), ("silent", RELEASES, found.question), ("other", RELEASES, OTHER),
        ):  # fmt: skip
            found.release(name).write_bytes(await vouched(world, caller, question))
        found.release("b").write_bytes(await vouched(world, RELEASES, found.question, found.notice()))
        others = Listed(np.arange(886_911_111_100, 886_911_111_110, dtype=np.uint64), np.empty(0, np.uint64))
        found.release("wrong").write_bytes(
            await vouched(world, RELEASES, found.question, boxed(world, others, found.question))
        )
        found.release("act").write_bytes(await receipt_of(world.node.lawful.ledger, 0) or b"")
        world.now[0] += TRACE_VOUCH_S
        found.release("colleague").write_bytes(await vouched(world, colleague, found.question))
        world.now[0] += TRACE_VOUCH_S
        for name, caller in (("late", ASKS), ("moved", moved)):
            found.release(name).write_bytes(await vouched(world, caller, found.question))

    in_a_world(story)
    return found


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The machine's clock."""
    at = [float(NOW) + 60]
    monkeypatch.setattr(trace_names, "clock", lambda: at[0])
    return at


def run(given: Given, out: Path, *releases: str, cases: Path | None = None, more: tuple[str, ...] = ()) -> int:
    told = [part for one in releases for part in ("--release", str(given.release(one)))]
    asked = [str(given.pings), "--cases", str(cases or given.cases), *told, "--keys", str(given.keys)]
    return main(["trace", "names", *asked, "--out", str(out), *more])


def test_two_agencies_words_write_the_list_for_its_owner_alone(
    given: Given, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "contacts.csv"
    assert run(given, out, "a", "b") == 0
    said = capsys.readouterr()
    assert "8869" not in said.out + said.err
    rows = out.read_text().splitlines()
    assert (rows[0], len(rows)) == ("number,first,last,meetings", 13)
    assert rows[1] == "+886911111100,2020-01-30T16:00:00+00:00,2020-01-30T16:25:00+00:00,6"
    assert "886900000001" not in out.read_text(), "the case is no contact of its own"
    use = tmp_path / "contacts.csv.use.json"
    for path in (out, use):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    told = json.loads(use.read_text())
    assert (told["question"], told["contacts"]) == (given.question, 10)
    assert [one["agency"] for one in told["releases"]] == [CDC, RELEASES.agency]
    assert "8869" not in use.read_text()
    before = out.read_bytes()
    assert run(given, out, "a", "b") == 2
    assert "is there already" in capsys.readouterr().err
    assert out.read_bytes() == before


@pytest.mark.parametrize(
    ("releases", "later", "says"),
    [
        ((), 0.0, "Two releases are needed, of two agencies; 0 were given."),
        (("a",), 0.0, "Two releases are needed, of two agencies; 1 were given."),
        (("a", "b", "b"), 0.0, "3 were given"),
        (("a", "a"), 0.0, "Both releases are of TW/GOV/CDC."),
        (("a", "colleague"), TRACE_VOUCH_S - 120, "Both releases are of TW/GOV/CDC."),
        (("late", "moved"), 2 * TRACE_VOUCH_S, "Both releases are of the same person."),
        (("a", "other"), 0.0, "releases another question"),
        (("a", "silent"), 0.0, "Neither release says that the persons of this list find it"),
        (("a", "wrong"), 0.0, "Neither release says that the persons of this list find it"),
        (("a", "act"), 0.0, "is the receipt of another act"),
        (("a", "nowhere"), 0.0, "cannot be read"),
        (("a", "b"), TRACE_VOUCH_S, "a release holds for a day"),
        (("late", "moved"), 30 * 86_400.0, "The order trace-2026 ended at"),
        (("a", "b"), -86_400.0, "which is to come"),
    ],
)
def test_what_is_refused_in_one_sentence_and_writes_nothing(
    given: Given, tmp_path: Path, capsys: pytest.CaptureFixture[str], now: list[float],
    releases: tuple[str, ...], later: float, says: str,
) -> None:  # fmt: skip
    now[0] += later
    assert run(given, tmp_path / "out.csv", *releases) == 2
    said = capsys.readouterr()
    assert says in said.err
    assert "8869" not in said.out + said.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("at", [0.1, 0.4, 0.6, 0.9])
def test_a_receipt_with_one_changed_letter_is_refused(
    given: Given, tmp_path: Path, capsys: pytest.CaptureFixture[str], at: float
) -> None:
    whole = given.release("b").read_bytes()
    place = int(len(whole) * at)
    while not whole[place : place + 1].isalnum():
        place += 1
    changed = b"A" if whole[place : place + 1] != b"A" else b"B"
    given.release("spoilt").write_bytes(whole[:place] + changed + whole[place + 1 :])
    assert run(given, tmp_path / "out.csv", "a", "spoilt") == 2
    assert "does not hold" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_other_files_cases_or_rule_are_another_question(
    given: Given, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = tmp_path / "cases.txt"
    cases.write_text("+886900000001\n+886911111129\n")
    for more in ({"cases": cases}, {"more": ("--preset", "telegraph")}):
        assert run(given, tmp_path / "out.csv", "a", "b", **more) == 2  # type: ignore[arg-type]
        assert "releases another question" in capsys.readouterr().err
    cases.write_text("886900000001\n+886900000001\n")
    assert run(given, tmp_path / "out.csv", "b", "a", cases=cases) == 0, "the same cases, written otherwise"


def test_a_log_that_is_not_named_proves_nothing(
    given: Given, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    none = tmp_path / "none.vkeys"
    none.write_text("")
    assert run(msgspec.structs.replace(given, keys=none), tmp_path / "out.csv", "a", "b") == 2
    assert "--log" in capsys.readouterr().err


def test_a_word_is_on_the_log_and_counted_before_any_number_is_anywhere() -> None:
    async def story(world: World) -> None:
        for caller in (STRANGER, world.citizen()):
            with pytest.raises(Denied):
                await world.call("vouch", caller, question=OTHER, reason="疫調")
        assert (await world.call("standing")).uses == ()
        await vouched(world, ASKS, OTHER)
        await vouched(world, msgspec.structs.replace(ASKS, id="o-cdc-2"), OTHER)
        assert (await world.call("standing")).uses == (), "two officers of one agency are one agency"
        await vouched(world, RELEASES, OTHER)
        assert (await world.call("standing")).uses == (), "nobody of a list was told: it is not let go"
        await vouched(world, RELEASES, OTHER, boxed(world, LISTED, OTHER))
        (used,) = (await world.call("standing")).uses
        assert (used.order, used.lists, used.questions) == (ORDER, 1, 0)
        ledger = world.node.lawful.ledger
        entries = [json.loads(await ledger.entry(at)) for at in range((await ledger.head()).entries)]
        acts = [one for one in entries if one["kind"] == "trace-names"]
        assert [one["agency"] for one in acts] == [CDC, NIA, NIA]
        assert OTHER not in json.dumps(entries)
        for n in range(1, TRACE_COUNTS_A_DAY):
            await world.call("vouch", ASKS, question=f"{n:064x}", reason="疫調")
        with pytest.raises(Limit):
            await world.call("vouch", ASKS, question="f" * 64, reason="疫調")
        world.now[0] += 40 * 86_400
        with pytest.raises(Denied):
            await world.call("vouch", ASKS, question=OTHER, reason="疫調")

    in_a_world(story)


async def uses(world: World, number: str) -> list[Any]:
    found = await world.node.gate.call("mydata.uses", {}, caller=world.citizen(number))
    return [one for one in found.uses if one.operation == "tracing.vouch"]


async def say_whose(world: World, number: int, person: str, **more: Any) -> None:
    """A delivery that says whose a number is."""
    row = {"number": f"+{number}", "at": int(START) + 7_200, "lon": 121.5, "lat": 25.0, "person": person, **more}
    await world.call("deliver", SYSTEM, pings=[row])


def test_who_is_on_a_list_sees_it_before_it_is_written_and_not_whose_case_it_was() -> None:
    async def story(world: World) -> None:
        await world.deliver()
        await world.call("vouch", ASKS, question=OTHER, reason="疫調")
        told = await world.call("vouch", RELEASES, question=OTHER, reason="疫調", notice=boxed(world, LISTED, OTHER))
        assert told.unknown == 10, "eleven and the case are nobody's here"
        (used,) = await uses(world, WANG)
        assert (used.receiver, used.basis, used.reference) == (NIA, "trace-contacts", ORDER)
        assert "接觸者名單" in used.action["zh-Hant"]
        seen = msgspec.json.encode(used).decode()
        for part in (str(CASE)[3:], OTHER, LEE, "o-TW", "111100", "121.5"):
            assert part not in seen, "no case, question, officer, number or place"
        await world.call("vouch", RELEASES, question=OTHER, reason="疫調", notice=boxed(world, LISTED, OTHER))
        assert len(await uses(world, WANG)) == 1
        assert await uses(world, LEE) == []
        world.now[0] += 3_600
        await say_whose(world, CASE, LEE)
        (case,) = await uses(world, LEE)
        assert "比對接觸者" in case.action["zh-Hant"]
        assert case.at == used.at, "when it was let go"
        await say_whose(world, CASE, WANG, at=int(START) + 7_500)
        assert len(await uses(world, WANG)) == 1, "a number has one person"
        history = await world.node.lawful.ledger.history(world.node.lawful.conscience.subject(WANG), most=10)
        assert len(history.uses) == 1

    in_a_world(story)


def test_where_the_basis_defers_the_notice_she_sees_its_day_and_then_the_use() -> None:
    async def story(world: World) -> None:
        basis = tracing_basis([CDC, NIA], reveal_after_days=7)
        await world.node.lawful.policy.write(partial(policy.put_basis, basis=basis, at=EpochS(NOW)))
        world.node.lawful.conscience.forget()
        await world.deliver()
        await world.call("vouch", ASKS, question=OTHER, reason="疫調")
        await world.call("vouch", RELEASES, question=OTHER, reason="疫調", notice=boxed(world, LISTED, OTHER))
        await say_whose(world, CASE, LEE)
        for number in (WANG, LEE):
            hidden = await world.node.gate.call("mydata.uses", {}, caller=world.citizen(number))
            assert hidden.uses == ()
            assert [one.reveal_after for one in hidden.later] == [iso(EpochS(NOW + 7 * 86_400))]
        world.now[0] += 7 * 86_400
        assert [len(await uses(world, one)) for one in (WANG, LEE)] == [1, 1]

    in_a_world(story)


def test_a_notice_comes_second_for_its_own_question_and_names_ten_at_least() -> None:
    async def story(world: World) -> None:
        good = boxed(world, LISTED, OTHER)

        async def said(caller: Caller, notice: str, question: str = OTHER) -> Any:
            return await world.call("vouch", caller, question=question, reason="疫調", notice=notice)

        with pytest.raises(Conflict, match="No other agency"):
            await said(RELEASES, good)
        await said(ASKS, "")
        with pytest.raises(Conflict, match="No other agency"):
            await said(msgspec.structs.replace(ASKS, id="o-cdc-2"), good)
        for bad in ("x", good[:-8] + "AAAAAAA=", boxed(world, LISTED, "1" * 64)):
            with pytest.raises(Invalid):
                await said(RELEASES, bad)
        few = Listed(LISTED.contacts[:9], LISTED.cases)
        with pytest.raises(Conflict, match="Too few"):
            await said(RELEASES, boxed(world, few, OTHER))
        world.now[0] += TRACE_VOUCH_S
        with pytest.raises(Conflict, match="No other agency"):
            await said(RELEASES, good)

    in_a_world(story)


def test_a_notice_that_waits_ends_with_its_order() -> None:
    async def story(world: World) -> None:
        await world.call("vouch", ASKS, question=OTHER, reason="疫調")
        await world.call("vouch", RELEASES, question=OTHER, reason="疫調", notice=boxed(world, LISTED, OTHER))
        store = world.node.drawers["tracing"].sql
        ((sealed,),) = await store.read(lambda tx: tx.rows(KEPT))
        assert isinstance(sealed, bytes)
        assert LISTED.contacts.tobytes()[:8] not in sealed
        world.now[0] += 40 * 86_400
        await world.sweep()
        assert await store.read(lambda tx: tx.rows(KEPT)) == []

    in_a_world(story)


def test_a_list_that_was_being_told_when_the_node_died_is_told_once() -> None:
    class Killed(Exception):
        pass

    async def story(world: World) -> None:
        await world.deliver()
        await say_whose(world, 886_911_111_101, LEE)
        await world.call("vouch", ASKS, question=OTHER, reason="疫調")
        asked = {"question": OTHER, "reason": "疫調", "notice": boxed(world, LISTED, OTHER)}

        async def broken(*_: object, **__: object) -> None:
            raise Killed

        for name in ("_check_second", "_logged"):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(f"banyan.service.tracing.vouching.{name}", broken)
                with pytest.raises(Killed):
                    await world.call("vouch", RELEASES, **asked)
        await world.call("vouch", RELEASES, **asked)
        assert [len(await uses(world, one)) for one in (WANG, LEE)] == [1, 1]

    in_a_world(story)


def test_numbers_come_out_of_their_box_as_they_went_in() -> None:
    secret, other = bytes(range(32)), bytes(range(1, 33))
    found = unpacked(packed(LISTED))
    assert (found.contacts.tolist(), found.cases.tolist()) == (LISTED.contacts.tolist(), [CASE])
    box = sealed_for(public_of(secret), LISTED, OTHER, random=token_bytes)
    assert unsealed(secret, box, OTHER).digest == LISTED.digest
    assert Listed(LISTED.contacts[1:], LISTED.cases).digest != LISTED.digest
    for key, question, data in ((other, OTHER, box), (secret, "1" * 64, box), (secret, OTHER, box[:50])):
        with pytest.raises(ValueError, match=r"."):
            unsealed(key, data, question)
    for bad in (b"", b"xx", packed(LISTED)[:-3]):
        with pytest.raises(ValueError, match="no numbers"):
            unpacked(bad)
