"""The lapse: at its last second an order's data is gone from the database, the lake, the journal and every backup."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from tests.kernel.policy.test_judging import NOW
from tests.service.powers.world import CDC, COURT, NHI, World, declaration, in_a_node, moment

from banyan.errors import Unavailable
from banyan.kernel.events import timers
from banyan.kernel.exchange import Refused
from banyan.kernel.exchange.attendant import Attendant
from banyan.kernel.identity.vault import Destroyed
from banyan.kernel.policy import orders, records
from banyan.node import KEYS_FOLDER
from banyan.service.powers.parts import SERVICE

PERSON, SECRET = b"person-1", b"home isolation, Zhongshan Road 7"
SCOPE = "order:o-1"
KEY_FILE_MOST = 4_096
"""Keys are looked for in files up to this size, at every byte; bigger files are tables and logs."""


async def run_timers(world: World) -> None:
    """One turn of the node's own attendant."""
    said: list[str] = []
    attendant = Attendant(
        SERVICE,
        world.node.drawers["powers"],
        world.node.gate,
        log=lambda name, fields: said.append(f"{name} {fields}"),
        jitter=random.random,
    )
    await attendant._due()
    assert said == []


def deletions(entries: list[dict[str, object]]) -> list[dict[str, object]]:
    return [one for one in entries if one["kind"] == "deletion"]


def keys_that_open(wrapped: bytes, folders: list[Path]) -> Iterator[Path]:
    """Files that hold a key the wrapped key opens with: what a thief of these folders would try."""
    bound = SCOPE.encode() + b"\0" + PERSON
    for folder in folders:
        for path in folder.rglob("*"):
            if not path.is_file() or path.stat().st_size > KEY_FILE_MOST:
                continue
            content = path.read_bytes()
            for start in range(len(content) - 31):
                try:
                    AESGCM(content[start : start + 32]).decrypt(wrapped[:12], wrapped[12:], bound)
                except InvalidTag:
                    continue
                yield path


def wrapped_in(folder: Path) -> bytes | None:
    """The wrapped key as a copy of the database holds it."""
    path = folder / "identity" / "records.db"
    with sqlite3.connect(path) as database:
        (row,) = database.execute("select wrapped from vault_key where scope = ?", (SCOPE,)).fetchall()
    database.close()
    return bytes(row[0]) if row[0] is not None else None


def test_what_was_sealed_is_unreadable_everywhere_also_in_a_backup(tmp_path: Path) -> None:
    data, backup = tmp_path / "data", tmp_path / "backup"
    kept: list[bytes] = []

    async def collect(world: World) -> None:
        await world.in_force("standing", {}, None)
        sealed = await world.node.scopes.seal(SCOPE, PERSON, SECRET)
        drawer = world.node.drawers["travel"]
        await drawer.sql.write(lambda tx: timers.set(tx, "kept", "row", NOW, sealed))
        staged = drawer.work / "part"
        staged.write_bytes(sealed)
        drawer.lake.adopt(staged, "fences/1.bin")
        await drawer.journal("fences").append(sealed)
        assert await world.node.scopes.open(SCOPE, PERSON, sealed) == SECRET
        kept.append(sealed)

    async def lapse(world: World) -> None:
        world.now[0] = NOW + 500
        await run_timers(world)
        drawer = world.node.drawers["travel"]
        (row,) = await timers.claim(drawer.sql, now=world.node.gate.clock(), lease_s=1.0)
        copies = [
            row.body,
            drawer.lake.path("fences/1.bin").read_bytes(),
            next(payload for _, payload in drawer.journal("fences").replay()),
        ]
        assert copies == kept * 3, "the copies are still there: it is their key that is gone"
        for copy in copies:
            with pytest.raises(Destroyed):
                await world.node.scopes.open(SCOPE, PERSON, copy)
        with pytest.raises(Destroyed):
            await world.node.scopes.seal(SCOPE, b"person-2", b"late")
        (receipt,) = deletions(await world.entries())
        assert receipt == {"v": 1, "kind": "deletion", "order": "o-1", "keys": 1, "at": NOW + 500}

    in_a_node(collect, folder=data)
    shutil.copytree(data, backup, ignore=lambda folder, _: {KEYS_FOLDER} if Path(folder) == data else set())
    wrapped = wrapped_in(backup)
    assert wrapped is not None
    found = list(keys_that_open(wrapped, [data]))
    assert [path.parent for path in found] == [data / KEYS_FOLDER], "before the lapse the key is there, and only there"
    assert list(keys_that_open(wrapped, [backup])) == [], "a backup without the keys folder was never readable"
    in_a_node(lapse, folder=data)
    assert wrapped_in(data) is None
    assert list(keys_that_open(wrapped, [data, backup])) == []
    for folder in (data, backup):
        for path in folder.rglob("*"):
            assert not path.is_file() or SECRET not in path.read_bytes()


