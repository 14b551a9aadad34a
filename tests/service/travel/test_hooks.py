"""CDS Hooks over HTTP: who is believed, what is answered, what a browser of another origin may read, what is kept."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from tests.service.travel.ehr import (
    ADMINISTRATOR,
    BASE,
    CALL,
    FEEDBACK,
    KEY,
    ORIGIN,
    body,
    call,
    http,
    patient,
    register,
    token,
)
from tests.service.travel.world import CHEN, H1_AT, H2_AT, LIN, PASSPORT, WANG, World, in_a_world

from banyan.errors import Invalid, NotFound
from banyan.service.travel import clients
from banyan.service.travel.heard import SQL
from banyan.wire.cdshooks import Response, faults_of_response
from banyan.wire.cdshooks.tokens import public_jwk


async def ready(world: World) -> None:
    await world.arrive([LIN], ("XA", 5), ("SG", 2))
    await register(world)


def test_discovery_says_what_there_is_to_anybody() -> None:
    async def story(world: World) -> None:
        found = await http(world).get("/cds-services", headers={"Origin": "https://anywhere.example"})
        (one,) = found.json["services"]
        assert (one["hook"], one["id"]) == ("patient-view", "travel-flag")
        assert one["prefetch"] == {"patient": "Patient/{{context.patientId}}"}
        assert found.header("access-control-allow-origin") == "*"

    in_a_world(story)


def test_a_card_tells_flag_window_source_and_rule_and_keeps_the_invariants() -> None:
    async def story(world: World) -> None:
        await ready(world)
        found = await call(world, body(), token(world))
        assert found.status == 200, found.json
        (card,) = found.json["cards"]
        assert (card["indicator"], card["source"]["url"]) == ("warning", f"{BASE}/travel")
        assert len(card["summary"]) < 140
        for said in ("榕嶼旅遊史", "drill-xa", world.ago(5)):
            assert said in card["summary"] + card["detail"]
        assert [link["type"] for link in card["links"]] == ["absolute", "absolute"]
        assert all(one["display"] for one in card["overrideReasons"])
        assert not faults_of_response(msgspec.json.decode(found.body, type=Response))
        for told in ("SG", world.ago(2), LIN, "林小榕"):
            assert told not in found.body.decode()

    in_a_world(story)


def test_no_flag_is_no_card_and_a_record_without_a_number_says_so() -> None:
    async def story(world: World) -> None:
        await ready(world)
        for number in (WANG, CHEN):
            sent = body(prefetch={"patient": patient(number)})
            assert (await call(world, sent, token(world))).json == {"cards": []}
        for number in ("", "A123456788"):
            (card,) = (await call(world, body(prefetch={"patient": patient(number)}), token(world))).json["cards"]
            assert card["indicator"] == "info"

    in_a_world(story)


def test_a_passport_of_fhirs_own_system_is_asked_by() -> None:
    async def story(world: World) -> None:
        await ready(world)
        await world.arrive([PASSPORT], ("IT", 1))
        sent = patient("TR1234567", system="http://hl7.org/fhir/sid/passport-JPN")
        assert len((await call(world, body(prefetch={"patient": sent}), token(world))).json["cards"]) == 1

    in_a_world(story)


def test_the_patient_sees_the_look_and_the_hook_it_came_by() -> None:
    async def story(world: World) -> None:
        await ready(world)
        sent = body()
        await call(world, sent, token(world))
        (use,) = (await world.uses(LIN)).uses
        assert (use.receiver, use.operation) == (H1_AT, "travel.flag")
        (look,) = (await world.call("mine", world.citizen(LIN))).looks
        assert look.reason.endswith(sent["hookInstance"])

    in_a_world(story)


def test_who_is_not_believed() -> None:
    async def story(world: World) -> None:
        await ready(world)
        other = ec.generate_private_key(ec.SECP384R1())
        now = world.now[0]
        wrong = [
            "", "x", token(world, key=other), token(world, iss="https://evil.example"), token(world, tenant=""),
            token(world, jku="https://ehr.h1.example/jwks"), token(world, FEEDBACK), token(world, aud=BASE),
            token(world, exp=now - 100, iat=now - 200), token(world, exp=now + 900), token(world, kid="k2"),
        ]  # fmt: skip
        for bearer in wrong:
            found = await call(world, body(), bearer)
            assert (found.status, found.header("www-authenticate")) == (401, "Bearer"), bearer
        assert not (await world.uses(LIN)).uses

    in_a_world(story)


def test_feedback_is_believed_of_nobody_else_either() -> None:
    async def story(world: World) -> None:
        await ready(world)
        said = {
            "feedback": [{"card": str(uuid4()), "outcome": "overridden", "outcomeTimestamp": "2026-11-23T00:00:00Z"}]
        }
        once = token(world, FEEDBACK)
        wrong = ["", token(world), token(world, FEEDBACK, iss="https://evil.example"),
                 token(world, FEEDBACK, exp=world.now[0] + 301), token(world, FEEDBACK, kid="k2")]  # fmt: skip
        for bearer in wrong:
            assert (await call(world, said, bearer, FEEDBACK)).status == 401, bearer
        assert (await call(world, said, once, FEEDBACK)).status == 404, "believed: it is the card that nobody was shown"
        assert (await call(world, said, once, FEEDBACK)).status == 401

    in_a_world(story)


@pytest.mark.parametrize(
    "keys",
    [
        [public_jwk(KEY, "k1"), public_jwk(ec.generate_private_key(ec.SECP384R1()), "k1")],
        [{**public_jwk(KEY, "k1"), "d": "AQAB"}],
        [{**public_jwk(KEY, "k1"), "kid": ""}],
        [],
    ],
)
def test_a_set_of_keys_has_public_ones_with_a_kid_of_their_own(keys: list[dict[str, str]]) -> None:
    async def story(world: World) -> None:
        with pytest.raises(Invalid):
            await register(world, keys=keys)

    in_a_world(story, is_ordered=False)


def test_a_token_is_good_once() -> None:
    async def story(world: World) -> None:
        await ready(world)
        bearer = token(world)
        assert (await call(world, body(), bearer)).status == 200
        again = await call(world, body(), bearer)
        assert (again.status, "jti" in again.json["title"]) == (401, True)
        world.now[0] += 3_600
        assert (await call(world, body(), token(world))).status == 200
        count = await world.node.drawers["travel"].sql.read(
            lambda tx: tx.row(SQL["by_issuer"], issuer="https://ehr.h1.example", tenant="h1")
        )
        assert count is not None

    in_a_world(story)


def test_who_was_removed_may_ask_no_more() -> None:
    async def story(world: World) -> None:
        await ready(world)
        gate = world.node.gate
        assert [one.id for one in await gate.call("travel.clients", {}, caller=ADMINISTRATOR)] == ["h1-ehr"]
        await gate.call("travel.remove_client", {"id": "h1-ehr"}, caller=ADMINISTRATOR)
        assert (await call(world, body(), token(world))).status == 401
        with pytest.raises(NotFound):
            await gate.call("travel.remove_client", {"id": "h1-ehr"}, caller=ADMINISTRATOR)

    in_a_world(story)


def test_a_registered_jku_must_stand_in_the_token() -> None:
    async def story(world: World) -> None:
        await ready(world)
        await register(world, jku="https://127.0.0.1:9/jwks")  # inside our walls: never asked
        assert (await call(world, body(), token(world))).status == 401
        assert (await call(world, body(), token(world, jku="https://127.0.0.1:9/jwks"))).status == 200
        assert (await call(world, body(), token(world, jku="https://evil.example/jwks"))).status == 401

    in_a_world(story)


def test_without_an_order_a_hospital_is_told_so_and_gets_no_card() -> None:
    async def story(world: World) -> None:
        await register(world)
        found = await call(world, body(), token(world))
        assert found.status == 403
        assert "cards" not in found.json

    in_a_world(story, is_ordered=False)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"prefetch": {}}, 412),
        ({"prefetch": {"patient": None}}, 412),
        ({"prefetch": {"patient": patient(id="another")}}, 412),
        ({"prefetch": {"patient": {"resourceType": "OperationOutcome"}}}, 412),
        ({"prefetch": {"patient": "x"}}, 412),
        ({"hook": "order-sign"}, 400),
        ({"hookInstance": "1"}, 400),
        ({"context": {"userId": "Practitioner/1"}}, 400),
    ],
)
def test_what_cannot_be_answered(changes: dict[str, Any], status: int) -> None:
    async def story(world: World) -> None:
        await ready(world)
        assert (await call(world, body(**changes), token(world))).status == status

    in_a_world(story)


def test_a_missing_prefetch_is_fetched_from_the_registered_server_only() -> None:
    async def story(world: World) -> None:
        await ready(world)
        asked: list[tuple[str, str]] = []

        async def fetch(url: str, bearer: str) -> bytes:
            asked.append((url, bearer))
            return msgspec.json.encode(patient())

        from banyan.service.travel.shelf import lend, shelf_of

        db = world.node.drawers["travel"]
        lend(db, msgspec.structs.replace(shelf_of(db), fetch=fetch))
        given = {"access_token": "s3cret", "token_type": "Bearer", "expires_in": 300, "scope": "user/Patient.read",
                 "subject": "banyan"}  # fmt: skip
        own, evil = "https://fhir.h1.example/r4/", "https://169.254.169.254/r4"
        sent = body(prefetch={}, fhirServer=own, fhirAuthorization=given)
        assert len((await call(world, sent, token(world))).json["cards"]) == 1
        assert asked == [("https://fhir.h1.example/r4/Patient/p1", "s3cret")]
        assert (await call(world, {**sent, "fhirServer": evil}, token(world))).status == 412
        assert (await call(world, {**sent, "fhirAuthorization": None}, token(world))).status == 400
        assert len(asked) == 1

    in_a_world(story)


def test_a_browser_of_a_registered_origin_and_no_other() -> None:
    async def story(world: World) -> None:
        await ready(world)
        wanted = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
        for path in (CALL, FEEDBACK):
            found = await http(world).request("OPTIONS", path, headers=wanted)
            assert (found.status, found.header("access-control-allow-origin")) == (204, ORIGIN)
            assert "authorization" in found.header("access-control-allow-headers")
            assert "POST" in found.header("access-control-allow-methods")
            assert not found.header("access-control-allow-credentials")
            other = await http(world).request("OPTIONS", path, headers={**wanted, "Origin": "https://evil.example"})
            assert not other.header("access-control-allow-origin")
        ours = await call(world, body(), token(world), headers={"Origin": ORIGIN})
        assert (ours.status, ours.header("access-control-allow-origin")) == (200, ORIGIN)
        refused = await call(world, body(), "x", headers={"Origin": ORIGIN})
        assert (refused.status, refused.header("access-control-allow-origin")) == (401, ORIGIN)
        evil = await call(world, body(), token(world), headers={"Origin": "https://evil.example"})
        assert not evil.header("access-control-allow-origin")

    in_a_world(story)


def test_feedback_is_kept_without_what_was_written() -> None:
    async def story(world: World) -> None:
        await ready(world)
        (card,) = (await call(world, body(), token(world))).json["cards"]
        why = {"reason": {"code": "contested", "system": "s"}, "userComment": "林小榕說沒有去過"}
        one = {"card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": "2026-11-23T13:00:00Z",
               "overrideReason": why}  # fmt: skip
        good = await call(world, {"feedback": [one]}, token(world, FEEDBACK), FEEDBACK)
        assert (good.status, good.json) == (200, {})
        found = await world.node.drawers["travel"].sql.read(lambda tx: clients.outcomes(tx, world.now[0]))
        assert found == [("overridden", "contested", 1)]
        assert not any("林小榕說".encode() in path.read_bytes() for path in world.node.data.rglob("*.db*"))
        lost = {**one, "card": "00000000-0000-4000-8000-000000000000"}
        assert (await call(world, {"feedback": [lost]}, token(world, FEEDBACK), FEEDBACK)).status == 404
        wrong = {**one, "outcome": "ignored"}
        assert (await call(world, {"feedback": [wrong]}, token(world, FEEDBACK), FEEDBACK)).status == 400
        await register(world, agency=H2_AT)
        assert (await call(world, {"feedback": [one]}, token(world, FEEDBACK), FEEDBACK)).status == 404

    in_a_world(story)


def test_a_contested_flag_says_so_on_the_card() -> None:
    async def story(world: World) -> None:
        await ready(world)
        await world.call("contest", world.citizen(LIN), rule="drill-xa", words="轉機而已")
        (card,) = (await call(world, body(), token(world))).json["cards"]
        assert "申訴中" in card["summary"]
        said = await call(world, body(), token(world), headers={"Accept-Language": "en"})
        assert "contested" in said.json["cards"][0]["summary"]

    in_a_world(story)


def test_another_service_and_a_body_beyond_the_bound() -> None:
    async def story(world: World) -> None:
        await ready(world)
        assert (await call(world, body(), token(world), "/cds-services/other")).status == 404
        big = body(prefetch={"patient": patient(), "more": {"x": "y" * 300_000}})
        assert (await call(world, big, token(world))).status == 413

    in_a_world(story)
