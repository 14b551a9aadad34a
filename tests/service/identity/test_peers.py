"""The field's own clients against a live node: npm openid-client and oauth4webapi from end to end."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.kernel.identity.openid.making import EC, a_basic, public
from tests.make import missing
from tests.service.identity.house import ROOT, a_live_house, the_apps

PEERS = Path(__file__).parent / "peers"
pytestmark = pytest.mark.peers


def ran(script: str, *arguments: str) -> str:
    """What a Node script says; it must end well."""
    node = shutil.which("node")
    if node is None or not (PEERS / "node_modules").is_dir():
        missing("run npm ci in tests/service/identity/peers")
    done = subprocess.run(
        [node, str(PEERS / script), *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def keys() -> str:
    loan = {**EC[0].as_dict(private=True), "kid": "one"}
    return json.dumps({"loan": loan, "tax": EC[1].as_dict(private=True), "authlib": EC[2].as_dict(private=True)})


def test_openid_client_fapi2_and_basic(tmp_path: Path) -> None:
    with a_live_house(tmp_path) as (url, _):
        said = ran("openid_client.mjs", url, keys())
    assert said.count("\nok ") + 1 >= 30
    assert said.endswith("all passed\n")


def test_oauth4webapi_step_by_step(tmp_path: Path) -> None:
    with a_live_house(tmp_path) as (url, _):
        said = ran("oauth4webapi.mjs", url, keys())
    assert said.count("asked for a nonce") >= 2
    assert said.count("ok basic:") >= 5
    assert said.endswith("all passed\n")


def test_authlib_as_a_client_and_what_it_lacks(tmp_path: Path) -> None:
    python = ROOT / ".venv-peers/bin/python"
    if not python.exists():
        missing("run ./banyan test, which sets up .venv-peers")
    grants = ("authorization_code", "refresh_token")
    by_key = {"auth": "private_key_jwt", "secret_hash": "", "jwks": (public(EC[2]),), "grants": grants}
    app = a_basic(id="authlib-app", scopes=("openid", "offline_access"), **by_key)
    with a_live_house(tmp_path, apps=(*the_apps(), app)) as (url, _):
        done = subprocess.run(
            [python, PEERS / "authlib_client.py", url, keys()], capture_output=True, text=True, timeout=120, check=False
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("ok ") >= 19
    assert done.stdout.endswith("all passed\n")
