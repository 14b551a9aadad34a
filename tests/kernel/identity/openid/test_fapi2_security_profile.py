"""The FAPI 2.0 Security Profile Final AS modules of the OpenID conformance suite, ported 1:1; each test bears its
module's name. The suite needs Java 21 and MongoDB and cannot run here; its modules are the specification.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey
from tests.kernel.identity.openid.making import EC, ED, ISSUER, LOAN, RSA, World, a_client, public, query, refusal

from banyan.kernel.identity.openid import authorizing, records
from banyan.kernel.identity.openid.discovery import jwks, metadata
from banyan.kernel.identity.openid.fault import Fault
from banyan.kernel.identity.openid.watching import introspect, userinfo
from banyan.kernel.storage.sqlite import SqliteStore

Story = Callable[[World], Awaitable[None]]


def played(store: SqliteStore, story: Story) -> None:
    async def play() -> None:
        await story(await World(store).fill())

    asyncio.run(play())


async def resource(world: World, value: str, *, scheme: str = "DPoP", **proof: Any) -> Any:
    """A call of userinfo as an app makes it."""
    path = "/openid/userinfo"
    dpop = world.proof(path, method="GET", access_token=value, **proof)
    sent = world.sent(path, method="GET", authorization=f"{scheme} {value}", dpop=dpop)
    return json.loads((await userinfo(world.provider, sent)).body)


def test_HappyFlow(one_store: SqliteStore) -> None:
    async def story(world: World) -> None:
        uri = await world.push(authorization_details=json.dumps([LOAN]))
        code = await world.code_for(uri)
        answer = await world.redeem(code)
        assert (answer["token_type"], answer["scope"]) == ("DPoP", "openid")
        assert answer["authorization_details"] == [LOAN]
        key = next(key for key in (await jwks(world.provider))["keys"] if key["alg"] == "ES256")
        found = jws.deserialize_compact(answer["id_token"], ECKey.import_key(key), algorithms=["ES256"])
        claims = json.loads(found.payload)
        assert claims["iss"] == ISSUER
        assert (claims["aud"], claims["nonce"]) == ("loan-app", "nonce-1")
        assert claims["acr"] == "urn:banyan:acr:aal2"
        said = await resource(world, answer["access_token"])
        assert said["sub"] == claims["sub"] != "ann"

    played(one_store, story)


def test_DiscoveryEndpointVerification(one_store: SqliteStore) -> None:
    said = metadata(ISSUER, {"loan": frozenset()})
    assert said["issuer"] == ISSUER
    assert said["authorization_response_iss_parameter_supported"] is True
    assert said["code_challenge_methods_supported"] == ["S256"]
    assert said["response_types_supported"] == ["code"]
    assert "RS256" not in said["dpop_signing_alg_values_supported"]
    assert "RS256" not in said["token_endpoint_auth_signing_alg_values_supported"]
    assert all(url.startswith(ISSUER) for name, url in said.items() if name.endswith("_endpoint"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"htm": "GET"},
        {"htm": None},
        {"htu": ISSUER + "/openid/par"},
        {"htu": "https://evil.example/openid/token"},
        {"htu": None},
        {"jti": None},
        {"iat": None},
        {"iat": "now"},
        {"header": {"typ": "JWT"}},
        {"header": {"jwk": None}},
        {"header": {"jwk": EC[2].as_dict(private=True)}},
        {"header": {"jwk": public(EC[1])}},
        {"header": {"jwk": public(RSA)}, "key": RSA, "alg": "RS256"},
        {"header": {"jwk": {"kty": "oct", "k": "c2VjcmV0"}}},
    ],
)
def test_DpopNegativeTests(one_store: SqliteStore, wrong: dict[str, Any]) -> None:
    async def story(world: World) -> None:
        code = await world.code()
        assert await refusal(world.redeem(code, dpop=world.proof("/openid/token", **wrong))) == "invalid_dpop_proof"
        assert (await world.redeem(code))["token_type"] == "DPoP"  # a wrong proof did not burn the code

    played(one_store, story)


def test_DpopNegativeTests_none_and_garbage(one_store: SqliteStore) -> None:
    async def story(world: World) -> None:
        code = await world.code()
        whole = world.proof("/openid/token")
        head, body, _ = whole.split(".")
        for sent in ("", "x", "a.b.c", f"{head}.{body}.", f"{whole}, {whole}", whole[:-4] + "AAAA"):
            assert await refusal(world.redeem(code, dpop=sent)) == "invalid_dpop_proof"

    played(one_store, story)


def test_CheckDpopProofNbfExp(one_store: SqliteStore) -> None:
    async def story(world: World) -> None:
        code, now = await world.code(), int(world.now)
        for wrong in ({"exp": now - 60}, {"nbf": now + 60}):
            assert await refusal(world.redeem(code, dpop=world.proof("/openid/token", **wrong))) == "invalid_dpop_proof"
        good = world.proof("/openid/token", exp=now + 60, nbf=now - 5)
        assert (await world.redeem(code, dpop=good))["token_type"] == "DPoP"

    played(one_store, story)


def test_EnsureHolderOfKeyRequired(one_store: SqliteStore) -> None:
    async def story(world: World) -> None:
        assert await refusal(world.redeem(await world.code(), dpop="")) == "invalid_dpop_proof"
        value = (await world.redeem(await world.code()))["access_token"]
        for scheme, dpop in (("Bearer", ""), ("DPoP", ""), ("Bearer", world.proof("/openid/userinfo", method="GET"))):
            sent = world.sent("/openid/userinfo", method="GET", authorization=f"{scheme} {value}", dpop=dpop)
            with pytest.raises(Fault) as refused:
                await userinfo(world.provider, sent)
            assert refused.value.status == 401
            assert "DPoP" in dict(refused.value.headers)["WWW-Authenticate"]

    played(one_store, story)


@pytest.mark.parametrize(("seconds", "error"), [(-10, ""), (-60, "invalid_dpop_proof")])
def test_EnsureDpopProofWithIat10SecondsBeforeSucceeds(one_store: SqliteStore, seconds: int, error: str) -> None:
    async def story(world: World) -> None:
        proof = world.proof("/openid/token", iat=int(world.now) + seconds)
        assert await refusal(world.redeem(await world.code(), dpop=proof)) == error

    played(one_store, story)


@pytest.mark.parametrize(("seconds", "error"), [(10, ""), (60, "invalid_dpop_proof")])
def test_EnsureDpopProofWithIat10SecondsAfterSucceeds(one_store: SqliteStore, seconds: int, error: str) -> None:
    async def story(world: World) -> None:
        proof = world.proof("/openid/token", iat=int(world.now) + seconds)
        assert await refusal(world.redeem(await world.code(), dpop=proof)) == error

    played(one_store, story)


def test_EnsureMismatchedDpopJktFails(one_store: SqliteStore) -> None:
    async def story(world: World) -> None:
        dpop = world.proof("/openid/par")
        assert await refusal(world.push(dpop=dpop, dpop_jkt=EC[1].thumbprint())) == "invalid_dpop_proof"

    played(one_store, story)


def test_EnsureTokenEndpointFailsWithMismatchedDpopProofJkt(one_store: SqliteStore) -> None:
    async def story(world: World) -> None:
        code = await world.code(dpop_jkt=EC[1].thumbprint())
        assert await refusal(world.redeem(code)) == "invalid_grant"

    played(one_store, story)


def test_EnsureDpopAuthCodeBindingSuccess(one_store: SqliteStore) -> None:
    async def story(world: World) -> None:
        by_name = await world.redeem(await world.code(dpop_jkt=EC[2].thumbprint()))
        by_proof = await world.redeem(await world.code(dpop=world.proof("/openid/par")))
        assert by_name["token_type"] == by_proof["token_type"] == "DPoP"

    played(one_store, story)


def test_EnsureAuthorizationCodeIsBoundToClient(one_store: SqliteStore) -> None:
    async def story(world: World) -> None:
        other = a_client(id="other-app", jwks=(public(EC[1]),))
        await world.provider.store.write(lambda tx: records.put_client(tx, other, world.now))
        code = await world.code()
        assert await refusal(world.redeem(code, auth=world.assertion("other-app", EC[1]))) == "invalid_grant"
        assert (await world.redeem(code))["access_token"]

    played(one_store, story)


def test_AttemptReuseAuthorizationCodeAfterOneSecond(one_store: SqliteStore) -> None:
    async def story(world: World) -> None:
        code = await world.code()
        first = await world.redeem(code)
        world.now += 1
        assert await refusal(world.redeem(code)) == "invalid_grant"
        assert not await world.is_active(first["access_token"])
        assert not await world.is_active(first["refresh_token"])

    played(one_store, story)


def test_AttemptToUseExpiredAuthCode(one_store: SqliteStore) -> None:
    async def story(world: World) -> None:
        code = await world.code()
        world.now += 61
        assert await refusal(world.redeem(code)) == "invalid_grant"

    played(one_store, story)


@pytest.mark.parametrize(
    ("module", "wrong"),
    [
        ("EnsureClientAssertionWithExpIs5MinutesInPastFails", {"exp": -300, "iat": -600}),
        ("EnsureClientAssertionWithWrongAudFails", {"aud": "https://other.example"}),
        ("EnsureClientAssertionWithNoSubFails", {"sub": None}),
        ("PAREndpointAsAudienceFails", {"aud": ISSUER + "/openid/par"}),
        ("PAREndpointAsArrayAudienceFails", {"aud": [ISSUER + "/openid/par"]}),
        ("IssuerAsArrayAudienceFails", {"aud": [ISSUER]}),
        ("PARTokenEndpointAsAudienceFails", {"aud": ISSUER + "/openid/token"}),
        ("PAREnsureJWTClientAssertionWithIatOver60SecondsInTheFutureFails", {"iat": 61}),
        ("PAREnsureJWTClientAssertionWithNbfOver60SecondsInTheFutureFails", {"nbf": 61}),
        ("NoExp", {"exp": None}),
        ("ExpInAnHour", {"exp": 3_600}),
        ("NoJti", {"jti": None}),
        ("AnotherIssuer", {"iss": "library"}),
    ],
)
def test_EnsureClientAssertionFails(one_store: SqliteStore, module: str, wrong: dict[str, Any]) -> None:
    async def story(world: World) -> None:
        times = {
            name: int(world.now) + value for name, value in wrong.items() if name in ("exp", "iat", "nbf") and value
        }
        auth = world.assertion(**(wrong | times))
        assert await refusal(world.push(auth=auth)) == "invalid_client"
        assert (
            await refusal(world.redeem(await world.code(), auth=world.assertion(**(wrong | times)))) == "invalid_client"
        )

    played(one_store, story)


def test_EnsureSignedClientAssertionWithRS256Fails(one_store: SqliteStore) -> None:
    async def story(world: World) -> None:
        client = a_client(jwks=(public(RSA),))
        await world.provider.store.write(lambda tx: records.put_client(tx, client, world.now))
        assert await refusal(world.push(auth=world.assertion(key=RSA, alg="RS256"))) == "invalid_client"
        assert await world.push(auth=world.assertion(key=RSA, alg="PS256"))

    played(one_store, story)


def test_EnsureSignedClientAssertionWithEdDSASucceeds(one_store: SqliteStore) -> None:
    async def story(world: World) -> None:
        client = a_client(jwks=(public(ED),))
        await world.provider.store.write(lambda tx: records.put_client(tx, client, world.now))
        for alg in ("EdDSA", "Ed25519"):
            assert await world.push(auth=world.assertion(key=ED, alg=alg))

    played(one_store, story)


@pytest.mark.parametrize("kind", ["code id_token", "token", "id_token", ""])
def test_EnsureResponseTypeCodeIdTokenFails_EnsureResponseTypeTokenFails(one_store: SqliteStore, kind: str) -> None:
    played(one_store, lambda world: _expect(refusal(world.push(response_type=kind)), "unsupported_response_type"))


async def _expect(awaited: Awaitable[str], error: str) -> None:
    assert await awaited == error


def test_EnsureUnsignedAuthorizationRequestWithoutUsingParFails(one_store: SqliteStore) -> None:
    async def story(world: World) -> None:
        sent = world.sent("/openid/authorize", {"client_id": "loan-app", **world.request()}, method="GET")
        assert await refusal(authorizing.begin(world.provider, sent)) == "invalid_request"

    played(one_store, story)


def test_PARAttemptReuseRequestUri(one_store: SqliteStore) -> None:
    async def story(world: World) -> None:
        uri = await world.push()
        await world.code_for(uri)
        assert await refusal(world.browse(uri)) == "invalid_request_uri"

    played(one_store, story)


def test_PARAttemptToUseExpiredRequestUri(one_store: SqliteStore) -> None:
    async def story(world: World) -> None:
        uri = await world.push()
        world.now += 61
        assert await refusal(world.browse(uri)) == "invalid_request_uri"

    played(one_store, story)


def test_PAREnsureRequestUriIsBoundToClient(one_store: SqliteStore) -> None:
    async def story(world: World) -> None:
        uri = await world.push()
        assert await refusal(world.browse(uri, client="library")) == "invalid_request_uri"
        assert (await world.browse(uri)).status == 303  # the other's attempt did not burn it

    played(one_store, story)


@pytest.mark.parametrize(
    ("module", "wrong"),
    [
        ("PAREnsurePKCERequired", {"code_challenge": None, "code_challenge_method": None}),
        ("PAREnsurePlainPKCERejected", {"code_challenge_method": "plain"}),
        ("MethodLeftOut", {"code_challenge_method": None}),
    ],
)
def test_PAREnsurePKCE(one_store: SqliteStore, module: str, wrong: dict[str, Any]) -> None:
    played(one_store, lambda world: _expect(refusal(world.push(**wrong)), "invalid_request"))


@pytest.mark.parametrize("verifier", ["w" * 43, "", "v" * 42, "v" * 129, None])
def test_PARIncorrectPKCECodeVerifierRejected(one_store: SqliteStore, verifier: str | None) -> None:
    async def story(world: World) -> None:
        code = await world.code()
        assert await refusal(world.redeem(code, code_verifier=verifier)) == "invalid_grant"
        assert await refusal(world.redeem(code)) == "invalid_grant"  # no second guess

    played(one_store, story)


def test_PARRejectRequestUriInParAuthorizationFormParams(one_store: SqliteStore) -> None:
    async def story(world: World) -> None:
        uri = await world.push()
        assert await refusal(world.push(request_uri=uri)) == "request_not_supported"

    played(one_store, story)


@pytest.mark.parametrize("seconds", [8, 10])
def test_PAREnsureJWTClientAssertionWithIatNbf8SecondsInTheFutureIsAccepted(
    one_store: SqliteStore, seconds: int
) -> None:
    async def story(world: World) -> None:
        at = int(world.now) + seconds
        assert await world.push(auth=world.assertion(iat=at, nbf=at))

    played(one_store, story)


def test_EnsureAuthorizationRequestWith64CharNonce_EnsureAuthorizationRequestWithLongState(
    one_store: SqliteStore,
) -> None:
    async def story(world: World) -> None:
        browser, state = await world.signed_in(), "s" * 384
        asked = await world.browse(await world.push(nonce="n" * 64, state=state), browser=browser)
        name = asked.location.removeprefix("/openid/ask/")
        sent = world.sent("/openid/ask", browser=browser)
        asking = await authorizing.look(world.provider, sent, name)
        answer = await authorizing.agree(world.provider, sent, name, asking)
        assert query(answer.location)["state"] == state
        token = await world.redeem(query(answer.location)["code"])
        assert json.loads(_payload(token["id_token"]))["nonce"] == "n" * 64

    played(one_store, story)


@pytest.mark.parametrize("missing", ["state", "nonce"])
def test_EnsureAuthorizationRequestWithoutStateSuccess_EnsureAuthorizationRequestWithoutNonceSuccess(
    one_store: SqliteStore, missing: str
) -> None:
    """Both are the client's own protections: PKCE and `iss` stand in for them (FAPI 2.0 s5.3.3.2)."""

    async def story(world: World) -> None:
        browser = await world.signed_in()
        asked = await world.browse(await world.push(**{missing: None}), browser=browser)
        name = asked.location.removeprefix("/openid/ask/")
        sent = world.sent("/openid/ask", browser=browser)
        asking = await authorizing.look(world.provider, sent, name)
        said = query((await authorizing.agree(world.provider, sent, name, asking)).location)
        assert ("state" in said) == (missing != "state")
        claims = json.loads(_payload((await world.redeem(said["code"]))["id_token"]))
        assert ("nonce" in claims) == (missing != "nonce")

    played(one_store, story)


