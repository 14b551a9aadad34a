"""`GET /verificationconf`: a ZIP with the instance's name and the parameters that all share, of each instance.

verificationconf/instance-identifier
verificationconf/<instance>/shared-params.xml
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, unquote

import msgspec

from banyan import limits
from banyan.errors import Invalid

MEDIA_TYPE: Final = "application/zip"
_FOLDER: Final = "verificationconf/"
_NAME: Final = "instance-identifier"
_PARAMETERS: Final = "/shared-params.xml"
_FIRST_MOMENT: Final = (1980, 1, 1, 0, 0, 0)
"""ZIP's own zero: the same configuration is the same bytes."""


class VerificationConf(msgspec.Struct, frozen=True):
    instance: str
    shared_params: Mapping[str, bytes]
    """By instance: our own and those we are federated with."""


def encode(conf: VerificationConf) -> bytes:
    assert conf.instance in conf.shared_params, "our own instance has parameters"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        _write(archive, _FOLDER + _NAME, conf.instance.encode())
        for instance, parameters in sorted(conf.shared_params.items()):
            _write(archive, f"{_FOLDER}{_folder(instance)}{_PARAMETERS}", parameters)
    return out.getvalue()


def parse(body: bytes) -> VerificationConf:
    """Another gateway's archive; unknown members are passed over. Raises Invalid: no such ZIP, or too much in it."""
    if len(body) > limits.XROAD_META_BYTES:
        raise Invalid.at("body", f"A configuration has at most {limits.XROAD_META_BYTES} bytes.")
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            found = _read(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise Invalid.at("body", "Send a ZIP that is whole, without passwords.") from error
    try:
        instance = found.pop(_FOLDER + _NAME).decode().strip("\r\n")
    except (KeyError, UnicodeDecodeError) as error:
        raise Invalid.at("body", f"Put the instance's name into {_FOLDER}{_NAME}.") from error
    named = {unquote(name.removeprefix(_FOLDER).removesuffix(_PARAMETERS)): data for name, data in found.items()}
    if instance not in named:
        raise Invalid.at("body", f"Put the parameters into {_FOLDER}{instance}{_PARAMETERS}.")
    return VerificationConf(instance, named)


def _read(archive: zipfile.ZipFile) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    room = limits.XML_BYTES
    for info in archive.infolist():
        name = info.filename
        known = name == _FOLDER + _NAME or (name.startswith(_FOLDER) and name.endswith(_PARAMETERS))
        if not known or name in found:
            continue
        with archive.open(info) as member:
            data = member.read(room + 1)
        room -= len(data)
        if room < 0 or len(found) > limits.XROAD_CONF_INSTANCES:
            raise Invalid.at("body", f"At most {limits.XROAD_CONF_INSTANCES} instances, {limits.XML_BYTES} bytes.")
        found[name] = data
    return found


def _write(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    info = zipfile.ZipInfo(name, _FIRST_MOMENT)
    info.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(info, data)


def _folder(instance: str) -> str:
    """An instance's folder; what would make another path of it is percent-encoded."""
    return quote(instance, safe="!$'()+,;=@ ") if instance.strip(".") else quote(instance).replace(".", "%2E")
