"""`./banyan verify FILE --issuer issuer.json`: check a shown credential, or a download, by an issuer's pinned keys.

Offline: keys (`/.well-known/jwt-vc-issuer`) and status lists (`/credentials/status/N`) are files that were kept.
Exit 0: it holds; 1: it does not.
"""

from __future__ import annotations

import argparse
import sys
import time
import zipfile
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from joserfc import jws
from joserfc.errors import JoseError

from banyan.errors import Invalid
from banyan.limits_mydata import TAKEN_FILE_BYTES
from banyan.wire.sdjwt.checking import Issuer, Report, check, key_of, read_issuer
from banyan.wire.sdjwt.credential import unverified
from banyan.wire.sdjwt.disclosures import BadCredential, b64

TAKEN_TYPE = "taken+jwt"


def add_shown_arguments(verify: argparse.ArgumentParser) -> None:
    verify.add_argument(
        "--issuer", action="append", type=Path, default=[], metavar="FILE",
        help="the file is a credential or a signed download; these are its issuer's keys (/.well-known/jwt-vc-issuer)",
    )  # fmt: skip
    verify.add_argument("--status", action="append", type=Path, default=[], metavar="FILE", help="a kept status list")
    verify.add_argument("--audience", default="", help="whom the credential must have been shown to")
    verify.add_argument("--nonce", default="", help="the random text it must answer")
    verify.add_argument("--at", default="", metavar="TIME", help="check as of this moment (RFC 3339); else now")


def run_shown(options: argparse.Namespace) -> int:
    """Print what holds. Raises Invalid for files that cannot be read."""
    try:
        pinned = [read_issuer(_read(path)) for path in options.issuer]
    except BadCredential as error:
        raise Invalid.at("--issuer", str(error)) from error
    data = _read(options.receipt)
    try:
        if zipfile.is_zipfile(options.receipt):
            _say(_packed(options.receipt, pinned))
        elif data.lstrip().startswith(b"{"):
            _say(_whole(data, pinned))
        else:
            lists = [_read(path).decode("ascii", "replace") for path in options.status]
            asked = {"audience": options.audience, "nonce": options.nonce}
            report = check(data.decode("utf-8", "replace"), pinned, lists=lists, now=_now(options.at), **asked)
            _say_report(report)
    except BadCredential as error:
        print(f"不成立 DOES NOT HOLD: {error}", file=sys.stderr)  # noqa: T201 - this verb's answer
        return 1
    return 0


def _packed(path: Path, pinned: list[Issuer]) -> dict[str, Any]:
    """A file with its signature beside it."""
    with zipfile.ZipFile(path) as packed:
        if sum(one.file_size for one in packed.infolist()) > TAKEN_FILE_BYTES:
            raise BadCredential("the download is too large")
        names = packed.namelist()
        signed = next((name for name in names if f"{name}.jws" in names), None)
        if signed is None:
            raise BadCredential("no file with its signature beside it")
        content, signature = packed.read(signed), packed.read(f"{signed}.jws").decode("ascii", "replace")
    told = _opened(signature.strip(), pinned)
    if told.get("file") != signed or told.get("sha256") != b64(sha256(content).digest()):
        raise BadCredential("the signature is of another file")
    return told


def _whole(data: bytes, pinned: list[Issuer]) -> dict[str, Any]:
    """JSON with its signature in it, which holds all the rest once more."""
    try:
        told = msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadCredential("not JSON") from error
    signature = told.pop("jws", None)
    if not isinstance(signature, str) or _opened(signature, pinned) != told:
        raise BadCredential("the signature is of another file")
    return told


def _opened(signature: str, pinned: list[Issuer]) -> dict[str, Any]:
    """What an issuer signed. Raises BadCredential."""
    header, payload = unverified(signature)
    issuer = next((one for one in pinned if one.issuer == payload.get("iss")), None)
    if issuer is None or header.get("typ") != TAKEN_TYPE:
        raise BadCredential("its issuer is none of the pinned ones")
    try:
        jws.deserialize_compact(signature, key_of(issuer, header.get("kid")), algorithms=["ES256"])
    except (JoseError, ValueError) as error:
        raise BadCredential("the signature does not fit") from error
    return dict(payload)


def _say_report(report: Report) -> None:
    bound = f"shown to {report.bound.audience} at {_moment(report.bound.at)}" if report.bound else "not proven"
    status = (
        f"not revoked, by the list of {_moment(report.status_at)}" if report.status_at else "unknown: no status list"
    )
    lines = [
        "成立 HOLDS: 一張憑證 / a credential",
        f"  issuer: {report.issuer}",
        f"  type: {report.type}",
        f"  expires: {_moment(report.expires) if report.expires else 'never'}",
        f"  holder: {bound}",
        f"  status: {status if report.place else 'none'}",
        *(f"  {name}: {_text(value)}" for name, value in report.shown.items()),
    ]
    print("\n".join(lines))  # noqa: T201 - this verb's answer


def _say(told: dict[str, Any]) -> None:
    lines = ["成立 HOLDS: 一份下載 / a download"]
    for name, value in told.items():
        lines.append(f"  {name}: {_moment(value) if name == 'iat' and isinstance(value, int) else _text(value)}")
    print("\n".join(lines))  # noqa: T201 - this verb's answer


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


def _now(at: str) -> int:
    try:
        return int(datetime.fromisoformat(at).timestamp() if at else time.time())
    except ValueError as error:
        raise Invalid.at("--at", "a moment such as 2026-11-26T12:00:00Z") from error


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(TAKEN_FILE_BYTES)
    except OSError as error:
        raise Invalid.at("file", f"{path} cannot be read") from error