def _payload(token: str) -> bytes:
    return jws.extract_compact(token.encode()).payload


def test_RefreshToken(one_store: SqliteStore) -> None:
    async def story(world: World) -> None:
        first = await world.redeem(await world.code())
        wrong_key = world.proof("/openid/token", key=EC[1])
        assert await refusal(world.refresh(first["refresh_token"], dpop=wrong_key)) == "invalid_grant"
        second = await world.refresh(first["refresh_token"])
        assert second["access_token"] != first["access_token"]
        assert second["refresh_token"] != first["refresh_token"]
        assert await refusal(world.refresh(first["refresh_token"])) == "invalid_grant"
        assert not await world.is_active(second["access_token"])  # reuse ended the family
        assert await refusal(world.refresh(second["refresh_token"])) == "invalid_grant"

    played(one_store, story)


@pytest.mark.parametrize("scheme", ["DPoP", "dpop", "DPOP", "dPoP"])
def test_AccessTokenTypeHeaderCaseSensitivity(one_store: SqliteStore, scheme: str) -> None:
    async def story(world: World) -> None:
        value = (await world.redeem(await world.code()))["access_token"]
        assert (await resource(world, value, scheme=scheme))["sub"]

    played(one_store, story)


def test_UserRejectsAuthentication(one_store: SqliteStore) -> None:
    async def story(world: World) -> None:
        browser = await world.signed_in()
        asked = await world.browse(await world.push(), browser=browser)
        name = asked.location.removeprefix("/openid/ask/")
        sent = world.sent("/openid/ask", browser=browser)
        answer = await authorizing.decline(
            world.provider, sent, name, await authorizing.look(world.provider, sent, name)
        )
        said = query(answer.location)
        assert (said["error"], said["state"], said["iss"]) == ("access_denied", "state-1", ISSUER)
        assert await refusal(authorizing.look(world.provider, sent, name)) == "invalid_request"

    played(one_store, story)


