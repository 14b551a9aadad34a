"""SEMIC's own shapes over our catalogue, run by pyshacl in the peers' environment."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from tests.wire.dcat import catalogue as made

from banyan.wire import dcat

ROOT = Path(__file__).parents[3]
SHAPES = ROOT.parent / "shared" / "data" / "opendata" / "dcat-ap-3.0.1"
PEERS = ROOT / ".venv-peers" / "bin" / "python"

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(not SHAPES.exists() or not PEERS.exists(), reason="needs ../shared/data and .venv-peers"),
]


def validate(file: Path) -> dict[str, int]:
    tool = ROOT / "tools" / "shacl.py"
    done = subprocess.run([PEERS, tool, file, "--shapes", SHAPES], capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    found: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_a_full_catalogue_has_no_violation_and_no_warning(tmp_path: Path) -> None:
    datasets = [made.a_dataset("mask"), made.a_dataset("pharmacy")]
    file = tmp_path / "catalog.ttl"
    file.write_bytes(b"".join(made.a_page("ttl", datasets, made.a_paging(2))))
    assert validate(file) == {"shapes": 0, "range": 0, "recommended": 0}


def test_a_bare_dataset_has_no_violation(tmp_path: Path) -> None:
    bare = dcat.Dataset(
        iri=f"{made.SITE}/dataset/x#dataset",
        identifier="x",
        title={"zh-Hant": "甲"},
        description={"zh-Hant": "乙"},
        landing_page=f"{made.SITE}/dataset/x",
    )
    file = tmp_path / "catalog.ttl"
    file.write_bytes(b"".join(made.a_page("ttl", [bare], made.a_paging(1))))
    found = validate(file)
    assert (found["shapes"], found["range"]) == (0, 0)
    assert found["recommended"] > 0
