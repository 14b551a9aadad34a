"""OpenID for Verifiable Credential Issuance 1.0: an issuer's metadata, offers, credential requests and their answers.

Bytes <-> structs, no I/O. Sections named are those of the final specification (2025-09-16).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final
from urllib.parse import parse_qs, quote, urlsplit

import msgspec
from msgspec import UNSET, UnsetType

PRE_AUTHORIZED: Final = "urn:ietf:params:oauth:grant-type:pre-authorized_code"
SCHEME: Final = "openid-credential-offer://"
METADATA_PATH: Final = "/.well-known/openid-credential-issuer"
OFFER_BYTES: Final = 16 * 1024
"""Of a whole offer in a link; a QR code holds 3 KB."""
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]


class BadMessage(ValueError):
    """A message that is none of the specification's. `error` is its error code (s8.3.1.2)."""

    def __init__(self, error: str, why: str) -> None:
        super().__init__(why)
        self.error = error


class TxCode(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the wallet asks its holder to type (s4.1.1)."""

    input_mode: str = "numeric"
    length: int | UnsetType = UNSET
    description: Annotated[str, msgspec.Meta(max_length=300)] | UnsetType = UNSET


class PreAuthorized(msgspec.Struct, frozen=True, rename={"code": "pre-authorized_code"}, omit_defaults=True):
    code: Name
    tx_code: TxCode | UnsetType = UNSET
    authorization_server: Name | UnsetType = UNSET


class Grants(msgspec.Struct, frozen=True, rename={"pre_authorized": PRE_AUTHORIZED}, omit_defaults=True):
    pre_authorized: PreAuthorized | UnsetType = UNSET


class Offer(msgspec.Struct, frozen=True, omit_defaults=True):
    """A credential offer (s4.1.1)."""

    credential_issuer: Name
    credential_configuration_ids: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1, max_length=100)]
    grants: Grants | UnsetType = UNSET


class Proofs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of proof (s8.2). Only `jwt` is known here."""

    jwt: Annotated[tuple[str, ...], msgspec.Meta(min_length=1, max_length=100)]


class CredentialRequest(msgspec.Struct, frozen=True):
    """What a wallet asks the credential endpoint (s8.2). What it says besides is of extensions, and passed over."""

    credential_configuration_id: Name | UnsetType = UNSET
    credential_identifier: Name | UnsetType = UNSET
    proofs: msgspec.Raw | UnsetType = UNSET
    credential_response_encryption: msgspec.Raw | UnsetType = UNSET


class Asked(msgspec.Struct, frozen=True):
    """A credential request that can be answered here."""

    configuration: str
    proofs: tuple[str, ...]


class Configuration(msgspec.Struct, frozen=True):
    """A kind of credential. `claims` are (path, name by locale) as a wallet shows them; names are by BCP 47 tag."""

    id: str
    vct: str
    names: Mapping[str, str]
    claims: Sequence[tuple[tuple[str | None, ...], Mapping[str, str]]] = ()


def offer_url(offer: Offer) -> str:
    """The link that a wallet opens and a QR code holds (s4.1.2)."""
    return f"{SCHEME}?credential_offer={quote(msgspec.json.encode(offer).decode(), safe='')}"


def read_offer(url: str) -> Offer:
    """An offer by value. Raises BadMessage."""
    if len(url) > OFFER_BYTES:
        raise BadMessage("invalid_request", f"an offer is at most {OFFER_BYTES} bytes")
    try:
        values = parse_qs(urlsplit(url).query, strict_parsing=True, max_num_fields=8)
        (text,) = values["credential_offer"]
        return msgspec.json.decode(text, type=Offer)
    except (ValueError, KeyError, RecursionError) as error:
        raise BadMessage("invalid_request", "no credential offer") from error


def read_request(body: bytes, *, batch: int) -> Asked:
    """A credential request of at most `batch` proofs. Raises BadMessage."""
    try:
        read = msgspec.json.decode(body, type=CredentialRequest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadMessage(
            "invalid_credential_request", "send JSON with credential_configuration_id and proofs"
        ) from error
    if read.credential_response_encryption is not UNSET:
        raise BadMessage("invalid_encryption_parameters", "answers are not encrypted here: leave it out")
    if read.credential_identifier is not UNSET:
        raise BadMessage(
            "unknown_credential_identifier", "no credential_identifiers were given: name the configuration"
        )
    if read.credential_configuration_id is UNSET:
        raise BadMessage("invalid_credential_request", "credential_configuration_id is missing")
    if read.proofs is UNSET:
        raise BadMessage("invalid_proof", "proofs is missing")
    try:
        proofs = msgspec.json.decode(read.proofs, type=Proofs)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadMessage("invalid_proof", "proofs has jwt, an array of key proofs, and nothing else") from error
    if len(proofs.jwt) > batch:
        raise BadMessage("invalid_proof", f"at most {batch} proofs in one request")
    return Asked(read.credential_configuration_id, proofs.jwt)


def answer(credentials: Sequence[str]) -> dict[str, Any]:
    """A credential response (s8.3)."""
    return {"credentials": [{"credential": one} for one in credentials]}


def metadata(issuer: str, configurations: Sequence[Configuration], *, batch: int, names: Mapping[str, str],
             endpoints: Mapping[str, str]) -> dict[str, Any]:  # fmt: skip
    """Credential issuer metadata (s12.2.4). `endpoints` are `credential` and `nonce`; the authorisation server is the
    issuer itself."""
    return {
        "credential_issuer": issuer,
        "credential_endpoint": endpoints["credential"],
        "nonce_endpoint": endpoints["nonce"],
        "batch_credential_issuance": {"batch_size": batch},
        "display": _display(names),
        "credential_configurations_supported": {one.id: _configuration(one) for one in configurations},
    }


def _configuration(one: Configuration) -> dict[str, Any]:
    claims = [{"path": [*path], "mandatory": False, "display": _display(names)} for path, names in one.claims]
    return {
        "format": "dc+sd-jwt",
        "vct": one.vct,
        "cryptographic_binding_methods_supported": ["jwk"],
        "credential_signing_alg_values_supported": ["ES256"],
        "proof_types_supported": {"jwt": {"proof_signing_alg_values_supported": ["ES256"]}},
        "credential_metadata": {"display": _display(one.names), **({"claims": claims} if claims else {})},
    }


def _display(names: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "locale": locale} for locale, name in names.items()]
