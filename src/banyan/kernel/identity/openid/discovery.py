"""What the provider says of itself (OpenID Connect Discovery 1.0, RFC 8414), and its public keys."""

from __future__ import annotations

from typing import Any

from banyan.kernel.identity.openid.asking import ACR
from banyan.kernel.identity.openid.clients import GRANTS, SCOPES
from banyan.kernel.identity.openid.details import DetailTypes
from banyan.kernel.identity.openid.jose import ALGORITHMS
from banyan.kernel.identity.openid.provider import Provider


def metadata(issuer: str, types: DetailTypes) -> dict[str, Any]:
    """The same document at both well-known addresses."""
    ways = ["private_key_jwt", "client_secret_basic", "client_secret_post"]
    authenticated = {
        f"{name}_endpoint_{what}": value
        for name in ("token", "introspection", "revocation")
        for what, value in (("auth_methods_supported", ways), ("auth_signing_alg_values_supported", list(ALGORITHMS)))
    }
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/openid/authorize",
        "pushed_authorization_request_endpoint": f"{issuer}/openid/par",
        "token_endpoint": f"{issuer}/openid/token",
        "introspection_endpoint": f"{issuer}/openid/introspect",
        "revocation_endpoint": f"{issuer}/openid/revoke",
        "userinfo_endpoint": f"{issuer}/openid/userinfo",
        "grant_management_endpoint": f"{issuer}/openid/grants",
        "end_session_endpoint": f"{issuer}/openid/logout",
        "jwks_uri": f"{issuer}/openid/jwks",
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANTS),
        "pre-authorized_grant_anonymous_access_supported": True,
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["ES256", "RS256"],
        "code_challenge_methods_supported": ["S256"],
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
        "authorization_response_iss_parameter_supported": True,
        "authorization_details_types_supported": sorted(types),
        "acr_values_supported": list(ACR),
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "grant_management_actions_supported": ["query", "revoke", "create", "merge", "replace"],
        "grant_management_action_required": False,
        "claims_supported": ["sub", "acr", "amr", "auth_time", "kind", "agency", "roles"],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "ui_locales_supported": ["zh-Hant", "en"],
        **authenticated,
    }


async def jwks(provider: Provider) -> dict[str, Any]:
    """Every key that signed what may still be valid, or will sign next."""
    return {"keys": [key.public for key in await provider.keys()]}
