"""What a gateway takes and what it refuses: forged, changed, older, incomplete; and what is on disk after a cut-off."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from tests.kernel.exchange.directory.nation import (
    INSTANCE,
    START,
    Clock,
    a_directory,
    a_key,
    a_member,
    an_anchor,
    member,
    signer,
    with_member,
    without_member,
)

from banyan.errors import Problem
from banyan.kernel.exchange.directory import evidence, notes
from banyan.kernel.exchange.directory.authority import Authority
from banyan.kernel.exchange.directory.document import Revoked
from banyan.kernel.exchange.directory.keeper import Forked, Keeper, Offer, Refused
from banyan.kernel.exchange.directory.keyfiles import public_der
from banyan.kernel.exchange.directory.notes import Revocation
from banyan.kernel.ledger.tilefiles import TileFiles
from banyan.kernel.storage.durable import write_file
from banyan.wire.tlog import note
from banyan.wire.tlog.proof import verify_receipt

ROOT = Path(__file__).parents[4]


def grown(folder: Path, clock: Clock, changes: int = 2) -> Authority:
    authority = a_directory(folder, clock)
    for number in range(changes):
        clock.at += 60
        authority.change(lambda snapshot, n=number: with_member(snapshot, a_member(f"M{n}")))
    return authority


def test_any_byte_changed_is_refused(tmp_path: Path) -> None:
    """In the entries, the checkpoint or the document: every 37th byte, each with another bit."""
    authority = grown(tmp_path / "c", Clock())
    offer = authority.keeper.offer()
    dice = random.Random(7)
    keeper = Keeper(tmp_path / "f", an_anchor(), clock=Clock())

    def torn(data: bytes, at: int) -> bytes:
        return data[:at] + bytes([data[at] ^ (1 << dice.randrange(8))]) + data[at + 1 :]

    tried = 0
    for field in ("checkpoint", "snapshot"):
        whole = getattr(offer, field)
        for at in range(dice.randrange(37), len(whole), 37):
            with pytest.raises(Refused):
                keeper.take(msgspec.structs.replace(offer, **{field: torn(whole, at)}))
            tried += 1
    for place, entry in enumerate(offer.entries):
        for at in range(dice.randrange(37), len(entry), 37):
            entries = [*offer.entries[:place], torn(entry, at), *offer.entries[place + 1 :]]
            with pytest.raises(Refused):
                keeper.take(msgspec.structs.replace(offer, entries=entries))
            tried += 1
    assert tried > 200
    assert keeper.held.facts.size == 0
    assert keeper.standing.version == "0"
    assert keeper.take(offer)


def test_a_document_that_is_not_in_the_log_is_refused(tmp_path: Path) -> None:
    """Signed by the authority's key, but never logged: the private version shown to one gateway alone."""
    clock = Clock()
    authority = grown(tmp_path / "c", clock)
    keeper = Keeper(tmp_path / "f", an_anchor(), clock=clock)
    keeper.take(authority.keeper.offer())
    private = grown(tmp_path / "private", Clock(clock.at - 120), 2)
    private.change(lambda snapshot: with_member(snapshot, a_member("EVIL")))
    secret = private.keeper.offer(4)
    with pytest.raises(Refused):
        keeper.take(Offer(4, secret.entries, authority.keeper.held.checkpoint, (), secret.snapshot))
    assert not keeper.standing.is_known(member("EVIL"))


@pytest.mark.parametrize("what", ["whole", "beat", "gap", "a part"])
def test_nothing_older_replaces_something_newer(tmp_path: Path, what: str) -> None:
    clock = Clock()
    authority = grown(tmp_path / "c", clock)
    older = authority.keeper.offer()
    authority.change(lambda snapshot: without_member(snapshot, "M0"))
    clock.at += 700
    authority.beat()
    newer = authority.keeper.offer()
    keeper = Keeper(tmp_path / "f", an_anchor(), clock=clock)
    keeper.take(newer)
    if what == "whole":
        with pytest.raises(Refused):
            keeper.take(older)
    elif what == "beat":
        assert not keeper.take(newer)
    elif what == "gap":
        with pytest.raises(Refused, match="missing"):
            keeper.take(msgspec.structs.replace(newer, start=9))
    else:
        assert not keeper.take(Offer(3, newer.entries[3:-1], newer.checkpoint, (), newer.snapshot))
    assert keeper.standing.version == "4"
    assert keeper.held.at == int(clock.at)


