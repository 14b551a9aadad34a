"""An outside issuer as a way to sign in: npm oidc-provider, and the ID tokens that must not be believed."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.kernel.identity.openid.making import START
from tests.make import missing
from tests.portal import free_port
from tests.service.identity.house import a_live_house
from tests.service.identity.person import Person

from banyan.kernel.identity.openid.jose import Signed
from banyan.kernel.identity.openid.outside import Outside, is_for_us

PEERS = Path(__file__).parent / "peers"
FIELDS: dict[str, Any] = {
    "id": "twfido",
    "title": {"zh-Hant": "外部", "en": "Outside"},
    "client_id": "banyan",
    "client_secret": "only-for-tests-0123456789-abcdef",
    "assurance": "aal1",
}


@contextmanager
def an_issuer(port: int, redirect_uri: str) -> Iterator[None]:
    node = shutil.which("node")
    if node is None or not (PEERS / "node_modules").is_dir():
        missing("run npm ci in tests/service/identity/peers")
    process = subprocess.Popen(
        [node, str(PEERS / "outside_issuer.mjs"), str(port), redirect_uri],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert any(line.startswith("ready") for line in process.stdout)
        yield
    finally:
        process.terminate()
        process.communicate(timeout=20)


def link(text: str, title: str) -> str:
    """The address of a link by its text."""
    found = re.search(rf'<a href="([^"]*)"[^>]*>[^<]*{title}', text)
    assert found, text[-3_000:]
    return html.unescape(found.group(1))


def went(person: Person, url: str, name: str) -> tuple[int, str, str]:
    """Through the outside issuer's own pages: its sign-in form, then its question."""
    status, at, text = person.go(url)
    for _ in range(3):
        prompt = re.search(r'name="prompt" value="([^"]*)"', text)
        if prompt is None:
            break
        action = re.search(r'action="([^"]*)"', text)
        assert action
        form = {"prompt": prompt.group(1)} | ({"login": name, "password": "x"} if prompt.group(1) == "login" else {})
        status, at, text = person.go(html.unescape(action.group(1)), form)
    return status, at, text


@pytest.mark.peers
def test_oidc_provider_as_the_outside_issuer(tmp_path: Path) -> None:
    port = free_port()
    outside = Outside(issuer=f"http://localhost:{port}", **FIELDS)
    with a_live_house(tmp_path, outsides=(outside,)) as (url, _):
        site = url.replace("127.0.0.1", "localhost")
        with an_issuer(port, f"{site}/openid/outside/back"):
            stranger = Person()
            page = stranger.go(f"{site}/en/openid/login")[2]
            status, _, text = went(stranger, site + link(page, "Outside"), "wang")
            assert status == 422
            assert "還沒有連到" in text  # known elsewhere is not known here

            owner = Person()
            owner.sign_in(f"{site}/en/openid/login", "eve")
            page = owner.go(f"{site}/en/openid/account")[2]
            status, at, _ = went(owner, site + link(page, "Tie Outside"), "wang")
            assert (status, at) == (200, f"{site}/openid/account?done=link")

            thief = Person()
            thief.sign_in(f"{site}/en/openid/login", "ann")
            page = thief.go(f"{site}/en/openid/account")[2]
            assert went(thief, site + link(page, "Tie Outside"), "wang")[0] == 422  # tied to another already

            later = Person()
            page = later.go(f"{site}/en/openid/login")[2]
            status, at, text = went(later, site + link(page, "Outside"), "wang")
            assert (status, at) == (200, f"{site}/openid/account")
            assert "eve" in text
            assert 'data-passkey="create"' in text  # eve is a demo persona; a real account needs aal2 for that

            forged = Person()
            forged.go(f"{site}/en/openid/login")
            assert forged.go(f"{site}/openid/outside/back?code=x&state=y")[0] == 422
            assert forged.go(f"{site}/openid/outside/go?to=twfido&request=login&form_token=x")[0] == 400
        page = Person()
        shown = page.go(f"{site}/en/openid/login")[2]
        assert page.go(site + link(shown, "Outside"))[0] == 503  # the issuer is down, and is said to be


GOOD: dict[str, Any] = {
    "iss": "https://o.example",
    "aud": "banyan",
    "sub": "s",
    "nonce": "n",
    "exp": START + 60,
    "iat": START,
}


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://evil.example"},
        {"aud": "another"},
        {"aud": ["banyan", "another"]},
        {"azp": "another"},
        {"nonce": "m"},
        {"nonce": None},
        {"exp": START - 60},
        {"exp": None},
        {"iat": START + 60},
        {"iat": None},
        {"sub": ""},
        {"sub": "x" * 256},
        {"sub": 1},
    ],
)
def test_id_tokens_that_are_not_for_us(wrong: dict[str, Any]) -> None:
    outside = Outside(issuer="https://o.example", **FIELDS)
    assert is_for_us(Signed({}, GOOD), outside, "n", START)
    assert is_for_us(Signed({}, GOOD | {"aud": ["banyan"]}), outside, "n", START)
    assert not is_for_us(Signed({}, GOOD | wrong), outside, "n", START)
