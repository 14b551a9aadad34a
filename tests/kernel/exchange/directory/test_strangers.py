"""The directory's log before Go's own note and tlog: a gateway's copy is good to them, with a bit flipped it is not.

Go reads each entry, checks both signatures of the checkpoint (Ed25519 and ML-DSA-44) and proofs that we make."""

from __future__ import annotations

import base64
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.kernel.exchange.directory.nation import INSTANCE, START, Clock, a_directory, an_anchor, signer
from tests.kernel.ledger.test_strangers import go_check
from tests.kernel.ledger.witnesses import PROOF

from banyan.kernel.exchange.directory import notes
from banyan.kernel.exchange.directory.document import Revoked
from banyan.kernel.exchange.directory.keeper import Keeper
from banyan.kernel.exchange.directory.notes import Revocation
from banyan.wire.tlog import note

__all__ = ["go_check"]
SIZE = 600
pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(not PROOF.exists(), reason="needs .venv-proof (./banyan test makes it)"),
]


def a_revocation(number: int) -> bytes:
    text = notes.text_of(INSTANCE, Revocation(Revoked("key", f"TW/GOV/M{number}#0", int(START))))
    return note.written(text, (signer().sign(text),))


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Keeper:
    """A gateway's copy of a log of 600 entries: two tiles full, one begun."""
    folder = tmp_path_factory.mktemp("directory")
    authority = a_directory(folder / "c", Clock())
    authority._append([a_revocation(number) for number in range(SIZE - 2)], b"")
    keeper = Keeper(folder / "f", an_anchor(), clock=Clock())
    keeper.take(authority.keeper.offer())
    tiles = folder / "f" / "tiles"
    (tiles / "checkpoint").write_bytes(keeper.held.checkpoint)
    return keeper


def go(check: Path, tiles: Path, lines: str = "") -> subprocess.CompletedProcess[str]:
    command = [check, *signer().keys.vkeys, tiles]
    return subprocess.run(command, input=lines, capture_output=True, text=True, check=False)


def test_go_reads_every_entry_and_takes_our_proofs(copy: Keeper, go_check: Path) -> None:
    lines = []
    for index in (0, 1, 255, 256, 511, 512, SIZE - 1):
        proof = ",".join(base64.b64encode(one).decode() for one in copy.receipt(index).proof)
        lines.append(f"record {index} {proof}")
    done = go(go_check, tiles_of(copy), "\n".join(lines))
    assert (done.returncode, done.stdout) == (0, f"{SIZE} entries, {len(lines)} proofs\n"), done.stderr


def test_go_refuses_a_flipped_bit_anywhere(copy: Keeper, go_check: Path, tmp_path: Path) -> None:
    tiles = tmp_path / "tiles"
    shutil.copytree(tiles_of(copy), tiles)
    for name in ("checkpoint", "tile/0/000", "tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/001"):
        path = tiles / name
        whole = path.read_bytes()
        at = len(whole) // 2 if name != "checkpoint" else whole.index(b"\n") + 1
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert go(go_check, tiles).returncode != 0, name
        path.write_bytes(whole)
    assert go(go_check, tiles).returncode == 0


def tiles_of(keeper: Keeper) -> Path:
    return keeper.folder / "tiles"