def test_a_restored_backup_opens_nothing_and_the_restored_node_destroys_again(tmp_path: Path) -> None:
    data, backup = tmp_path / "data", tmp_path / "backup"
    kept: list[bytes] = []

    async def collect(world: World) -> None:
        await world.in_force("standing", {}, None)
        kept.append(await world.node.scopes.seal(SCOPE, PERSON, SECRET))

    async def restored(world: World) -> None:
        with pytest.raises(Destroyed):
            await world.node.scopes.open(SCOPE, PERSON, kept[0])

    async def end(world: World) -> None:
        await world.call("end_order", {"id": "o-1"}, CDC)

    in_a_node(collect, folder=data)
    shutil.copytree(data, backup)  # against the rule: with the keys folder
    in_a_node(end, folder=data)
    for path in (data / "identity").iterdir():
        if path.is_file():
            shutil.copy(backup / "identity" / path.name, path)
    for path in (backup / KEYS_FOLDER).glob("*.key"):
        shutil.copy(path, data / KEYS_FOLDER / path.name)
    assert list(keys_that_open(wrapped_in(data) or b"", [data]))
    in_a_node(restored, folder=data)
    assert wrapped_in(data) is None, "the start destroys anew what an ended order's backup brought back"
    assert list((data / KEYS_FOLDER).glob("*.key")) == []
    shutil.rmtree(backup / KEYS_FOLDER)

    async def without_keys(world: World) -> None:
        with pytest.raises(Unavailable, match="missing"):
            await world.node.scopes.open(SCOPE, PERSON, kept[0])

    in_a_node(without_keys, folder=backup)


def test_it_lapses_at_its_second_and_not_before_and_once(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        await world.in_force("standing", {}, None)
        sealed = await world.node.scopes.seal(SCOPE, PERSON, SECRET)
        await world.use()
        world.now[0] = NOW + 499
        await run_timers(world)
        assert await world.node.scopes.open(SCOPE, PERSON, sealed) == SECRET
        await world.call("extend_order", {"id": "o-1", "until": moment(NOW + 700)}, COURT)
        world.now[0] = NOW + 500
        await run_timers(world)
        assert await world.node.scopes.open(SCOPE, PERSON, sealed) == SECRET
        assert (await world.use()).flag is True
        world.now[0] = NOW + 700
        with pytest.raises(Refused) as refused:
            await world.use()
        assert refused.value.decision.missing == ("order",)
        for _ in range(2):
            await run_timers(world)
        with pytest.raises(Destroyed):
            await world.node.scopes.open(SCOPE, PERSON, sealed)
        assert len(deletions(await world.entries())) == 1

    async def again(world: World) -> None:
        await run_timers(world)
        assert len(deletions(await world.entries())) == 1

    in_a_node(story, again, again, folder=tmp_path)


def test_an_order_that_ended_while_the_node_was_down_lapses_at_its_start(tmp_path: Path) -> None:
    async def before(world: World) -> None:
        await world.in_force("standing", {}, None)
        await world.node.scopes.seal(SCOPE, PERSON, SECRET)
        world.now[0] = NOW + 10_000

    async def after(world: World) -> None:
        (receipt,) = deletions(await world.entries())
        assert (receipt["order"], receipt["keys"], receipt["at"]) == ("o-1", 1, NOW + 10_000)

    in_a_node(before, after, after, folder=tmp_path)


def test_a_crash_after_the_keys_and_before_the_receipt_is_finished(
    tmp_path: Path,
) -> None:
    async def crash(world: World) -> None:
        await world.in_force("standing", {}, None)
        await world.node.scopes.seal(SCOPE, PERSON, SECRET)
        order = await world.policy.read(lambda tx: records.order_by_id(tx, "o-1"))
        ended = orders.end(order, NOW)
        assert isinstance(ended, orders.Order)
        await world.policy.write(lambda tx: records.put_order(tx, ended))
        await world.node.scopes.destroy_scope(SCOPE, at=NOW)
        assert deletions(await world.entries()) == []

    async def after(world: World) -> None:
        assert [one["keys"] for one in deletions(await world.entries())] == [1]

    in_a_node(crash, after, folder=tmp_path)


def test_an_order_nobody_approved_leaves_no_receipt(tmp_path: Path) -> None:
    async def before(world: World) -> None:
        await world.call("declare_order", declaration(), CDC)
        world.now[0] = NOW + 10_000

    async def after(world: World) -> None:
        await run_timers(world)
        assert deletions(await world.entries()) == []
        with pytest.raises(Exception, match="does not wait"):
            await world.call("approve_order", {"id": "o-1"}, NHI)

    in_a_node(before, after, folder=tmp_path)


def test_a_lapse_that_cannot_be_written_down_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(world: World) -> None:
        await world.in_force("standing", {}, None)
        await world.node.scopes.seal(SCOPE, PERSON, SECRET)
        world.now[0] = NOW + 500

        async def full(*_: object) -> int:
            raise Unavailable("the disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(world.node.lawful.ledger, "append_once", full)
            with pytest.raises(AssertionError, match="unavailable"):
                await run_timers(world)
        world.now[0] = NOW + 10_000
        await run_timers(world)
        assert len(deletions(await world.entries())) == 1

    in_a_node(story, folder=tmp_path)
