"""The field's own clients against a live node: npm openid-client and oauth4webapi from end to end."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.kernel.identity.openid.making import EC
from tests.service.identity.house import a_live_house

PEERS = Path(__file__).parent / "peers"
pytestmark = pytest.mark.peers


def ran(script: str, *arguments: str) -> str:
    """What a Node script says; it must end well."""
    node = shutil.which("node")
    if node is None or not (PEERS / "node_modules").is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail("run npm ci in tests/service/identity/peers")
        pytest.skip("the peers' packages are not installed: npm ci in tests/service/identity/peers")
    done = subprocess.run(
        [node, str(PEERS / script), *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def keys() -> str:
    return json.dumps({"loan": {**EC[0].as_dict(private=True), "kid": "one"}, "tax": EC[1].as_dict(private=True)})


def test_openid_client_fapi2_and_basic(tmp_path: Path) -> None:
    with a_live_house(tmp_path) as (url, _):
        said = ran("openid_client.mjs", url, keys())
    assert said.count("\nok ") + 1 >= 30
    assert said.endswith("all passed\n")


def test_oauth4webapi_step_by_step(tmp_path: Path) -> None:
    with a_live_house(tmp_path) as (url, _):
        said = ran("oauth4webapi.mjs", url, keys())
    assert said.count("asked for a nonce") >= 2
    assert said.endswith("all passed\n")
