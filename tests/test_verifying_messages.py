"""`./banyan verify` of a message of the road: the real verb over what `/asic` gave, once as a process of its own."""

from __future__ import annotations

import io
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.kernel.exchange.road.edges.exchanges import KEYS, NOW, public
from tests.kernel.exchange.road.edges.test_container import ASIC, got, unzipped
from tests.kernel.exchange.road.edges.world import NHI, NIA, text_of

from banyan.cli import main
from banyan.kernel.exchange.directory.document import Key, Member, Name, Revoked, Snapshot, encode, key_name


class Answer(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


def verified(*arguments: str | Path) -> Answer:
    """The verb in this process."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["verify", *map(str, arguments)])
    return Answer(code, out.getvalue(), err.getvalue())


def a_snapshot(*, since: int = NOW - 10, revoked: tuple[Revoked, ...] = ()) -> bytes:
    members = tuple(
        Member(one.member_class, one.member, Name(en=one.member), since, (Key(public(one), since, NOW + 10_000),))
        for one in KEYS
    )
    return encode(Snapshot("TW", 7, NOW, members, revoked=revoked))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A download of both messages of an exchange, and the file of the log's keys."""
    folder = tmp_path_factory.mktemp("download")
    (answer,), _ = got(folder / "m", ASIC)
    (folder / "m-1.zip").write_bytes(text_of(answer))
    return folder / "m-1.zip", folder / "m" / "log" / "log.vkeys"


def test_a_download_holds_and_says_what_it_proves(kept: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "snapshot.json").write_bytes(a_snapshot())
    command = [sys.executable, "-m", "banyan", "verify", str(kept[0]), "--keys", str(kept[1])]
    command += ["--directory", str(tmp_path / "snapshot.json")]
    found = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (found.returncode, found.stdout.count("成立 HOLDS")) == (0, 2), found.stderr
    assert "response of TW/GOV/nhi/care to TW/GOV/nia/border/travel, status 200" in found.stdout
    assert "key: by the directory" in found.stdout


def test_one_container_alone_names_its_own_key(kept: tuple[Path, Path], tmp_path: Path) -> None:
    for name, content in unzipped(kept[0].read_bytes()).items():
        (tmp_path / name).write_bytes(content)
        found = verified(tmp_path / name, "--keys", kept[1])
        assert found.returncode == 0, found.stderr
        assert "named by itself" in found.stdout


@pytest.mark.parametrize(
    "snapshot",
    [
        a_snapshot(since=NOW + 5_000),
        a_snapshot(revoked=(Revoked("key", key_name(NHI, public(NHI)), NOW),)),
        encode(Snapshot("TW", 7, NOW)),
    ],
    ids=["later", "revoked before", "unknown"],
)
def test_a_key_that_was_not_in_force_does_not_do(kept: tuple[Path, Path], tmp_path: Path, snapshot: bytes) -> None:
    (tmp_path / "snapshot.json").write_bytes(snapshot)
    found = verified(kept[0], "--keys", kept[1], "--directory", tmp_path / "snapshot.json")
    assert found.returncode == 1
    assert "不成立 DOES NOT HOLD" in found.stderr


def test_a_changed_download_does_not_hold(kept: tuple[Path, Path], tmp_path: Path) -> None:
    data = kept[0].read_bytes()
    for old, new in ((b"A123456789", b"A123456780"), (b'"travelled": true', b'"travelled": null')):
        assert old in data
        (tmp_path / "changed.zip").write_bytes(data.replace(old, new))
        assert verified(tmp_path / "changed.zip", "--keys", kept[1]).returncode != 0


def test_the_hospitals_key_revoked_afterwards_still_proves_what_was_signed(
    kept: tuple[Path, Path], tmp_path: Path
) -> None:
    later = (Revoked("key", key_name(NIA, public(NIA)), NOW + 100),)
    (tmp_path / "snapshot.json").write_bytes(a_snapshot(revoked=later))
    found = verified(kept[0], "--keys", kept[1], "--directory", tmp_path / "snapshot.json")
    assert found.returncode == 0, found.stderr
