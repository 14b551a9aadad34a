"""What the log keeps of an exchange, and the entry that stands for it in the open.

The record is JSON: both signed messages with their fields as they came, so that every signature can be checked again
by any tool. It is kept sealed. The entry shows the exchange's id, the role, the two members, the minute and whether it
was answered; beside them hashes that both sides can compare and nobody can guess, for a signature is in each: it
covers a nonce and is made by a secret key. Everything else (service, path, user, purpose, basis, status) is behind
`commitment` = SHA-256(salt || record), as in the ledger (law 2; decision 0106).
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256
from typing import Final, Literal

import msgspec

from banyan.kernel.exchange.road.model import Exchanged, Role, Signed
from banyan.kernel.ledger.entries import act_entry, commitment_of
from banyan.limits_road import MESSAGES_XID_CHARACTERS
from banyan.wire.xroad.identifiers import ClientId, ServiceId, encoded, parse_client, parse_service

KIND: Final = "exchange"
GATEWAY: Final = "gateway"
"""The entry that says whose exchanges the log holds from there on."""
MINUTE_S: Final = 60
Outcome = Literal["answered", "faulted", "unanswered"]
_XID: Final = re.compile(rf"[A-Za-z0-9._:-]{{1,{MESSAGES_XID_CHARACTERS}}}")
_SIGNATURE: Final = b"\r\nsignature: "
"""As gateways write it; the profile has it once."""
_encoder: Final = msgspec.json.Encoder()


class Head(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A signed message without its body: its line, its fields as `Name: value` lines with CRLF between; Latin-1."""

    line: str
    fields: str
    scheme: str = "https"
    authority: str = ""


class Record(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One exchange as this side saw it. `at` in epoch seconds."""

    xid: str
    role: Role
    client: str
    service: str
    message_id: str
    at: float
    status: int
    fault: str = ""
    purpose: str = ""
    basis: str = ""
    request: Head | None = None
    answer: Head | None = None
    v: int = 1


class Entry(msgspec.Struct, frozen=True, omit_defaults=True, gc=False, kw_only=True):
    """What stands in the open; keys in order. `at` is the minute, in minutes since the epoch; `request` and `answer`
    are SHA-256 of the value of each message's `Signature` field, empty when there was no such message."""

    answer: str = ""
    at: int = 0
    client: str = ""
    commitment: str = ""
    kind: str = ""
    members: tuple[str, ...] = ()
    outcome: str = ""
    provider: str = ""
    request: str = ""
    role: str = ""
    v: int = 0
    xid: str = ""


_read_entry: Final = msgspec.json.Decoder(Entry)
_read_record: Final = msgspec.json.Decoder(Record)


def written(exchanged: Exchanged, salt: bytes) -> tuple[bytes, bytes]:
    """The public entry of an exchange, and the record that it commits to: kept as it is, never encoded again."""
    request, asked = _head(exchanged.request)
    answer, answered = _head(exchanged.answer)
    client, service = exchanged.client, exchanged.service
    record = _encoder.encode(
        Record(
            exchanged.xid,
            exchanged.role,
            named(client),
            named(service),
            exchanged.message_id,
            exchanged.at,
            exchanged.status,
            exchanged.fault,
            exchanged.purpose,
            exchanged.basis,
            request,
            answer,
        )
    )
    entry = Entry(
        answer=answered,
        at=int(exchanged.at) // MINUTE_S,
        client=_owner(client),
        commitment=commitment_of(salt, record).hex(),
        kind=KIND,
        outcome=outcome_of(exchanged),
        provider=_owner(service),
        request=asked,
        role=exchanged.role,
        v=1,
        xid=public_xid(exchanged.xid),
    )
    return _encoder.encode(entry), record


def gateway_entry(members: tuple[ClientId, ...], at: float) -> bytes:
    """Whose exchanges the log holds from here on."""
    return _encoder.encode(Entry(at=int(at) // MINUTE_S, kind=GATEWAY, members=tuple(map(named, members)), v=1))


def deletion_entry(day: str, records: int, bodies: int) -> bytes:
    """The key under which what was due on `day` was sealed is gone: so many records, so many with bodies."""
    return act_entry("deletion", what="messages", day=day, records=records, bodies=bodies)


def read_entry(data: bytes) -> Entry:
    """Raises msgspec.DecodeError."""
    return _read_entry.decode(data)


def read_record(data: bytes) -> Record:
    """Raises msgspec.DecodeError."""
    return _read_record.decode(data)


def outcome_of(exchanged: Exchanged) -> Outcome:
    if exchanged.fault:
        return "faulted"
    return "answered" if exchanged.status else "unanswered"


def public_xid(xid: str) -> str:
    """The id as it stands in the open: a UUID as it is; what a stranger made up in another form, as its hash."""
    return xid if _XID.fullmatch(xid) else "sha256:" + sha256(xid.encode("utf-8", "surrogatepass")).hexdigest()[:48]


def signed_of(head: Head) -> Signed:
    """The message as it was given to the log."""
    return Signed(head.line.encode("latin-1"), head.fields.encode("latin-1"), head.scheme, head.authority)


def client_of(record: Record) -> ClientId:
    return parse_client(record.client)


def service_of(record: Record) -> ServiceId:
    return parse_service(record.service)


@lru_cache(maxsize=4_096)
def named(identifier: ClientId | ServiceId) -> str:
    """As in a header; kept, for the same few ask the same few."""
    return encoded(identifier)


@lru_cache(maxsize=4_096)
def _owner(identifier: ClientId | ServiceId) -> str:
    """The member's own name."""
    return encoded((identifier.provider if isinstance(identifier, ServiceId) else identifier).owner)


def _head(message: Signed | None) -> tuple[Head | None, str]:
    """As a record has it, and SHA-256 of the value of its `Signature` field in hexadecimal, empty without one."""
    if message is None:
        return None, ""
    fields = message.text
    head = Head(message.line.decode("latin-1"), fields.decode("latin-1"), message.scheme, message.authority)
    start = fields.find(_SIGNATURE)
    if start >= 0:
        start += len(_SIGNATURE)
        end = fields.find(b"\r\n", start)
        value = fields[start:] if end < 0 else fields[start:end]
    else:  # in another spelling, or the first field
        value = next((value for name, value in message.fields if name.lower() == b"signature"), b"")
    return head, sha256(value).hexdigest() if value else ""