def test_a_checkpoint_from_the_future_is_refused(tmp_path: Path) -> None:
    clock = Clock()
    authority = grown(tmp_path / "c", clock)
    keeper = Keeper(tmp_path / "f", an_anchor(), clock=Clock(clock.at - 301))
    with pytest.raises(Refused, match="clock"):
        keeper.take(authority.keeper.offer())


def test_another_authority_is_refused(tmp_path: Path) -> None:
    clock = Clock()
    other = a_directory(tmp_path / "o", clock, twist=3)
    keeper = Keeper(tmp_path / "f", an_anchor(), clock=clock)
    with pytest.raises(Refused):
        keeper.take(other.keeper.offer())


def test_what_was_taken_is_there_after_a_restart_and_proves_itself(tmp_path: Path) -> None:
    clock = Clock()
    authority = grown(tmp_path / "c", clock, 3)
    revocation = authority.revoke("member", "TW/GOV/M1")
    keeper = Keeper(tmp_path / "f", an_anchor(), clock=clock)
    keeper.take(authority.keeper.offer())
    keeper.take_revocations([revocation])
    again = Keeper(tmp_path / "f", an_anchor(), clock=clock)
    assert again.held == keeper.held
    assert again.digest == keeper.digest
    assert again.snapshot() == authority.keeper.snapshot()
    assert not again.standing.is_known(member("M1"))
    index = again.announced_at()
    receipt, entry = again.receipt(index), again.entries(index, 1)[0]
    verify_receipt(receipt, entry, logs=signer().keys.verifiers, witnesses=(), quorum=0)
    said = notes.opened(entry, INSTANCE, signer().keys)
    assert isinstance(said, notes.Announced)
    assert said.sha256 == notes.digest_of(again.snapshot())


def test_a_file_changed_on_disk_stops_the_start_and_says_so(tmp_path: Path) -> None:
    clock = Clock()
    authority = grown(tmp_path / "c", clock)
    keeper = Keeper(tmp_path / "f", an_anchor(), clock=clock)
    keeper.take(authority.keeper.offer())
    keeper.take_revocations([authority.revoke("member", "TW/GOV/M1")])
    paths = [path for path in (tmp_path / "f").rglob("*") if path.is_file() and "tile/0" not in str(path)]
    assert len(paths) >= 4
    for path in paths:
        whole = path.read_bytes()
        at = len(whole) // 2
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(Problem, match="damaged"):
            Keeper(tmp_path / "f", an_anchor(), clock=clock)
        path.write_bytes(whole)
    Keeper(tmp_path / "f", an_anchor(), clock=clock)


def test_keys_are_handed_over_and_only_by_the_keys_before(tmp_path: Path) -> None:
    clock = Clock()
    authority = grown(tmp_path / "c", clock)
    follower = Keeper(tmp_path / "f", an_anchor(), clock=clock)
    follower.take(authority.keeper.offer())
    authority.rotate(signer(2))
    authority.change(lambda snapshot: with_member(snapshot, a_member("LATER")))
    authority.rotate(signer(3))
    offer = authority.keeper.offer()
    with pytest.raises(Refused, match="hand over"):
        follower.take(msgspec.structs.replace(offer, handovers=()))
    with pytest.raises(Refused, match="hand over"):
        follower.take(msgspec.structs.replace(offer, handovers=offer.handovers[1:]))
    assert follower.take(offer)
    assert [keys.serial for keys in follower.held.facts.chain] == [1, 2, 3]
    late = Keeper(tmp_path / "late", an_anchor(3), clock=clock)
    assert late.take(msgspec.structs.replace(offer, handovers=())), "who pinned the newest keys needs no handover"
    with pytest.raises(Refused, match="pinned"):
        Keeper(tmp_path / "wrong", an_anchor(3, twist=1), clock=clock).take(offer)
    with pytest.raises(Refused, match="older than the keys"):
        Keeper(tmp_path / "old", an_anchor(4), clock=clock).take(offer)
    assert Keeper(tmp_path / "f", an_anchor(), clock=clock).held == follower.held


