"""What a centre opens by: centre.json with its officers, the CA's key and certificate, the folder's lock."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from banyan.errors import Invalid
from banyan.kernel.exchange.directory import ca, keyfiles
from banyan.kernel.exchange.directory.approving import Officer
from banyan.kernel.exchange.directory.ca import Ca
from banyan.kernel.storage.durable import make_folders, write_file
from banyan.limits_road import DIRECTORY_OFFICERS

Random = Callable[[int], bytes]
LoadKey = Callable[[str], ec.EllipticCurvePrivateKey]
"""From `pkcs11:…` in centre.json to a key in a device."""


class CentreFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """centre.json. `needs`: how many officers approve an agency; 0: whoever may run the command on this machine.
    `ca_key`: a `pkcs11:` address in place of ca/root.key. `roots`: PEM files of outside CAs whose certificates TLS
    takes too. `pages`: where agencies find the centre."""

    instance: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    pages: tuple[str, ...] = ()
    needs: Annotated[int, msgspec.Meta(ge=0, le=10)] = 0
    officers: Annotated[tuple[Officer, ...], msgspec.Meta(max_length=DIRECTORY_OFFICERS)] = ()
    ca_key: str = ""
    roots: tuple[str, ...] = ()


def read_file(folder: Path) -> CentreFile:
    """Raises Invalid: no centre was founded there, or the file is damaged."""
    path = folder / "centre.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=CentreFile)
    except FileNotFoundError as error:
        raise Invalid.at(str(folder), "No centre was founded here; say `agency found INSTANCE`.") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Invalid.at(str(path), f"{error}.") from error


def name_officer(folder: Path, officer: Officer) -> None:
    """Raises Invalid: another has the name, or there are too many."""
    with locked(folder):
        file = read_file(folder)
        if any(one.name == officer.name for one in file.officers):
            raise Invalid.at("officer", f"{officer.name} is an officer already.")
        if len(file.officers) >= DIRECTORY_OFFICERS:
            raise Invalid.at("officer", f"A centre has at most {DIRECTORY_OFFICERS} officers.")
        named = msgspec.structs.replace(file, officers=(*file.officers, officer))
        write_file(folder / "centre.json", msgspec.json.format(msgspec.json.encode(named), indent=2))


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Several processes may work on the folder, each for one act. Raises Invalid: there is none."""
    if not folder.is_dir():
        raise Invalid.at(str(folder), "No centre was founded here; say `agency found INSTANCE`.")
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def open_ca(folder: Path, file: CentreFile, *, now: float, random: Random, load_key: LoadKey) -> Ca:
    """Made at the first opening. Raises Invalid: its key is on another curve, or not the certificate's."""
    place = folder / "ca"
    make_folders(place)
    if file.ca_key:
        key = load_key(file.ca_key)
    else:
        if not (place / "root.key").exists():
            keyfiles.save_key(place / "root.key", ec.generate_private_key(ec.SECP256R1()))
        found = keyfiles.load_key(place / "root.key")
        if not isinstance(found, ec.EllipticCurvePrivateKey):
            raise Invalid.at(str(place / "root.key"), "The CA's key is on P-256.")
        key = found
    path = place / "root.pem"
    if not path.exists():
        write_file(path, ca.pem(ca.make_root(file.instance, key, now=now, random=random).certificate))
    certificate = ca.read_certificate(path.read_bytes())
    if certificate.public_key() != key.public_key():
        raise Invalid.at(str(path), "This certificate is not of the CA's key.")
    return Ca(key, certificate)


def root(path: Path) -> bytes:
    """An outside CA's certificate in DER. Raises Invalid."""
    try:
        return ca.der(ca.read_certificate(path.read_bytes()))
    except OSError as error:
        raise Invalid.at(str(path), "centre.json names this file under `roots`, and it cannot be read.") from error
