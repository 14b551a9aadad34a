"""Our log before strangers: Go's sumdb/tlog and note, aics-tlog, aics-witness, tlog-scales. All find it good, and none
takes it with a bit flipped. 70,000 entries reach the third level of tiles."""

from __future__ import annotations

import asyncio
import base64
import os
import random
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from tests.kernel.ledger.conftest import KEYS, ORIGIN
from tests.kernel.ledger.test_log import LOGS
from tests.kernel.ledger.witnesses import (
    PROOF,
    aics_serving,
    make_aics_witness,
    our_witness,
    witness_keys,
)
from tests.portal import free_port

from banyan.kernel.ledger.cosigning import Cosigner, Cosigning
from banyan.kernel.ledger.entries import act_entry
from banyan.kernel.ledger.log import Ledger
from banyan.kernel.storage.migrations import load_steps, migrate
from banyan.kernel.storage.sqlite import SqliteStore
from banyan.wire.tlog.merkle import consistency_proof, inclusion_proof
from banyan.wire.tlog.policy import Policy, parse_policy
from banyan.wire.tlog.proof import parse_receipt, verify_receipt

HERE = Path(__file__).parent
SIZE = 70_000
INDEXES = (0, 1, 255, 256, 65_535, 65_536, 69_631, 69_999)
OLDS = (1, 2, 256, 65_000, 65_536, 69_999)

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(not PROOF.exists(), reason="needs .venv-proof (./banyan test makes it)"),
]