def test_a_stolen_old_key_cannot_go_on_with_the_log(tmp_path: Path) -> None:
    clock = Clock()
    authority = grown(tmp_path / "c", clock)
    shutil.copytree(tmp_path / "c", tmp_path / "thief")
    authority.rotate(signer(2))
    follower = Keeper(tmp_path / "f", an_anchor(), clock=clock)
    follower.take(authority.keeper.offer())
    thief = Authority(Keeper(tmp_path / "thief", an_anchor(), clock=clock), signer(), clock=clock)
    for _ in range(3):
        thief.change(lambda snapshot: with_member(snapshot, a_member("EVIL")))
    with pytest.raises(Refused):
        follower.take(thief.keeper.offer())
    with pytest.raises(Refused):
        follower.take(thief.keeper.offer(follower.held.facts.size))
    assert not follower.standing.is_known(member("EVIL"))


def test_revocations_of_nobody_and_strangers_are_refused(tmp_path: Path) -> None:
    keeper = grown(tmp_path / "c", Clock()).keeper
    text = notes.text_of(INSTANCE, Revocation(Revoked("member", "TW/GOV/M0", int(START))))
    stranger = signer(1, 5)
    wrong = [
        b"",
        text.encode(),
        note.written(text, (stranger.sign(text),)),
        note.written(text.replace("TW", "XX"), (signer().sign(text.replace("TW", "XX")),)),
        keeper.entries(0, 1)[0],
        keeper.held.checkpoint,
    ]
    for one in wrong:
        with pytest.raises(Refused):
            keeper.take_revocations([one])
    good = note.written(text, (signer().sign(text),))
    with pytest.raises(Refused):
        keeper.take_revocations([good, wrong[2]])
    assert keeper.standing.is_known(member("M0"))
    assert keeper.take_revocations([good]) == 1
    assert keeper.take_revocations([good]) == 0
    assert not keeper.standing.is_known(member("M0"))


def test_a_member_let_in_again_is_known_until_it_is_revoked_again(tmp_path: Path) -> None:
    clock = Clock()
    authority = grown(tmp_path / "c", clock)
    standing = authority.keeper.standing
    authority.revoke("member", "TW/GOV/M0")
    assert not standing.is_known(member("M0"))
    clock.at += 10
    authority.change(lambda snapshot: with_member(snapshot, a_member("M0", since=int(clock.at))))
    assert standing.is_known(member("M0"))
    clock.at += 10
    authority.revoke("member", "TW/GOV/M0")
    assert not standing.is_known(member("M0"))


def test_forked_is_told_from_other_refusals(tmp_path: Path) -> None:
    clock = Clock()
    one, other = a_directory(tmp_path / "1", clock), a_directory(tmp_path / "2", clock)
    follower = Keeper(tmp_path / "f", an_anchor(), clock=clock)
    one.change(lambda snapshot: with_member(snapshot, a_member("GOOD")))
    for name in ("EVIL", "WORSE"):
        other.change(lambda snapshot, n=name: with_member(snapshot, a_member(n)))
    follower.take(one.keeper.offer())
    with pytest.raises(Forked):
        follower.take(other.keeper.offer(follower.held.facts.size))