def test_resource_with_another_key_or_replayed_proof(one_store: SqliteStore) -> None:
    async def story(world: World) -> None:
        value = (await world.redeem(await world.code()))["access_token"]
        assert await refusal(resource(world, value, key=EC[1])) == "invalid_token"
        assert await refusal(resource(world, value, ath="x")) == "invalid_dpop_proof"
        assert await refusal(resource(world, value, nonce=None)) == "use_dpop_nonce"
        assert await refusal(resource(world, value, jti="same")) == ""
        assert await refusal(resource(world, value, jti="same")) == "invalid_dpop_proof"

    played(one_store, story)


def test_introspection_tells_the_resource_and_nobody_else(one_store: SqliteStore) -> None:
    async def story(world: World) -> None:
        uri = await world.push(authorization_details=json.dumps([LOAN]), resource="https://tax.example")
        value = (await world.redeem(await world.code_for(uri)))["access_token"]
        form = {"token": value, **world.assertion("tax-office", EC[1])}
        said = json.loads((await introspect(world.provider, world.sent("/openid/introspect", form))).body)
        assert said["active"] is True
        assert said["cnf"]["jkt"] == EC[2].thumbprint()
        assert said["authorization_details"] == [LOAN]
        stranger = world.sent("/openid/introspect", {"token": value}, authorization=world.basic())
        assert json.loads((await introspect(world.provider, stranger)).body) == {"active": False}

    played(one_store, story)


