"""Exchanges signed as the gateways sign them, kept by a real message log."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.kernel.exchange.messages.house import Clock, counted
from tests.kernel.exchange.road.edges.world import BORDER, CARE, NHI, NIA, a_call

from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.directory.document import key_name
from banyan.kernel.exchange.messages.opening import Opened, open_messages, origin_of
from banyan.kernel.exchange.road import leg
from banyan.kernel.exchange.road.desk import Signing
from banyan.kernel.exchange.road.model import Answer, Exchanged
from banyan.kernel.exchange.road.spool import Held
from banyan.wire.httpsig.digest import digest_field
from banyan.wire.httpsig.keys import Signer, signer_of, verifier_of
from banyan.wire.httpsig.peer import Keys
from banyan.wire.httpsig.presented import Parameters
from banyan.wire.xroad import headers
from banyan.wire.xroad.identifiers import ClientId, ServiceId

NOW = 1_800_000_000
ASKED, TOLD = b'{"who": "A123456789"}', b'{"travelled": true}'
SERVICE = ServiceId(*BORDER.parts[:3], BORDER.subsystem, "travel")  # type: ignore[misc]
KEYS = {NHI: ec.derive_private_key(0xBA27A4, ec.SECP256R1()), NIA: ec.derive_private_key(0xBA27A5, ec.SECP256R1())}


def public(member: ClientId) -> bytes:
    return KEYS[member].public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def signer(member: ClientId) -> Signer:
    return signer_of(key_name(member, public(member)), KEYS[member])


def key_of(keyid: str) -> Keys | None:
    """The directory's look-up."""
    for member in KEYS:
        if key_name(member, public(member)) == keyid:
            return Keys(verifier_of(keyid, KEYS[member].public_key()))
    return None


def an_exchange(number: int = 1, message_id: str = "m-1", **changes: object) -> Exchanged:
    """The hospital's subsystem asks the border's; `number` makes its id."""
    xid = f"00000000-0000-4000-8000-{number:012}"
    call = a_call(b"/r1/TW/GOV/nia/border/travel/flag?q=1", (b"Content-Type", b"application/json"), verb="POST")
    fields = tuple(headers.request_fields(msgspec.structs.replace(call.asked, message_id=""), xid, message_id))
    call = msgspec.structs.replace(call, fields=fields, request_id=xid, message_id=message_id)
    version = (b"x-directory-version", b"7")
    stamp = Parameters(created=NOW + number, expires=NOW + number + 60, nonce=f"nonce-of-call-{number:06}")
    sent = leg.signed_call(
        call, "gw1.nia.example:5500", [(leg.DIGEST, digest_field(ASKED).encode()), version], Signing(signer(NHI)), stamp
    )
    own = headers.Call(CARE, SERVICE, message_id, xid, "aGFzaA==")
    back = tuple(headers.response_fields([(b"Content-Type", b"application/json")], own))
    answer = Answer(200, b"OK", back, Held(TOLD))
    told = leg.signed_answer(
        answer,
        [(leg.DIGEST, digest_field(TOLD).encode()), version],
        sent.message,
        Signing(signer(NIA)),
        Parameters(created=NOW + number, expires=NOW + number + 60),
    )
    made = Exchanged(
        xid=xid,
        role="client",
        client=CARE,
        service=SERVICE,
        message_id=message_id,
        at=EpochS(NOW + number),
        status=200,
        request=leg.logged_call(call.verb, call.target.raw, sent.fields, sent.message.authority),
        answer=leg.logged_answer(200, b"OK", told),
        request_body=Held(ASKED),
        answer_body=Held(TOLD),
        keep_bodies_s=86_400.0,
    )
    return msgspec.structs.replace(made, **changes)


@asynccontextmanager
async def a_log(folder: Path) -> AsyncIterator[Opened]:
    seed = int.from_bytes(hashlib.sha256(str(folder).encode()).digest()[:4])
    origin = origin_of(("TW", "GOV", "nhi", "gw1"))
    async with open_messages(
        folder, origin=origin, members=[NHI], clock=Clock(NOW + 10), random=counted(seed)
    ) as opened:
        yield opened
