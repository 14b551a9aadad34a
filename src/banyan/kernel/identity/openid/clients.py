"""Registering an app: what its document must hold before anything is trusted to it. Values in, a verdict out.

Source: RFC 6749 s3.1.2 (redirection), RFC 9700 s4.1 (exact match, https), FAPI 2.0 Security Profile s5.3.3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from banyan.errors import Invalid
from banyan.kernel.identity.openid.jose import ALGORITHMS, Unsigned, public_key
from banyan.kernel.identity.openid.model import Client
from banyan.kernel.identity.openid.preauthorized import PRE_AUTHORIZED
from banyan.kernel.identity.openid.tokens import EXCHANGE

BASIC_SCOPES: Final = ("openid", "offline_access", "agency")
SCOPES: Final = (*BASIC_SCOPES, "grant_management_query", "grant_management_revoke")
GRANTS: Final = ("authorization_code", "refresh_token", "client_credentials", EXCHANGE, PRE_AUTHORIZED)
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,63}")
_PLAIN: Final = re.compile(r"[\x21-\x7e]{1,500}")
_LOOPBACK: Final = frozenset(("localhost", "127.0.0.1", "::1"))


def checked(client: Client) -> Client:
    """The client, or Invalid naming the field and the fix."""
    if not _ID.fullmatch(client.id):
        raise Invalid.at("id", "3 to 64 letters, digits, dots, hyphens")
    if not client.agency or not all(client.name.get(lang) for lang in ("zh-Hant", "en")):
        raise Invalid.at("name", "an agency, and a name in zh-Hant and en")
    for field, addresses in (("redirect_uris", client.redirect_uris), ("logout_uris", client.logout_uris)):
        for address in addresses:
            if not is_safe_redirect(address):
                raise Invalid.at(field, "https (or http on this machine), no fragment, no user name")
    if ("authorization_code" in client.grants) != bool(client.redirect_uris):
        raise Invalid.at("redirect_uris", "an app that signs people in has redirect addresses, others have none")
    if not set(client.grants) <= set(GRANTS):
        raise Invalid.at("grants", f"of {', '.join(GRANTS)}")
    _profile(client)
    for jwk in client.jwks:
        if not is_public_key(jwk):
            raise Invalid.at("jwks", "public keys for ES256, PS256 or EdDSA")
    return client


def _profile(client: Client) -> None:
    if client.profile == "fapi2" and (client.auth != "private_key_jwt" or client.id_alg != "ES256"):
        raise Invalid.at("auth", "a fapi2 app proves itself with private_key_jwt and takes ES256")
    if client.profile == "basic" and (client.details or not set(client.scopes) <= set(BASIC_SCOPES)):
        raise Invalid.at("details", "an app of the basic profile only signs people in")
    if not set(client.scopes) <= set(SCOPES):
        raise Invalid.at("scopes", f"of {', '.join(SCOPES)}")
    if client.auth == "private_key_jwt":
        if not client.jwks or client.secret_hash:
            raise Invalid.at("jwks", "private_key_jwt needs public keys, and no secret")
    elif not re.fullmatch(r"[0-9a-f]{64}", client.secret_hash) or client.jwks:
        raise Invalid.at("secret_hash", "the SHA-256 of the secret, and no keys")


def is_safe_redirect(address: str) -> bool:
    """Whether a person's browser may be sent there. `;` and `,` would end the source of a Content Security Policy."""
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return False
    is_loopback = parts.scheme == "http" and parts.hostname in _LOOPBACK
    is_plain = _PLAIN.fullmatch(address) is not None and not set(address) & set(";,\\'\"")
    return (
        is_plain
        and (parts.scheme == "https" or is_loopback)
        and bool(parts.hostname)
        and "#" not in address
        and "@" not in parts.netloc
    )


def is_public_key(jwk: Mapping[str, str]) -> bool:
    for alg in ALGORITHMS:
        try:
            public_key(jwk, alg)
        except Unsigned:
            continue
        return True
    return False
