"""Officers who let agencies in: each signs the request's name with a key of their own; two pairs of eyes by setting.

A statement is a signed note (c2sp.org/signed-note) by `officer/NAME`: an auditor checks it with any tool for notes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final
from urllib.parse import quote

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from banyan.errors import Invalid
from banyan.kernel.exchange.directory.enrolment import Request
from banyan.wire.tlog import note
from banyan.wire.tlog.checkpoint import verifier_of
from banyan.wire.tlog.note import BadNote, Ed25519Signer

_HEAD: Final = "banyan-approval/1"


class Officer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`vkey`: an Ed25519 key of a note, named `officer/NAME`."""

    name: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9._-]{1,60}$")]
    vkey: str


def signer_of(name: str, key: Ed25519PrivateKey) -> Ed25519Signer:
    return Ed25519Signer(f"officer/{name}", key)


def officer_of(name: str, key: Ed25519PrivateKey) -> Officer:
    public = key.public_key().public_bytes_raw()
    return msgspec.convert({"name": name, "vkey": note.verifier_key(f"officer/{name}", note.ED25519, public)}, Officer)


def state(request: Request, signer: Ed25519Signer) -> bytes:
    """An officer's approval of just this request."""
    text = text_of(request)
    return note.written(text, (signer.sign(text),))


def check(statement: bytes, request: Request, officers: Sequence[Officer]) -> Officer:
    """Who approved. Raises Invalid: nobody known, or not this request."""
    try:
        parsed = note.parse(statement)
        verifiers = {one.vkey: verifier_of(one.vkey) for one in officers}
        good, _ = note.verified(parsed, list(verifiers.values()))
    except BadNote as error:
        raise Invalid.at("officer", f"The approval does not hold: {error}.") from error
    if parsed.text != text_of(request):
        raise Invalid.at("officer", "The approval is of another request.")
    by = {(one.name, one.key_id) for one in good}
    for officer in officers:
        verifier = verifiers[officer.vkey]
        if (verifier.name, verifier.key_id) in by:
            return officer
    raise Invalid.at("officer", "No officer named in centre.json signed the approval.")


def text_of(request: Request) -> str:
    return f"{_HEAD}\n{quote(request.wanted.instance, safe='')}\n{request.name}\n"
