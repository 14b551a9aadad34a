"""Keys that a record system publishes at its registered address: rotation, withdrawal, an address that is down or lies,
and who may make this node ask."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from tests.service.travel.ehr import ADMINISTRATOR, KEY, body, call, register, registered, token
from tests.service.travel.jwks import Hospital, a_hospital, certificate
from tests.service.travel.world import LIN, ONLY, World, in_a_world

from banyan.errors import Invalid
from banyan.limits_travel import CDS_JWKS, CDS_KEYS_AGAIN_S, CDS_KEYS_FRESH_S, CDS_KEYS_STALE_S
from banyan.settings import Fetch
from banyan.wire.cdshooks.tokens import public_jwk

INSIDE = msgspec.structs.replace(ONLY, fetch=Fetch(allow_private=True))
NEXT = ec.generate_private_key(ec.SECP384R1())


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def hospital(pem: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hospital]:
    """Whose certificate this process trusts, as it would an authority's."""
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    with a_hospital(pem) as one:
        one.publish([public_jwk(KEY, "k1")])
        yield one


async def status(world: World, hospital: Hospital, kid: str = "k1", key: ec.EllipticCurvePrivateKey = KEY) -> int:
    found = await call(world, body(), token(world, jku=hospital.url, kid=kid, key=key))
    return found.status


async def ready(world: World, hospital: Hospital) -> None:
    await world.arrive([LIN], ("XA", 5))
    await register(world, jku=hospital.url)


def test_a_key_that_the_hospital_rotates_to_is_heard_at_its_first_token(hospital: Hospital) -> None:
    async def story(world: World) -> None:
        await ready(world, hospital)
        assert (await status(world, hospital), hospital.asked) == (200, 1)
        assert (await status(world, hospital), hospital.asked) == (200, 1), "what was heard is fresh"
        hospital.publish([public_jwk(NEXT, "k2")])
        world.now[0] += CDS_KEYS_AGAIN_S
        assert (await status(world, hospital, "k2", NEXT), hospital.asked) == (200, 2)
        assert await status(world, hospital) == 401, "the key that is no more in the set"

    in_a_world(story, settings=INSIDE)


def test_a_withdrawn_key_is_believed_no_longer_than_what_was_heard_is_fresh(hospital: Hospital) -> None:
    async def story(world: World) -> None:
        await ready(world, hospital)
        assert await status(world, hospital) == 200
        hospital.publish([])
        world.now[0] += CDS_KEYS_FRESH_S - 1
        assert (await status(world, hospital), hospital.asked) == (200, 1)
        world.now[0] += 1
        assert (await status(world, hospital), hospital.asked) == (401, 2)

    in_a_world(story, settings=INSIDE)


def test_tokens_of_unknown_keys_make_the_node_ask_once_in_a_while_only(hospital: Hospital) -> None:
    async def story(world: World) -> None:
        await ready(world, hospital)
        for n in range(5):
            assert await status(world, hospital, f"x{n}", NEXT) == 401
        assert hospital.asked == 1
        world.now[0] += CDS_KEYS_AGAIN_S
        assert await status(world, hospital, "x", NEXT) == 401
        assert hospital.asked == 2
        stranger = await call(world, body(), token(world, iss="https://evil.example", jku=hospital.url))
        elsewhere = await call(world, body(), token(world, jku=hospital.url + "/other"))
        assert (stranger.status, elsewhere.status, hospital.asked) == (401, 401, 2)

    in_a_world(story, settings=INSIDE)


@pytest.mark.parametrize("fault", ["down", "status", "redirect", "no json", "private", "twice", "long"])
def test_what_was_heard_last_holds_while_the_address_is_down_or_says_no_set(hospital: Hospital, fault: str) -> None:
    async def story(world: World) -> None:
        await ready(world, hospital)
        hospital.publish([public_jwk(NEXT, "k2")])
        assert await status(world, hospital, "k2", NEXT) == 200
        spoil(hospital, fault)
        world.now[0] += CDS_KEYS_FRESH_S
        asked = hospital.asked
        assert await status(world, hospital, "k2", NEXT) == 200
        assert hospital.asked == asked + 1, "a redirect is not followed"
        assert await status(world, hospital) == 401, "the registered key, which the hospital left"
        world.now[0] += CDS_KEYS_STALE_S
        assert await status(world, hospital, "k2", NEXT) == 401, "nothing was heard for a month"
        await register(world, jku=hospital.url, keys=[public_jwk(NEXT, "k2")])
        assert await status(world, hospital, "k2", NEXT) == 403, "believed again; the order is over by then"

    in_a_world(story, settings=INSIDE)


def spoil(hospital: Hospital, fault: str) -> None:
    good = public_jwk(KEY, "k1")
    if fault in ("down", "status"):
        hospital.status = 503
    elif fault == "redirect":
        hospital.status, hospital.location = 302, hospital.url
    elif fault == "no json":
        hospital.body = b"<html>"
    elif fault == "private":
        hospital.publish([good, {**public_jwk(NEXT, "k2"), "d": "AA"}])
    elif fault == "twice":
        hospital.publish([good, {**public_jwk(NEXT, "k1")}])
    else:
        hospital.publish([good])
        hospital.body += b" " * CDS_JWKS


def test_the_registered_keys_hold_until_the_address_has_answered(hospital: Hospital) -> None:
    async def story(world: World) -> None:
        await ready(world, hospital)
        hospital.status = 503
        assert await status(world, hospital) == 200
        hospital.status = 200
        hospital.publish([public_jwk(NEXT, "k2")])
        world.now[0] += CDS_KEYS_FRESH_S
        assert (await status(world, hospital), await status(world, hospital, "k2", NEXT)) == (401, 200)

    in_a_world(story, settings=INSIDE)


def test_a_certificate_that_nobody_vouches_for_says_no_keys(pem: Path) -> None:
    async def story(world: World) -> None:
        with a_hospital(pem) as one:
            one.publish([public_jwk(NEXT, "k2")])
            await ready(world, one)
            assert (await status(world, one, "k2", NEXT), one.asked) == (401, 0)
            assert await status(world, one) == 200, "the registered key"

    in_a_world(story, settings=INSIDE)


def test_an_address_inside_our_own_walls_is_not_asked_unless_the_node_says_so(hospital: Hospital) -> None:
    async def story(world: World) -> None:
        await ready(world, hospital)
        hospital.publish([public_jwk(NEXT, "k2")])
        assert (await status(world, hospital, "k2", NEXT), hospital.asked) == (401, 0)
        assert await status(world, hospital) == 200

    in_a_world(story)


def test_only_an_https_address_can_be_registered() -> None:
    async def story(world: World) -> None:
        asked = registered(jku="http://ehr.h1.example/jwks")
        with pytest.raises(Invalid, match="jku"):
            await world.node.gate.call("travel.register_client", asked, caller=ADMINISTRATOR)

    in_a_world(story)
