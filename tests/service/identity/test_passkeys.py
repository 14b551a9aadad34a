"""Passkeys in headless Chromium with a virtual authenticator: enrol, register, sign in to an app, sign out."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.access.going import pressed
from tests.kernel.identity.openid.making import BACK, CHALLENGE
from tests.portal import browser
from tests.service.identity.house import a_live_house

from banyan.kernel.identity import people
from banyan.kernel.identity.openid import records, signing_in
from banyan.kernel.identity.openid.provider import Provider

pytestmark = pytest.mark.browser
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def code_for(provider: Provider, name: str) -> str:
    async def made() -> str:
        account = await provider.store.read(lambda tx: records.account_by_name(tx, name))
        assert account is not None
        return await signing_in.enrolment_code(provider, account)

    return str(aside(made()))


def aside(awaited: Any) -> Any:
    """Run it in a thread: Playwright keeps a loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, awaited).result()


def an_authenticator(page: Any, **changes: Any) -> tuple[Any, str]:
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    made = session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR | changes})
    return session, made["authenticatorId"]


def at_the_app(route: Any) -> None:
    """The app's own page, which nobody serves: it shows the address that it was called by."""
    answer = route.fetch(max_redirects=0)
    route.fulfill(status=200, content_type="text/plain", body=answer.headers["location"])


def test_enrol_register_and_sign_in_to_an_app(tmp_path: Path) -> None:
    asked = {
        "client_id": "library",
        "response_type": "code",
        "redirect_uri": BACK,
        "scope": "openid",
        "state": "s",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "acr_values": "urn:banyan:acr:aal2",
    }
    with a_live_house(tmp_path) as (url, provider), browser() as chromium:
        origin = url.replace("127.0.0.1", "localhost")
        page = chromium.new_context(locale="en-US").new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        session, authenticator = an_authenticator(page)

        page.goto(f"{origin}/en/openid/enrol")
        page.fill("#f-name", "real")
        page.fill("#f-code", code_for(provider, "real"))
        pressed(page, "main button")
        pressed(page, "form[data-passkey] button")
        assert page.url.endswith("/openid/login")
        kept = session.send("WebAuthn.getCredentials", {"authenticatorId": authenticator})["credentials"]
        assert [one["isResidentCredential"] for one in kept] == [True]

        page.goto(f"{origin}/openid/authorize?{urlencode(asked)}")
        assert "Library" in page.inner_text("main") or "Loans" in page.inner_text("main")
        pressed(page, "form[data-passkey] button")
        page.route("**/openid/ask/*", at_the_app)
        pressed(page, "button[value=agree]")
        location = page.inner_text("body")
        assert location.startswith(f"{BACK}?")
        assert f"iss={origin.replace(':', '%3A').replace('/', '%2F')}" in location
        assert "code=" in location

        page.goto(f"{origin}/en/openid/account")
        assert "real" in page.inner_text("main")
        pressed(page, "main button:has-text('Withdraw')")
        assert page.url.endswith("/openid/account?done=withdraw")
        page.goto(f"{origin}/en/openid/logout")
        pressed(page, "main button")
        assert "You have signed out" in page.inner_text("main")
        page.goto(f"{origin}/en/openid/account")
        assert page.url.endswith("/en/openid/login")

        session.send("WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": False})
        page.click("form[data-passkey] button")  # a touch without fingerprint or PIN is one factor: refused
        page.wait_for_function("!document.querySelector('form[data-passkey] button').disabled")
        assert page.url.endswith("/en/openid/login")
        assert said == []


def test_a_passkey_that_was_taken_back_is_nobodys(tmp_path: Path) -> None:
    with a_live_house(tmp_path) as (url, provider), browser() as chromium:
        origin = url.replace("127.0.0.1", "localhost")
        page = chromium.new_context(locale="en-US").new_page()
        an_authenticator(page)
        page.goto(f"{origin}/en/openid/enrol")
        page.fill("#f-name", "real")
        page.fill("#f-code", code_for(provider, "real"))
        pressed(page, "main button")
        pressed(page, "form[data-passkey] button")
        assert page.url.endswith("/openid/login")
        aside(people.start_anew(provider, "real"))
        pressed(page, "form[data-passkey] button")
        assert "That did not work" in page.inner_text(".error-summary")
