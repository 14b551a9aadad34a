"""The provider's pages for everybody: axe finds nothing, in both languages, and none is wider than a small screen."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlencode

import pytest
from tests.access.axe import looked, opened, wide, wrong
from tests.access.going import pressed
from tests.kernel.identity.openid.making import BACK, CHALLENGE
from tests.portal import browser
from tests.service.identity.house import a_live_house

pytestmark = pytest.mark.browser
GOING_ON = (
    ("/openid/login", "/transparency", "/transparency"),
    ("/en/openid/login", "/transparency", "/en/transparency"),
    ("/en/openid/login", "/en/transparency", "/en/transparency"),
    ("/openid/login", "/openid/acting", "/openid/acting"),
    ("/openid/login", "//elsewhere.example", "/openid/account"),
)
"""A page of signing in, where its address says to go on to, where that leads."""
ASKED = {
    "client_id": "library",
    "response_type": "code",
    "redirect_uri": BACK,
    "scope": "openid agency",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


def test_axe_finds_nothing_on_the_providers_pages(tmp_path: Path) -> None:
    with a_live_house(tmp_path) as (url, _), browser() as chromium:
        page = opened(chromium, "light")
        found: list[str] = []
        for path in ("/openid/login", "/en/openid/login", "/openid/enrol", "/openid/authorize?client_id=x",
                     "/openid/outside/back?state=nobodys"):  # fmt: skip
            found += looked(page, url, path)
        page.goto(f"{url}/openid/login", wait_until="domcontentloaded")
        pressed(page, "button[value=ann]")
        for path in (
            "/openid/account",
            "/en/openid/account",
            f"/openid/authorize?{urlencode(ASKED)}",
            "/openid/logout",
        ):
            found += looked(page, url, path)
        pressed(page, "main form button")
        found += wrong(page, "signed out") + wide(page, "signed out")
        assert found == []


def test_who_signs_in_goes_on_to_where_they_came_from_in_their_language(tmp_path: Path) -> None:
    with a_live_house(tmp_path) as (url, _), browser() as chromium:
        for start, wanted, there in GOING_ON:
            page = chromium.new_context(java_script_enabled=False).new_page()
            page.goto(f"{url}{start}?{urlencode({'next': wanted})}", wait_until="domcontentloaded")
            assert page.locator(".tools a", has_text=re.compile("登入|Sign in")).count() == 1
            pressed(page, "button[value=ann]")
            assert page.url == f"{url}{there}", (start, wanted)
            if there.startswith("/openid"):
                assert page.locator(".tools a", has_text="我的帳號").count() == 1
            page.context.close()
