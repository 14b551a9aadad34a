"""A gateway's log before strangers: Go's sumdb/tlog and note, aics-tlog. Both find it good as it stands in its folder
after several rounds, and neither takes it with a bit flipped."""

from __future__ import annotations

import asyncio
import base64
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.kernel.exchange.messages.house import a_log, exchanged, keep_all
from tests.kernel.ledger.test_strangers import flipped, go_check  # noqa: F401 - the fixture builds Go's checker once
from tests.kernel.ledger.witnesses import PROOF

from banyan.wire.tlog.proof import parse_receipt

SIZE = 1_501
AICS = Path(__file__).parents[2] / "ledger" / "aics_check.py"
pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(not PROOF.exists(), reason="needs .venv-proof (./banyan test makes it)"),
]


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[str, str], list[str]]:
    """The log's folder, its keys, and proofs from receipts as check.go reads them."""
    folder = tmp_path_factory.mktemp("strangers")

    async def story() -> tuple[tuple[str, str], list[str]]:
        async with a_log(folder / "log") as opened:
            for start in range(0, SIZE - 1, 500):
                await keep_all(opened, range(start, start + 500))
                await opened.messages.publish()
            lines = []
            for number in (0, 255, 1_023, SIZE - 2):
                found = await opened.messages.prove(exchanged(number).xid, "client")
                assert found is not None
                receipt = parse_receipt(found.receipt)
                hashes = ",".join(base64.b64encode(one).decode() for one in receipt.proof)
                lines.append(f"record {receipt.index} {hashes}")
            return opened.keys.vkeys, lines

    vkeys, lines = asyncio.run(story())
    return folder / "log/log", vkeys, lines


def go(check: Path, vkeys: Sequence[str], folder: Path, lines: Sequence[str]) -> subprocess.CompletedProcess[str]:
    command = [check, *vkeys, folder]
    return subprocess.run(command, input="\n".join(lines), capture_output=True, text=True, check=False)


def aics(vkey: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [PROOF / "python", AICS, "log", folder, vkey, "0"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_go_and_aics_read_every_entry(logged: tuple[Path, tuple[str, str], list[str]], go_check: Path) -> None:  # noqa: F811
    folder, vkeys, lines = logged
    done = go(go_check, vkeys, folder, lines)
    assert (done.returncode, done.stdout) == (0, f"{SIZE} entries, 4 proofs\n"), done.stderr
    told = aics(vkeys[0], folder)
    assert told.stdout.startswith(f"{SIZE} entries, "), told.stderr


def test_neither_takes_a_flipped_bit(
    logged: tuple[Path, tuple[str, str], list[str]],
    go_check: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    folder, vkeys, lines = logged
    copy = tmp_path / "log"
    shutil.copytree(folder, copy)
    damaged = [copy / "checkpoint", *(path for path in (copy / "tile").rglob("*") if path.is_file())]
    for path in damaged[:: max(1, len(damaged) // 9)]:
        whole = path.read_bytes()
        path.write_bytes(flipped(path, whole))
        assert go(go_check, vkeys, copy, []).returncode != 0, path
        assert aics(vkeys[0], copy).returncode != 0, path
        path.write_bytes(whole)
    for line in lines:
        kind, index, hashes = line.split()
        done = go(go_check, vkeys, copy, [f"{kind} {int(index) ^ 1} {hashes}"])
        assert done.returncode != 0, line