class World(msgspec.Struct):
    """A published log of ours under two witnesses, and the proofs we make of it for Go."""

    folder: Path
    ledger: Ledger
    policy: Policy
    proofs: list[str]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The log is cosigned by aics-witness, which runs for this only, and by our own witness."""
    folder = tmp_path_factory.mktemp("strangers")
    store = SqliteStore(folder / "records.db")
    migrate(store, "banyan.kernel.ledger", load_steps("banyan.kernel.ledger"), at=0.0)
    ledger = Ledger(store, folder / "log", KEYS, random=lambda size: sha256(b"strangers").digest()[:size])
    aics_vkey, port = make_aics_witness(folder / "aics", ORIGIN, KEYS.vkeys[0]), free_port()
    with our_witness(folder / "ours", witness_keys(), {ORIGIN: KEYS.vkeys}, time.time) as url:
        policy = parse_policy(
            f"witness aics {aics_vkey} http://127.0.0.1:{port}\nwitness ours {witness_keys().witness_vkey} {url}\n"
            "group both all aics ours\nquorum both\n"
        )
        with aics_serving(folder / "aics", port):
            asyncio.run(grown(ledger, policy))
    checkpoint = asyncio.run(ledger.head()).checkpoint
    (folder / "log/checkpoint").write_bytes(checkpoint)
    yield World(folder / "log", ledger, policy, asyncio.run(proofs_of(ledger)))
    store.shut()


async def grown(ledger: Ledger, policy: Policy) -> None:
    told: list[Cosigning] = []
    cosigner = Cosigner(policy, clock=time.time, report=told.append, wait_s=20.0)
    for size in (1, 300, 65_000, SIZE):
        await many(ledger, (await ledger.head()).entries, size)
        checkpoint = await ledger.publish(int(time.time()), cosigner)
        assert checkpoint is not None
        assert checkpoint.size == size
        assert told[-1].is_met, told[-1]
    # A log that forgot what it was told gets a 409 with the size, and the cosignature by a proof from there.
    head, tree = await ledger.head(), await ledger.tree()
    await Cosigner(policy, clock=time.time, report=told.append, wait_s=20.0)(7, head.checkpoint, tree)
    assert [one.result for one in told[-1].witnesses] == ["cosigned", "cosigned"]
    cosigner.close()


async def many(ledger: Ledger, start: int, end: int) -> None:
    for first in range(start, end, 5_000):
        numbers = range(first, min(first + 5_000, end))
        await asyncio.gather(*(ledger.append(act_entry("act", number=number)) for number in numbers))


async def proofs_of(ledger: Ledger) -> list[str]:
    tree = await ledger.tree()
    lines = [f"record {index} {hashes(inclusion_proof(index, SIZE, tree.subtree))}" for index in INDEXES]
    for old in OLDS:
        root = base64.b64encode(tree.root(old)).decode()
        lines.append(f"tree {old} {root} {hashes(consistency_proof(old, SIZE, tree.subtree))}")
    return lines


def hashes(proof: Sequence[bytes]) -> str:
    return ",".join(base64.b64encode(one).decode() for one in proof) or "-"


@pytest.fixture(scope="module")
def go_check(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """check.go with Go's own note and tlog, built offline; kept beside the compiler until either changes."""
    source = (HERE / "check.go").read_bytes()
    compiler = next((PROOF.parent / "lib").glob("python3*/site-packages/go"))
    binary = PROOF.parent / f"check-{sha256(source + (compiler / 'VERSION').read_bytes()).hexdigest()[:16]}"
    if binary.exists():
        return binary
    folder = tmp_path_factory.mktemp("go")
    shutil.copytree(compiler / "src/cmd/vendor/golang.org/x/mod/sumdb", folder / "mod/sumdb")
    for unneeded in (folder / "mod/sumdb").glob("*.go"):
        unneeded.unlink()
    (folder / "mod/go.mod").write_text("module golang.org/x/mod\n\ngo 1.25\n", encoding="utf-8")
    parts = ["module banyan.example/check", "go 1.25", "require golang.org/x/mod v0.0.0"]
    parts.append("replace golang.org/x/mod => ./mod\n")
    (folder / "go.mod").write_text("\n\n".join(parts), encoding="utf-8")
    (folder / "main.go").write_bytes(source)
    offline = {"GOPROXY": "off", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod", "CGO_ENABLED": "0"}
    places = {"HOME": str(folder), "GOPATH": str(folder / "path"), "GOCACHE": str(PROOF.parent / "go-cache")}
    built = folder / "check"
    subprocess.run(
        [PROOF / "go", "build", "-o", built, "."], cwd=folder, env={**os.environ, **offline, **places}, check=True
    )
    shutil.copy(built, binary.with_suffix(".new"))
    binary.with_suffix(".new").rename(binary)
    return binary


def go(check: Path, folder: Path, lines: Sequence[str]) -> subprocess.CompletedProcess[str]:
    command = [check, *KEYS.vkeys, folder]
    return subprocess.run(command, input="\n".join(lines), capture_output=True, text=True, check=False)


def aics(world: World, folder: Path, quorum: int = 2) -> subprocess.CompletedProcess[str]:
    witnesses = [one.vkey for one in world.policy.witnesses]
    command = [PROOF / "python", HERE / "aics_check.py", "log", folder, KEYS.vkeys[0], str(quorum), *witnesses]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_go_reads_every_entry_and_takes_every_proof(world: World, go_check: Path) -> None:
    """Both signatures too: Ed25519 by Go's note, ML-DSA-44 by Go's crypto/mldsa over a message made in check.go."""
    done = go(go_check, world.folder, world.proofs)
    assert (done.returncode, done.stdout) == (0, f"{SIZE} entries, {len(world.proofs)} proofs\n"), done.stderr


def test_go_refuses_any_flipped_bit(world: World, go_check: Path, tmp_path: Path) -> None:
    folder = tmp_path / "log"
    shutil.copytree(world.folder, folder)
    for path in damageable(folder):
        whole = path.read_bytes()
        path.write_bytes(flipped(path, whole))
        assert go(go_check, folder, []).returncode != 0, path
        path.write_bytes(whole)
    assert go(go_check, folder, []).returncode == 0
    dice = random.Random(4)
    for line in world.proofs:
        words = line.split()
        if words[-1] == "-":
            continue
        for place in (1, -1):
            lie = words.copy()
            lie[place] = str(int(lie[1]) ^ 1) if place == 1 else torn(lie[-1], dice)
            done = go(go_check, folder, [" ".join(lie)])
            assert done.returncode != 0, lie
            assert done.stderr


def damageable(folder: Path) -> list[Path]:
    """The checkpoint, and a tile or bundle of each kind: full and partial, first and last. What grew beyond (a partial
    tile that a fuller one replaced) no reader of this checkpoint asks for."""
    tiles = ("0/000", "0/255", "0/273.p/112", "1/000", "1/001.p/17", "2/000.p/1",
             "entries/000", "entries/128", "entries/273.p/112")  # fmt: skip
    return [folder / "checkpoint", *(folder / "tile" / name for name in tiles)]


def flipped(path: Path, whole: bytes) -> bytes:
    """One bit, in the middle; of a checkpoint in its size, of a bundle inside an entry."""
    place = whole.index(b"\n") + 1 if path.name == "checkpoint" else len(whole) // 2
    return whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]


