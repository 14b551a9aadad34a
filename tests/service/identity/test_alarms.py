"""Each attack on signing in and on tokens is refused, and leaves an alarm that names kind, endpoint, app and trace, and
nobody: the attacker suite's identity half, each case by its name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from tests.kernel.identity.openid.making import BACK, EC, ISSUER, VERIFIER, encoded
from tests.make import NOW, TOKEN, Reply
from tests.service.identity.house import BYE
from tests.service.identity.test_attacks import House, lived, token_of

from banyan.kernel.identity.openid.alarms import Alarm, Alarms
from banyan.limits_identity import OPENID_ALARM_KINDS, OPENID_ALARMS

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
HEADERS = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
Attack = Callable[[House], Awaitable[Reply]]


async def post(house: House, path: str, form: dict[str, str], dpop: str = "") -> Reply:
    return await house.call("POST", path, form=form, headers={**HEADERS, **({"dpop": dpop} if dpop else {})})


async def redeem(house: House, code: str, *, dpop: str | None = None, **changes: str) -> Reply:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": VERIFIER}
    proof = house.app.proof("/openid/token") if dpop is None else dpop
    return await post(house, "/openid/token", form | house.app.assertion() | changes, proof)


async def userinfo(house: House, *, scheme: str = "DPoP", token: str = "", dpop: str = "", **claims: Any) -> Reply:
    value = token or (await house.app.redeem(await house.app.code()))["access_token"]
    proof = dpop or house.app.proof("/openid/userinfo", method="GET", access_token=value, **claims)
    headers = {**HEADERS, "authorization": f"{scheme} {value}", "dpop": proof}
    return await house.call("GET", "/openid/userinfo", headers=headers)


async def code_replay(house: House) -> Reply:
    code = await house.app.code()
    assert (await redeem(house, code)).status == 200
    return await redeem(house, code)


async def code_injection(house: House) -> Reply:
    """A stolen code put into the attacker's own flow: the verifier is another."""
    return await redeem(house, await house.app.code(), code_verifier="x" * 43)


async def code_at_another_address(house: House) -> Reply:
    return await redeem(house, await house.app.code(), redirect_uri="https://app.example/other")


async def code_with_another_key(house: House) -> Reply:
    code = await house.app.code(dpop_jkt=EC[2].thumbprint())
    return await redeem(house, code, dpop=house.app.proof("/openid/token", key=EC[1]))


async def code_guessed(house: House) -> Reply:
    return await redeem(house, "guess")


async def refresh_replay(house: House) -> Reply:
    first = await house.app.redeem(await house.app.code())
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    await house.app.refresh(first["refresh_token"])
    return await post(house, "/openid/token", form | house.app.assertion(), house.app.proof("/openid/token"))


async def refresh_with_another_key(house: House) -> Reply:
    first = await house.app.redeem(await house.app.code())
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    return await post(house, "/openid/token", form | house.app.assertion(), house.app.proof("/openid/token", key=EC[1]))


async def dpop_clock_60_s_off(house: House) -> Reply:
    return await userinfo(house, iat=int(NOW) - 61)


async def dpop_wrong_htu(house: House) -> Reply:
    return await userinfo(house, htu=ISSUER + "/openid/token")


async def dpop_wrong_htm(house: House) -> Reply:
    return await userinfo(house, htm="POST")


async def dpop_wrong_ath(house: House) -> Reply:
    return await userinfo(house, ath=encoded(bytes(32)))


async def dpop_replay(house: House) -> Reply:
    value = (await house.app.redeem(await house.app.code()))["access_token"]
    proof = house.app.proof("/openid/userinfo", method="GET", access_token=value)
    assert (await userinfo(house, token=value, dpop=proof)).status == 200
    return await userinfo(house, token=value, dpop=proof)


async def stolen_token_with_another_key(house: House) -> Reply:
    return await userinfo(house, key=EC[1])


async def stolen_token_as_bearer(house: House) -> Reply:
    return await userinfo(house, scheme="Bearer")


async def guessed_token(house: House) -> Reply:
    return await userinfo(house, token="guess")


async def assertion_of_another_key(house: House) -> Reply:
    form = {"grant_type": "client_credentials", **house.app.assertion(key=EC[1])}
    return await post(house, "/openid/token", form, house.app.proof("/openid/token"))


async def assertion_replay(house: House) -> Reply:
    auth = house.app.assertion()
    assert (await post(house, "/openid/par", house.app.request() | auth)).status == 201
    return await post(house, "/openid/par", house.app.request() | auth)


async def request_uri_replay(house: House) -> Reply:
    asked = {"client_id": "loan-app", "request_uri": await house.app.push()}
    await house.call("GET", f"/openid/authorize?{urlencode(asked)}")
    return await house.call("GET", f"/openid/authorize?{urlencode(asked)}", headers=HEADERS)


async def open_redirect_of_an_app(house: House) -> Reply:
    asked = {"client_id": "library", **house.app.request(redirect_uri="https://evil.example/cb")}
    return await house.call("GET", f"/openid/authorize?{urlencode(asked)}", headers=HEADERS)


