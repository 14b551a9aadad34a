"""What `./banyan verify` says of an exchange between two agencies: what was asked and answered, and whose signatures
under both hold by the keys that are given (`--signer KEYID=FILE`, PEM, as the directory has them)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from banyan.errors import Invalid
from banyan.kernel.exchange.messages.proving import Signatures, check_signatures
from banyan.kernel.exchange.messages.record import Head, Record, read_record
from banyan.wire.httpsig.digest import CONTENT_DIGEST
from banyan.wire.httpsig.keys import PublicKey, verifier_of
from banyan.wire.httpsig.message import fields_of
from banyan.wire.httpsig.peer import Keys

PEM_BYTES = 65_536


def exchange_lines(record: Mapping[str, object], signers: list[str]) -> list[str]:
    """What to print of a record. Raises Refused (ValueError): a signature does not hold; Invalid for a key's file."""
    told = read_record(msgspec.json.encode(record))
    lines = [
        f"  {told.client} → {told.service}, {_moment(told.at)}, {told.role}",
        f"  xid: {told.xid}, X-Road-Id: {told.message_id}",
    ]
    lines += [f"  {name}: {value}" for name in ("purpose", "basis", "fault") if (value := getattr(told, name))]
    lines += _message("request", told.request) + _message("answer", told.answer)
    known = _keys(signers)
    if not known:
        return [*lines, "  簽章未驗 signatures not checked: give --signer KEYID=FILE"]
    return lines + _signed(told, check_signatures(told, known.get))


def _signed(told: Record, found: Signatures) -> list[str]:
    lines = []
    for name, head, accepted in (("request", told.request, found.request), ("answer", told.answer, found.answer)):
        if accepted is not None:
            moment = _moment(accepted.created)
            lines.append(f"  簽章成立 signature holds: {name}, {accepted.keyid}, {moment}")
        elif head is not None:
            lines.append(f"  未簽章 not signed: {name}")
    return lines


def _message(name: str, head: Head | None) -> list[str]:
    if head is None:
        return [f"  {name}: none"]
    digest = ", ".join(fields_of(_pairs(head)).get(CONTENT_DIGEST, ()))
    return [f"  {name}: {' '.join(head.line.split(chr(13) + chr(10)))}", f"    {digest}"]


def _pairs(head: Head) -> list[tuple[bytes, bytes]]:
    lines = (line.partition(": ") for line in head.fields.split("\r\n"))
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, _, value in lines]


def _keys(signers: list[str]) -> dict[str, Keys]:
    found: dict[str, Keys] = {}
    for text in signers:
        keyid, equals, path = text.rpartition("=")
        if not equals:
            raise Invalid.at("--signer", "write KEYID=FILE")
        try:
            with Path(path).open("rb") as file:
                key = load_pem_public_key(file.read(PEM_BYTES))
            if not isinstance(key, PublicKey):
                raise ValueError("another kind of key")
            found[keyid] = Keys(verifier_of(keyid, key))
        except (OSError, ValueError) as error:
            raise Invalid.at("--signer", f"{path} holds no public key that signs messages (PEM)") from error
    return found


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
