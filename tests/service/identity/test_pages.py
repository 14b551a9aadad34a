"""The provider's pages for everybody: axe finds nothing, in both languages, and none is wider than a small screen."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

import pytest
from tests.channel.web.test_accessibility import opened, wrong
from tests.kernel.identity.openid.making import BACK, CHALLENGE
from tests.portal import browser
from tests.service.identity.house import a_live_house

pytestmark = pytest.mark.browser
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

        def look(path: str) -> None:
            page.goto(url + path, wait_until="domcontentloaded")
            found.extend(wrong(page, path))
            page.set_viewport_size({"width": 320, "height": 640})
            if page.evaluate("document.documentElement.scrollWidth") > 320:
                found.append(f"{path} is wide")
            page.set_viewport_size({"width": 1280, "height": 900})

        for path in ("/openid/login", "/en/openid/login", "/openid/enrol", "/openid/authorize?client_id=x"):
            look(path)
        page.goto(f"{url}/openid/login", wait_until="domcontentloaded")
        page.click("button[value=ann]")
        page.wait_for_url("**/openid/account")
        for path in (
            "/openid/account",
            "/en/openid/account",
            f"/openid/authorize?{urlencode(ASKED)}",
            "/openid/logout",
        ):
            look(path)
        assert found == []
