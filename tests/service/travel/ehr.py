"""A record system of a hospital: its key, its tokens, its calls."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from tests.make import Client as Http
from tests.make import Reply
from tests.service.travel.world import H1_AT, LIN, World

from banyan.kernel.identity.caller import Caller
from banyan.wire.cdshooks.tokens import Claims, public_jwk, signed

BASE = "http://localhost"
CALL, FEEDBACK = "/cds-services/travel-flag", "/cds-services/travel-flag/feedback"
ORIGIN = "https://ehr.h1.example"
ADMINISTRATOR = Caller("administrator", "administrator")
KEY = ec.generate_private_key(ec.SECP384R1())


def registered(**changes: Any) -> dict[str, Any]:
    return {
        "id": "h1-ehr", "agency": H1_AT, "issuer": "https://ehr.h1.example", "keys": [public_jwk(KEY, "k1")],
        "tenant": "h1", "origins": [ORIGIN], "fhir": "https://fhir.h1.example/r4", **changes,
    }  # fmt: skip


async def register(world: World, **changes: Any) -> None:
    await world.node.gate.call("travel.register_client", registered(**changes), caller=ADMINISTRATOR)


def token(world: World, path: str = CALL, *, key: ec.EllipticCurvePrivateKey = KEY, **changes: Any) -> str:
    now = world.now[0]
    claims = Claims("https://ehr.h1.example", BASE + path, now + 120, now, uuid4().hex, "h1", kid="k1")
    return signed(msgspec.structs.replace(claims, **changes), key)


def patient(number: str = LIN, *, system: str = "http://www.moi.gov.tw", id: str = "p1") -> dict[str, Any]:
    identifiers = [{"system": "https://h1.example/mrn", "value": "8862168"}]
    if number:
        identifiers.append({"system": system, "value": number})
    return {"resourceType": "Patient", "id": id, "name": [{"text": "林小榕"}], "identifier": identifiers}


def body(**changes: Any) -> dict[str, Any]:
    return {
        "hook": "patient-view", "hookInstance": str(uuid4()),
        "context": {"userId": "Practitioner/d1", "patientId": "p1"}, "prefetch": {"patient": patient()}, **changes,
    }  # fmt: skip


async def call(world: World, sent: Any, bearer: str, path: str = CALL, headers: dict[str, str] | None = None) -> Reply:
    return await http(world).post(path, json=sent, headers={"Authorization": f"Bearer {bearer}", **(headers or {})})


def http(world: World) -> Http:
    return Http(world.node.app)