@pytest.mark.parametrize("which", range(1, 7))
def test_a_full_disk_at_any_write_leaves_what_was_and_the_next_try_works(
    tmp_path: Path, which: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    authority = grown(tmp_path / "c", clock)
    keeper = Keeper(tmp_path / "f", an_anchor(), clock=clock)
    keeper.take(authority.keeper.offer())
    before = keeper.held
    authority.change(lambda snapshot: with_member(snapshot, a_member("LATER")))
    written, put = 0, TileFiles.put

    def count() -> None:
        nonlocal written
        written += 1
        if written == which:
            raise OSError(28, "No space left on device")

    def full(path: Path, content: bytes) -> None:
        count()
        write_file(path, content)

    def full_of_tiles(files: TileFiles, name: str, data: bytes) -> None:
        count()
        put(files, name, data)

    monkeypatch.setattr("banyan.kernel.exchange.directory.keeper.write_file", full)
    monkeypatch.setattr(TileFiles, "put", full_of_tiles)
    try:
        keeper.take(authority.keeper.offer(before.facts.size))
    except OSError:
        assert keeper.held == before
        assert keeper.entries(0) == authority.keeper.entries(0, before.facts.size)
        assert Keeper(tmp_path / "f", an_anchor(), clock=clock).held == before
        assert keeper.take(authority.keeper.offer(before.facts.size))
    else:
        assert written < which, "there are no more writes than these"
    assert keeper.standing.is_known(member("LATER"))
    assert keeper.evidence == ()


def test_what_was_taken_is_in_force_when_the_disk_is_full_before_moot_ends_are_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    authority = a_directory(tmp_path / "c", clock, ("CENTRE", "M0"))
    keeper = Keeper(tmp_path / "f", an_anchor(), clock=clock)
    keeper.take(authority.keeper.offer())
    key = a_key("M0")
    keeper.take_revocations([notes.end_of_key(INSTANCE, member("M0"), public_der(key), int(START), key.sign)])
    clock.at += 60
    authority.change(lambda snapshot: with_member(snapshot, a_member("M0", number=1)))

    def full(path: Path, content: bytes) -> None:
        if path.name == "revocations.json":
            raise OSError(28, "No space left on device")
        write_file(path, content)

    monkeypatch.setattr("banyan.kernel.exchange.directory.keeper.write_file", full)
    with pytest.raises(OSError, match="No space"):
        keeper.take(authority.keeper.offer(keeper.held.facts.size))
    assert keeper.standing.version == "2"
    assert keeper.revocations == ()
    monkeypatch.undo()
    assert Keeper(tmp_path / "f", an_anchor(), clock=clock).revocations == ()


def test_evidence_that_comes_before_the_first_log_alerts_officers(tmp_path: Path) -> None:
    clock = Clock()
    one, other = a_directory(tmp_path / "1", clock), a_directory(tmp_path / "2", clock)
    for authority, name in ((one, "GOOD"), (other, "EVIL")):
        authority.change(lambda snapshot, n=name: with_member(snapshot, a_member(n)))
    keeper = Keeper(tmp_path / "f", an_anchor(), clock=clock)
    assert keeper.accuse(evidence.roots(one.keeper.held.checkpoint, other.keeper.held.checkpoint))
    assert "two different logs" in keeper.alerts[0]


def test_a_thousand_acts_in_a_second_do_not_run_ahead_of_the_clock(tmp_path: Path) -> None:
    clock = Clock()
    authority = a_directory(tmp_path / "c", clock)
    for number in range(40):
        authority.revoke("key", f"x{number}")
    assert authority.keeper.held.at == int(clock.at)


WRITER = """
import sys
from pathlib import Path
from tests.kernel.exchange.directory.nation import *
folder, clock = Path(sys.argv[1]), Clock()
authority = Authority(Keeper(folder / "c", an_anchor(), clock=clock), signer(), clock=clock)
keeper = Keeper(folder / "f", an_anchor(), clock=clock)
while True:
    clock.at += 1
    number = authority.snapshot.version
    authority.change(lambda snapshot: with_member(snapshot, a_member(f"M{number % 9}", since=number)))
    keeper.take_revocations([authority.revoke("key", f"TW/GOV/M{number % 9}#{number}")])
    keeper.take(authority.keeper.offer(keeper.held.facts.size))
    print(keeper.standing.version, flush=True)
"""


@pytest.mark.parametrize("kills", [2, pytest.param(30, marks=pytest.mark.slow)])
def test_kill_at_any_moment_loses_nothing_that_was_taken(tmp_path: Path, kills: int) -> None:
    """The authority and a gateway in one process, killed at a drawn line of its output."""
    a_directory(tmp_path / "c", Clock())
    dice, last = random.Random(5), 0
    for _ in range(kills):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])},
        )
        assert process.stdout is not None
        lines = [int(process.stdout.readline()) for _ in range(1 + dice.randrange(6))]
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().split()
        process.wait()
        process.stdout.close()
        last = max([last, *lines, *map(int, rest)])
        keeper = Keeper(tmp_path / "f", an_anchor(), clock=Clock())
        centre = Keeper(tmp_path / "c", an_anchor(), clock=Clock())
        assert int(keeper.standing.version) >= last
        assert int(centre.standing.version) >= int(keeper.standing.version)
        assert centre.entries(0, keeper.held.facts.size) == keeper.entries(0)
        assert not list((tmp_path / "f").glob("*.tmp"))
        assert len(list((tmp_path / "f").glob("snapshot-*.json"))) == 1
