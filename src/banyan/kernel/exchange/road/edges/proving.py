"""Whether a signed container holds: signature, body, and the place of the leaf in the transparency log. Asks nobody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

import msgspec

from banyan.errors import UNREADABLE
from banyan.kernel.exchange.directory.document import BadDocument, fingerprint, load_verifier
from banyan.kernel.exchange.messages.record import Entry, public_xid, read_entry
from banyan.kernel.exchange.road.edges.container import KeptKey, Opened, decode
from banyan.wire.httpsig.digest import check_digest
from banyan.wire.httpsig.errors import Refused
from banyan.wire.httpsig.message import Request, Response
from banyan.wire.httpsig.peer import LABEL, Accepted, Keys, verify_request, verify_response
from banyan.wire.httpsig.presented import presented
from banyan.wire.tlog.checkpoint import Checkpoint
from banyan.wire.tlog.note import Verifier as LogVerifier
from banyan.wire.tlog.proof import parse_receipt, verify_receipt
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.identifiers import encoded, parse_client, parse_service


class Unproven(ValueError):
    """What does not hold, in a sentence."""


class Proven(msgspec.Struct, frozen=True):
    """A container that holds. `is_pinned`: the key came from a directory, not from the container itself."""

    kind: str
    keyid: str
    is_pinned: bool
    created: int
    xid: str
    message_id: str
    client: str
    service: str
    status: int
    """Of an answer; 0: a request."""
    has_body: bool
    index: int
    checkpoint: Checkpoint
    witnesses: tuple[str, ...]


KeyOf = Callable[[str], Keys | None]


def prove(
    data: bytes,
    *,
    logs: Sequence[LogVerifier],
    witnesses: Sequence[LogVerifier] = (),
    quorum: int = 0,
    key_of: KeyOf | None = None,
) -> Proven:
    """`key_of`: the directory's keys; without it the container's own key counts, whose name is its fingerprint.
    Raises Unproven, or Invalid when the container cannot be read."""
    opened = decode(data)
    try:
        accepted, keyid = _signature(opened, key_of or _own_keys(opened.keys))
        if opened.body is not None:
            check_digest(opened.body, accepted.digests)
        receipt = parse_receipt(opened.receipt)
        checkpoint = verify_receipt(receipt, opened.entry, logs=logs, witnesses=witnesses, quorum=quorum)
    except Refused as refused:
        raise Unproven(f"the signature does not hold: {refused}") from refused
    except ValueError as error:  # BadNote and merkle's Unproven among them
        raise Unproven(f"the log does not prove it: {error}") from error
    _check_entry(opened, keyid)
    one = _told(opened)
    status = opened.message.status if isinstance(opened.message, Response) else 0
    return Proven(
        kind="response" if status else "request",
        keyid=keyid,
        is_pinned=key_of is not None,
        created=accepted.created,
        xid=one["x-road-request-id"],
        message_id=one["x-road-id"],
        client=one["x-road-client"],
        service=one["x-road-service"],
        status=status,
        has_body=opened.body is not None,
        index=receipt.index,
        checkpoint=checkpoint,
        witnesses=tuple(w.name for w in witnesses),
    )


def _signature(opened: Opened, key_of: KeyOf) -> tuple[Accepted, str]:
    """By the clock of when it was signed: a container is checked for ever."""
    found = presented(opened.message.fields).get(LABEL)
    created = (found.parameters.created or 0) if found else 0
    if isinstance(opened.message, Request):
        accepted = verify_request(opened.message, key_of, created)
    else:
        assert opened.request is not None, "decode has checked"
        accepted = verify_response(opened.message, opened.request, key_of, created)
    return accepted, accepted.keyid


def _own_keys(kept: Sequence[KeptKey]) -> KeyOf:
    """Keys of the container itself. A key's name ends with its fingerprint, so no other key can stand under it."""

    def key_of(keyid: str) -> Keys | None:
        for one in kept:
            if one.keyid == keyid and _is_named(keyid, one.public):
                if one.second and not _is_named(one.second_keyid, one.second):
                    return None
                try:
                    second = load_verifier(one.second_keyid, one.second) if one.second else None
                    return Keys(load_verifier(keyid, one.public), second)
                except BadDocument as error:
                    raise Unproven(f"the container's key cannot be read: {error}") from error
        return None

    return key_of


def _is_named(keyid: str, public: bytes) -> bool:
    return keyid.partition("#")[2] == fingerprint(public)


def _check_entry(opened: Opened, keyid: str) -> None:
    """The leaf speaks of this message: it has the hash of its signature, and names the exchange and its members."""
    try:
        entry = read_entry(opened.entry)
    except UNREADABLE as error:
        raise Unproven("the leaf is no exchange") from error
    told = _told(opened)
    own = sha256(", ".join(opened.message.fields["signature"]).encode("latin-1")).hexdigest()
    of_request = isinstance(opened.message, Request)
    if own != (entry.request if of_request else entry.answer):
        raise Unproven("the leaf has the signature of another message")
    if entry.xid != public_xid(told["x-road-request-id"]):
        raise Unproven("the leaf is of another exchange")
    _check_members(entry, told, keyid if "#" in keyid else "", of_request=of_request)


def _check_members(entry: Entry, told: dict[str, str], keyid: str, *, of_request: bool) -> None:
    try:
        client = encoded(parse_client(told["x-road-client"]).owner)
        provider = encoded(parse_service(told["x-road-service"]).provider.owner)
    except Fault as fault:
        raise Unproven(f"the message names no members: {fault.title}") from fault
    if (entry.client, entry.provider) != (client, provider):
        raise Unproven("the leaf names other members")
    if keyid and keyid.partition("#")[0] != (client if of_request else provider):
        raise Unproven("the key is of another member than who speaks")


def _told(opened: Opened) -> dict[str, str]:
    names = ("x-road-request-id", "x-road-id", "x-road-client", "x-road-service")
    found = {name: opened.message.fields.get(name, ()) for name in names}
    if any(len(lines) != 1 for lines in found.values()):
        raise Unproven("the message does not name its exchange")
    return {name: lines[0] for name, lines in found.items()}