def test_the_port_names_every_module_of_the_field_notes(shared_notes: str) -> None:
    """The list in the field notes, against the names in this file."""
    import re

    line = re.search(r"modules to port first: (.*?)\. Note audience", shared_notes, re.DOTALL)
    assert line
    text = " ".join(line.group(1).split())
    for short, whole in _SHORTENED.items():
        assert short in text
        text = text.replace(short, whole)
    names = [found for part in re.split(r", (?![^{]*\})", text) for found in _expanded(part)]
    assert len(names) == 39
    own = Path(__file__).read_text(encoding="utf-8")
    own = own[: own.index("_SHORTENED")]
    assert [name for name in names if name not in own and name not in _ELSEWHERE] == []


def _expanded(part: str) -> list[str]:
    """`A{B, C}D` stands for ABD and ACD."""
    head, brace, rest = part.partition("{")
    inner, _, tail = rest.partition("}")
    return [head + one.strip() + tail for one in inner.split(",")] if brace else [part]


_SHORTENED = {
    "Iat10SecondsBefore/AfterSucceeds": "Iat10Seconds{Before, After}Succeeds",
    "…Over60SecondsInTheFutureFails": "PAREnsureJWTClientAssertionWith{Iat, Nbf}Over60SecondsInTheFutureFails",
    "64CharNonce/LongState": "{64CharNonce, LongState}",
}
"""How the notes shorten names, and what they stand for."""


_ELSEWHERE = ("PARRejectInvalidHttpVerb",)
"""In tests/service/identity: which verbs an address takes is the door's business."""
