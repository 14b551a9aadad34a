"""Keys in a device (HSM, smart card, TPM) by PKCS#11: they sign there and never leave. Loaded only when configured.

Addresses are those of RFC 7512: `pkcs11:token=TW-CA;object=road-ca?module-path=/usr/lib/softhsm/libsofthsm2.so`. The
PIN comes from the environment (BANYAN_PKCS11_PIN), never from a file of settings.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, Final
from urllib.parse import unquote

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature

from banyan.errors import Invalid, Unavailable

PIN: Final = "BANYAN_PKCS11_PIN"
_SCHEME: Final = "pkcs11:"
Sign = Callable[[bytes], bytes]
"""The device's CKM_ECDSA over a digest: r and s, 32 bytes each."""


class DeviceKey(ec.EllipticCurvePrivateKey):
    """A P-256 key whose private half is in a device; certificates, requests and messages are signed by it as by any."""

    def __init__(self, public: ec.EllipticCurvePublicKey, sign: Sign) -> None:
        self._public, self._sign = public, sign

    def sign(self, data: Any, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        algorithm = signature_algorithm.algorithm
        if isinstance(algorithm, Prehashed) or not isinstance(algorithm, hashes.SHA256):
            raise Invalid.at("algorithm", "Keys of the road sign by ECDSA with SHA-256.")
        raw = self._sign(sha256(data).digest())
        return encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))

    def public_key(self) -> ec.EllipticCurvePublicKey:
        return self._public

    @property
    def curve(self) -> ec.EllipticCurve:
        return self._public.curve

    @property
    def key_size(self) -> int:
        return self._public.key_size

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> bytes:
        raise _stays()

    def private_numbers(self) -> ec.EllipticCurvePrivateNumbers:
        raise _stays()

    def private_bytes(
        self,
        encoding: serialization.Encoding,
        format: serialization.PrivateFormat,
        encryption_algorithm: serialization.KeySerializationEncryption,
    ) -> bytes:
        raise _stays()

    def __copy__(self) -> DeviceKey:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> DeviceKey:
        return self


def load_key(address: str) -> ec.EllipticCurvePrivateKey:
    """The key at a PKCS#11 address. Raises Invalid: the address, the PIN or the key; Unavailable: the device."""
    named = parse(address)
    pin = os.environ.get(PIN, "")
    if not pin:
        raise Invalid.at("pkcs11", f"{PIN} is not set; the device's PIN comes from the environment only.")
    try:
        import pkcs11
    except ImportError as error:
        raise Unavailable(
            "Keys in devices need the package python-pkcs11.",
            remedy="Install it beside Banyan: pip install python-pkcs11.",
        ) from error
    try:
        return _opened(pkcs11, named, pin)
    except pkcs11.exceptions.PKCS11Error as error:
        kind = type(error).__name__
        raise Unavailable(
            f"The device of {address[:120]} refuses: {kind}.", remedy="Check its module, token, label and PIN."
        ) from error
    except RuntimeError as error:
        raise Unavailable(
            f"The module of {address[:120]} cannot be loaded.", remedy="Check module-path in the address."
        ) from error


def parse(address: str) -> Mapping[str, str]:
    """`token`, `object` and `module-path` of an address. Raises Invalid."""
    path, _, query = address.removeprefix(_SCHEME).partition("?")
    found = {}
    for part in [*path.split(";"), *query.split("&")]:
        name, equals, value = part.partition("=")
        if equals:
            found[name] = unquote(value)
    if not address.startswith(_SCHEME) or not {"token", "object", "module-path"} <= set(found) or "pin-value" in found:
        raise Invalid.at(
            "pkcs11", "Write pkcs11:token=TOKEN;object=LABEL?module-path=FILE, the PIN in BANYAN_PKCS11_PIN."
        )
    return found


def _opened(pkcs11: Any, named: Mapping[str, str], pin: str) -> DeviceKey:
    """One session, used by one thread at a time: what PKCS#11 promises for every device."""
    token = pkcs11.lib(named["module-path"]).get_token(token_label=named["token"])
    try:
        session = token.open(user_pin=pin)
    except pkcs11.exceptions.UserAlreadyLoggedIn:
        session = token.open()  # logging in counts for the whole process
    label = named["object"]
    private = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=label)
    public = session.get_key(object_class=pkcs11.ObjectClass.PUBLIC_KEY, label=label)
    from pkcs11.util.ec import encode_ec_public_key

    loaded = serialization.load_der_public_key(encode_ec_public_key(public))
    if not isinstance(loaded, ec.EllipticCurvePublicKey) or not isinstance(loaded.curve, ec.SECP256R1):
        raise Invalid.at("pkcs11", f"The key {label} is not on P-256.")
    turn = threading.Lock()

    def sign(digest: bytes) -> bytes:
        with turn:
            return bytes(private.sign(digest, mechanism=pkcs11.Mechanism.ECDSA))

    return DeviceKey(loaded, sign)


def _stays() -> TypeError:
    return TypeError("the private key stays in its device")