async def parameters_in_the_address(house: House) -> Reply:
    asked = {"client_id": "loan-app", **house.app.request()}
    return await house.call("GET", f"/openid/authorize?{urlencode(asked)}", headers=HEADERS)


async def plain_pkce(house: House) -> Reply:
    asked = {"client_id": "library", **house.app.request(code_challenge_method="plain")}
    return await house.call("GET", f"/openid/authorize?{urlencode(asked)}", headers=HEADERS)


async def a_link_to_anothers_request(house: House) -> Reply:
    path, _ = await house.page({})
    return await house.call("GET", path, jar={}, headers=HEADERS)


async def csrf_on_the_agreement(house: House) -> Reply:
    jar: dict[str, str] = {}
    path, token = await house.page(jar)
    await house.enter(jar, path, token)
    return await house.call("POST", path, jar=jar, form={"form_token": token, "do": "agree"}, headers=HEADERS)


async def csrf_on_the_sign_in(house: House) -> Reply:
    jar: dict[str, str] = {}
    path, _ = await house.page(jar)
    form = {"form_token": "x", "do": "persona", "persona": "ann"}
    return await house.call("POST", path, jar=jar, form=form, headers=HEADERS)


async def csrf_on_the_way_out(house: House) -> Reply:
    return await house.call("POST", "/openid/logout", jar={"__Host-openid": "x" * 43}, form={}, headers=HEADERS)


async def csrf_on_an_enrolment(house: House) -> Reply:
    form = {"form_token": "x", "name": "real", "code": "AAAA-AAAA-AAAA-AAAA"}
    return await house.call("POST", "/openid/enrol", jar={"__Host-openid": "x" * 43}, form=form, headers=HEADERS)


async def csrf_on_the_kiosk(house: House) -> Reply:
    form = {"form_token": "x", "number": "A123456789", "code": "AAAA-AAAA"}
    return await house.call("POST", "/kiosk", jar={"__Host-openid": "x" * 43}, form=form, headers=HEADERS)


async def session_fixation(house: House) -> Reply:
    planted = {"__Host-openid": "planted-by-the-attacker"}
    jar = dict(planted)
    path, token = await house.page(jar)
    await house.enter(jar, path, token)
    return await house.call("GET", path, jar=dict(planted), headers=HEADERS)


async def wrong_code_at_sign_in(house: House) -> Reply:
    jar: dict[str, str] = {}
    shown = await house.call("GET", "/openid/enrol", jar=jar)
    form = {"form_token": token_of(shown), "name": "real", "code": "AAAA-AAAA-AAAA-AAAA"}
    return await house.call("POST", "/openid/enrol", jar=jar, form=form, headers=HEADERS)


async def too_many_codes_at_sign_in(house: House) -> Reply:
    for _ in range(10):
        await wrong_code_at_sign_in(house)
    return await wrong_code_at_sign_in(house)


async def forged_return_from_outside(house: House) -> Reply:
    return await house.call("GET", "/openid/outside/back?code=x&state=y", jar={}, headers=HEADERS)


async def wrong_secret(house: House) -> Reply:
    headers = {**HEADERS, "authorization": house.app.basic(secret="x")}
    return await house.call("POST", "/openid/token", form={"grant_type": "authorization_code"}, headers=headers)


CASES: dict[Attack, tuple[str, str, str]] = {
    code_replay: ("code_replay", "token", "loan-app"),
    code_injection: ("pkce", "token", "loan-app"),
    code_at_another_address: ("redirect_uri", "token", "loan-app"),
    code_with_another_key: ("key_mismatch", "token", "loan-app"),
    code_guessed: ("code_unknown", "token", "loan-app"),
    refresh_replay: ("refresh_replay", "token", "loan-app"),
    refresh_with_another_key: ("key_mismatch", "token", "loan-app"),
    dpop_clock_60_s_off: ("dpop_time", "userinfo", ""),
    dpop_wrong_htu: ("dpop_htu", "userinfo", ""),
    dpop_wrong_htm: ("dpop_htm", "userinfo", ""),
    dpop_wrong_ath: ("dpop_ath", "userinfo", ""),
    dpop_replay: ("proof_replay", "userinfo", ""),
    stolen_token_with_another_key: ("key_mismatch", "userinfo", ""),
    stolen_token_as_bearer: ("bound_token_as_bearer", "userinfo", ""),
    guessed_token: ("invalid_token", "userinfo", ""),
    assertion_of_another_key: ("invalid_client", "token", "loan-app"),
    assertion_replay: ("assertion_replay", "push", "loan-app"),
    request_uri_replay: ("invalid_request_uri", "begin", "loan-app"),
    open_redirect_of_an_app: ("redirect_uri", "begin", "library"),
    parameters_in_the_address: ("not_pushed", "begin", "loan-app"),
    plain_pkce: ("invalid_request", "begin", "library"),
    a_link_to_anothers_request: ("other_browser", "visit", ""),
    csrf_on_the_agreement: ("csrf", "act", "library"),
    csrf_on_the_sign_in: ("csrf", "act", "library"),
    csrf_on_the_way_out: ("csrf", "leave", ""),
    csrf_on_an_enrolment: ("csrf", "enrol", ""),
    csrf_on_the_kiosk: ("csrf", "kiosk_enter", ""),
    session_fixation: ("other_browser", "visit", ""),
    wrong_code_at_sign_in: ("sign_in_failed", "enrol", ""),
    too_many_codes_at_sign_in: ("sign_in_throttled", "enrol", ""),
    forged_return_from_outside: ("outside_state", "outside_back", ""),
    wrong_secret: ("invalid_client", "token", "library"),
}


