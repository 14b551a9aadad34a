"""One's own data as a file: JSON, CSV or PDF, each with the issuer's signature in it or beside it.

The signature is a JWS by the keys at `/.well-known/jwt-vc-issuer`. In JSON it holds the data itself; beside a CSV or
PDF, in one ZIP, it holds the file's SHA-256. Anybody with the keys can check it offline: `./banyan verify`.
"""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated, Any, Final, Literal

import msgspec
from joserfc import jws

from banyan.kernel.catalogue.operation import Context
from banyan.kernel.events.clock import iso
from banyan.limits_mydata import TAKEN_FIELDS
from banyan.service.credentials.offering import KindName, titled
from banyan.service.credentials.owning import Kind, kind_of, release
from banyan.service.credentials.paper import Paper, printed
from banyan.service.credentials.rows import csv_of, rows_of
from banyan.service.credentials.service import SERVICE
from banyan.service.credentials.shelf import MESSAGES, Shelf, origin_of, own_subject, shelf_of
from banyan.service.credentials.signing import Signer, signer
from banyan.wire.sdjwt.disclosures import b64

Form = Literal["json", "csv", "pdf"]
FORMS: Final[tuple[Form, ...]] = ("json", "csv", "pdf")
TYPE: Final = "taken+jwt"
ZIP_TIME: Final = (1980, 1, 1, 0, 0, 0)
"""ZIP has no time zone; the moment stands in the signature."""


class Taking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`origin` is the issuer's address on a node without a configured one; `lang` that of labels."""

    kind: KindName
    fields: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=TAKEN_FIELDS)]
    form: Form
    origin: str
    lang: Literal["zh-Hant", "en"] = "zh-Hant"


class Taken(msgspec.Struct, frozen=True):
    """A file to save."""

    name: str
    media_type: str
    content: bytes


@SERVICE.operation(
    "take",
    **titled("下載自己的資料", "Download my data", "JSON、CSV 或 PDF，都有簽章。", "As JSON, CSV or PDF, signed."),
    data=("identity",),
    audience="citizen",
    effect="write",
    purpose="own-affairs",
    channels=(),
)
async def take(ctx: Context, request: Taking) -> Taken:
    """Raises Unavailable when a PDF could not be made in time."""
    own_subject(ctx)
    shelf = shelf_of(ctx)
    issuer = origin_of(shelf, request.origin)
    kind = await kind_of(shelf, request.kind)
    values = await release(ctx, kind, request.fields)
    signs = await signer(ctx.db.sql, shelf.provider)
    told = {"iss": issuer, "iat": int(ctx.now), "kind": kind.id, "title": dict(kind.title)}
    stem = kind.id.replace(".", "-")
    if request.form == "json":
        return Taken(f"{stem}.json", "application/json", _json(told, values, signs))
    rows = rows_of(values, kind, request.lang)
    if request.form == "csv":
        head = (_said("field", request.lang), _said("value", request.lang))
        content = await asyncio.to_thread(csv_of, rows, head)
    else:
        content = await printed(_paper(shelf, kind, rows, iso(ctx.now), request.lang))
    return Taken(f"{stem}.zip", "application/zip", _zip(f"{stem}.{request.form}", content, told, signs))


def _json(told: Mapping[str, Any], values: Mapping[str, Any], signs: Signer) -> bytes:
    whole = {**told, "data": values}
    return msgspec.json.format(msgspec.json.encode({**whole, "jws": signature(whole, signs)}), indent=2)


def _zip(name: str, content: bytes, told: Mapping[str, Any], signs: Signer) -> bytes:
    """The file, and beside it the signature of its hash."""
    whole = {**told, "file": name, "sha256": b64(sha256(content).digest())}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as packed:
        for path, data in ((name, content), (f"{name}.jws", signature(whole, signs).encode())):
            packed.writestr(zipfile.ZipInfo(path, ZIP_TIME), data, compress_type=zipfile.ZIP_DEFLATED)
    return made.getvalue()


def signature(told: Mapping[str, Any], signs: Signer) -> str:
    """A compact JWS (RFC 7515) of what is told."""
    header = {"alg": "ES256", "kid": signs.kid, "typ": TYPE}
    return jws.serialize_compact(header, msgspec.json.encode(told), signs.key, ["ES256"])


def _paper(shelf: Shelf, kind: Kind, rows: list[tuple[str, str, str]], at: str, lang: str) -> Paper:
    return Paper(
        lang=lang,
        title=kind.title[lang],
        lead=(
            _said("paper_issuer", lang, issuer=shelf.names[lang]),
            _said("paper_at", lang, at=at),
            _said("paper_statute", lang, statute=kind.statute[lang]),
        ),
        head=(_said("field", lang), _said("value", lang)),
        rows=tuple((label, value) for _, label, value in rows),
        foot=(_said("paper_check", lang),),
        missing=_said("paper_missing", lang, code="{code}"),
    )


def _said(key: str, lang: str, **values: object) -> str:
    return MESSAGES.text(f"credentials.{key}", lang, **values)
