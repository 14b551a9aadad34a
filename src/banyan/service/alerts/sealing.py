"""What proves that a CAP document is this node's: a pinned certificate, and one signature for ever.

A message's document is made and signed once, when it is first asked for, and kept: its words and its signature never
change, whatever becomes of the key, the agency's name or the address by which somebody found us.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from banyan.errors import NotFound
from banyan.kernel.catalogue.operation import OPEN, Context, FaceAnswer, FaceRequest
from banyan.kernel.storage.store import Tx
from banyan.limits_alerts import CAP_SENDERS
from banyan.service.alerts import keeping
from banyan.service.alerts.asking import Everything
from banyan.service.alerts.service import SERVICE
from banyan.service.alerts.shelf import both, shelf_of
from banyan.service.alerts.signer import Signer
from banyan.wire.cap import register, signing

PATH: Final = "/alerts/register"


class Pinned(msgspec.Struct, frozen=True):
    """A certificate of this node by its SHA-256; `path` is where it lies as PEM. Times are RFC 3339 UTC."""

    fingerprint: str
    since: str
    until: str
    path: str


class Signers(msgspec.Struct, frozen=True):
    """Under which CAP senders this node signs, and by which certificates."""

    senders: tuple[str, ...]
    certificates: tuple[Pinned, ...]


class Filed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str


@SERVICE.operation(
    "signers", title={"zh-Hant": "簽章與憑證", "en": "Signatures and certificates"},
    summary={"zh-Hant": "本節點為哪些發布者簽章，以及憑證的指紋。",
             "en": "For which senders this node signs its CAP documents, and its certificates."},
    data=OPEN, audience="public", channels=("api",),
)  # fmt: skip
async def signers(ctx: Context, request: Everything) -> Signers:
    """Empty where nothing is signed."""
    signer = shelf_of(ctx.db).signer
    if signer is None:
        return Signers((), ())
    return Signers(await ctx.db.sql.read(senders_of), pinned_of(signer))


@SERVICE.operation(
    "register", title={"zh-Hant": "憑證檔", "en": "The register's files"},
    summary={"zh-Hant": "驗證告警簽章用的憑證與清單。", "en": "The certificates and the list that verify our alerts."},
    data=OPEN, audience="public", channels=(),
)  # fmt: skip
async def filed(ctx: Context, request: Filed) -> bytes:
    """A folder of these files is what `./banyan cap verify --register` takes. Raises NotFound."""
    signer = shelf_of(ctx.db).signer
    if signer is not None and request.name == register.INDEX:
        return index_of(await ctx.db.sql.read(senders_of), pinned_of(signer)).encode()
    for at, certificate in enumerate(signer.certificates if signer is not None else (), 1):
        if request.name == _file(at):
            return certificate.public_bytes(Encoding.PEM)
    raise NotFound(both("no_register"), remedy=both("no_register_remedy"))


@SERVICE.face("GET", path=PATH + "/{name}", rate="read")
async def register_face(request: FaceRequest) -> FaceAnswer:
    name = request.params["name"]
    body = await request.call("alerts.register", Filed(name))
    kind = "application/toml" if name == register.INDEX else "application/x-pem-file"
    return FaceAnswer(body, kind, headers=(("Cache-Control", "public, max-age=300"),))


def senders_of(tx: Tx) -> tuple[str, ...]:
    """Those that a warrant names, and those that something was signed under."""
    return keeping.senders(tx)[:CAP_SENDERS]


def pinned_of(signer: Signer) -> tuple[Pinned, ...]:
    """Each is good until the next began, or its own end."""
    starts = [one.not_valid_before_utc for one in signer.certificates]
    ends = [*starts[1:], signer.newest.not_valid_after_utc]
    return tuple(
        Pinned(
            one.fingerprint(hashes.SHA256()).hex(),
            f"{since:%Y-%m-%dT%H:%M:%SZ}",
            f"{min(until, one.not_valid_after_utc):%Y-%m-%dT%H:%M:%SZ}",
            f"{PATH}/{_file(at)}",
        )
        for at, (one, since, until) in enumerate(zip(signer.certificates, starts, ends, strict=True), 1)
    )


def index_of(senders: Sequence[str], pinned: Sequence[Pinned]) -> str:
    """senders.toml as `wire/cap/register.py` reads it."""
    entries = [
        f'[[sender]]\nsender = "{_quoted(sender)}"\ncertificate = "{one.path.rpartition("/")[2]}"\n'
        f"since = {one.since}\nuntil = {one.until}\n"
        for sender in senders
        for one in pinned
    ]
    return "\n".join(entries[:CAP_SENDERS])


async def sealed(signer: Signer | None, document: bytes) -> bytes:
    """The document with its signature; as it is where nothing is signed."""
    if signer is None:
        return document
    return await asyncio.to_thread(signing.sign, document, signer.key, signer.newest)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _file(at: int) -> str:
    return f"cap-{at}.pem"