@pytest.mark.parametrize("attack", CASES, ids=lambda attack: attack.__name__)
def test_refused_and_noted(tmp_path: Path, attack: Attack) -> None:
    async def story(house: House) -> None:
        reply = await attack(house)
        error = "error=" in reply.header("location")  # plain PKCE is told to the app, at its registered address
        assert reply.status >= 400 or error, reply.text[:300]
        newest = house.provider.alarms.newest(1)[0]
        assert (newest.kind, newest.endpoint, newest.client) == CASES[attack]
        assert (newest.trace, newest.at) == (TRACE, NOW)
        said = await house.call("GET", f"/api/openid/alarms?kind={newest.kind}", token=TOKEN)
        assert said.json["alarms"][0] == {
            "at": "2026-11-23T13:00:00Z",
            "kind": newest.kind,
            "endpoint": newest.endpoint,
            "client": newest.client,
            "trace": TRACE,
        }
        for secret in ("ann", "real", "127.0.0.1", "guess", "evil.example", "AAAA", "library-secret"):
            assert secret not in str(house.provider.alarms.newest(OPENID_ALARMS))

    lived(tmp_path, story)


@pytest.mark.parametrize("place", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_open_redirect_after_signing_in_is_noted(tmp_path: Path, place: str) -> None:
    """The person is let in and stays here: nothing to refuse to them, all the more to note."""

    async def story(house: House) -> None:
        jar: dict[str, str] = {}
        shown = await house.call("GET", "/openid/login", jar=jar)
        form = {"form_token": token_of(shown), "do": "persona", "persona": "ann", "next": place}
        done = await house.call("POST", "/openid/login", jar=jar, form=form)
        assert done.header("location") == "/openid/account"
        assert house.provider.alarms.newest(1)[0].kind == "open_redirect"

    lived(tmp_path, story)


def test_logout_tricks_are_noted(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        asked = {"client_id": "library", "post_logout_redirect_uri": "https://evil.example"}
        reply = await house.call("GET", f"/openid/logout?{urlencode(asked)}", jar={})
        assert (reply.status, reply.header("location")) == (200, "")
        newest = house.provider.alarms.newest(1)[0]
        assert (newest.kind, newest.endpoint, newest.client) == ("logout_address", "leave", "library")
        asked = {"client_id": "library", "post_logout_redirect_uri": BYE, "id_token_hint": "a.b.c"}
        reply = await house.call("GET", f"/openid/logout?{urlencode(asked)}", jar={})
        assert (reply.status, reply.header("location")) == (200, "")  # it asks; a forged hint proves nobody
        assert house.provider.alarms.newest(1)[0].kind == "logout_hint"

    lived(tmp_path, story)


def test_what_honest_clients_meet_is_no_alarm(tmp_path: Path) -> None:
    async def story(house: House) -> None:
        form = {"grant_type": "client_credentials", **house.app.assertion()}
        await post(house, "/openid/token", form, house.app.proof("/openid/token", nonce=None))
        await house.call("GET", "/openid/userinfo")
        await house.app.redeem(await house.app.code())
        assert house.provider.alarms.newest(1) == ()
        assert (await house.call("GET", "/api/openid/alarms")).status == 401
        claimed = {"grant_type": "authorization_code", "client_id": "A123456789", "client_secret": "x"}
        assert (await post(house, "/openid/token", claimed)).status == 401
        assert house.provider.alarms.newest(1)[0].client == ""  # only registered apps are named

    lived(tmp_path, story)


def test_alarms_are_bounded_and_written_as_lines() -> None:
    lines: list[bytes] = []
    kept = Alarms(lines.append)
    for number in range(OPENID_ALARMS + 5):
        kept.add(Alarm(float(number), f"kind-{number % (OPENID_ALARM_KINDS + 50)}", "token"))
    assert len(kept.newest(OPENID_ALARMS + 5)) == OPENID_ALARMS
    assert len(kept.counts) == OPENID_ALARM_KINDS + 1
    assert sum(kept.counts.values()) == len(lines) == OPENID_ALARMS + 5
    assert msgspec.json.decode(lines[7]) == {"at": 7.0, "kind": "kind-7", "endpoint": "token"}