def torn(text: str, dice: random.Random) -> str:
    parts = text.split(",")
    which = dice.randrange(len(parts))
    raw = bytearray(base64.b64decode(parts[which]))
    raw[dice.randrange(32)] ^= 1 << dice.randrange(8)
    parts[which] = base64.b64encode(raw).decode()
    return ",".join(parts)


def test_aics_tlog_verifies_the_quorum_and_audits_every_tile(world: World, tmp_path: Path) -> None:
    done = aics(world, world.folder)
    assert done.stdout == f"{SIZE} entries, 277 tiles, 274 bundles, 2 cosignatures\n", done.stderr
    assert "quorum" in aics(world, world.folder, 3).stderr
    folder = tmp_path / "log"
    shutil.copytree(world.folder, folder)
    for path in damageable(folder):
        whole = path.read_bytes()
        path.write_bytes(flipped(path, whole))
        assert aics(world, folder).returncode != 0, path
        path.write_bytes(whole)
    lines = (folder / "checkpoint").read_text(encoding="utf-8").splitlines(keepends=True)
    torn_line = lines[-1][:-9] + ("A" if lines[-1][-9] != "A" else "B") + lines[-1][-8:]
    (folder / "checkpoint").write_text("".join([*lines[:-1], torn_line]), encoding="utf-8")
    assert aics(world, folder).returncode != 0, "a cosignature with a bit flipped"


def test_a_receipt_by_tlog_scales_is_ours(world: World) -> None:
    """Their tool makes a tlog-proof from our tiles; our verifier takes it, and no other entry by it."""
    witnesses = [one.verifier for one in world.policy.witnesses]
    for index in (0, 65_536, SIZE - 1):
        command = [PROOF / "tlog-tiles", "gen-proof", world.folder, str(index)]
        receipt = parse_receipt(subprocess.run(command, capture_output=True, check=True).stdout)
        ours = asyncio.run(world.ledger.receipt(index))
        assert ours is not None
        assert receipt == ours
        entry = asyncio.run(world.ledger.entry(index))
        assert verify_receipt(receipt, entry, logs=LOGS, witnesses=witnesses, quorum=2).size == SIZE
        with pytest.raises(ValueError, match="root"):
            verify_receipt(receipt, entry + b" ", logs=LOGS, witnesses=witnesses, quorum=2)


def test_we_are_the_witness_of_their_log(tmp_path: Path) -> None:
    """aics-witness' own client gets our cosignatures as its log grows; not for a log rolled back, not for a fork."""
    python, script = PROOF / "python", HERE / "aics_check.py"
    vkey = subprocess.run([python, script, "key"], capture_output=True, text=True, check=True).stdout.strip()
    keys = witness_keys(5)
    with our_witness(tmp_path, keys, {vkey.split("+")[0]: [vkey]}, time.time) as url:
        command = [python, script, "feed", url, keys.witness_vkey]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "4 cosigned\n"), done.stderr


def test_a_witness_that_is_killed_and_comes_back(tmp_path: Path) -> None:
    """Publishing goes on without it, and once it is back it cosigns from where it was."""
    folder, port = tmp_path / "aics", free_port()
    vkey = make_aics_witness(folder, ORIGIN, KEYS.vkeys[0])
    policy = parse_policy(f"witness aics {vkey} http://127.0.0.1:{port}\nquorum aics\n")
    store = SqliteStore(tmp_path / "records.db")
    migrate(store, "banyan.kernel.ledger", load_steps("banyan.kernel.ledger"), at=0.0)
    told: list[Cosigning] = []

    async def publish(ledger: Ledger, cosigner: Cosigner) -> str:
        await ledger.append(act_entry("act", number=len(told)))
        assert await ledger.publish(int(time.time()), cosigner) is not None
        return told[-1].witnesses[0].result

    async def story() -> None:
        ledger = Ledger(store, tmp_path / "log", KEYS, random=bytes)
        cosigner = Cosigner(policy, clock=time.time, report=told.append)
        with aics_serving(folder, port) as process:
            assert await publish(ledger, cosigner) == "cosigned"
            process.kill()
            process.wait()
            assert await publish(ledger, cosigner) == "unreachable"
        with aics_serving(folder, port):
            assert await publish(ledger, cosigner) == "cosigned"
        cosigner.close()

    asyncio.run(story())
    store.shut()
