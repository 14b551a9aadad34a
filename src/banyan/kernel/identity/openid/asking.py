"""Is this authorization request one we would show a person? The same checks for PAR and, in `basic`, for the address.

Source: FAPI 2.0 Security Profile s5.3.2.2, RFC 7636 (S256 only), RFC 9126, RFC 9101 (`request` is not supported).
"""

from __future__ import annotations

import re
from typing import Final

from banyan.kernel.identity.openid.details import DetailTypes, read_details
from banyan.kernel.identity.openid.fault import Fault
from banyan.kernel.identity.openid.model import LEVELS, Asked, Assurance, Client, GrantAction
from banyan.kernel.identity.openid.sent import Sent
from banyan.limits_identity import OPENID_LIST, OPENID_TEXT

_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_JKT: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_PROMPTS: Final = frozenset(("none", "login", "consent", "select_account"))
ACR: Final = {f"urn:banyan:acr:{level}": level for level in LEVELS}
"""What stands in `acr` and `acr_values`."""
_ACTIONS: Final[dict[str, GrantAction]] = {"": "", "create": "create", "merge": "merge", "replace": "replace"}
ACR_OF: Final = {level: name for name, level in ACR.items()}


def redirect_of(sent: Sent, client: Client) -> str:
    """The registered address that the request names, letter by letter. Raises Fault: nobody is sent elsewhere."""
    asked = sent.get("redirect_uri")
    if asked not in client.redirect_uris:
        raise Fault("invalid_request", "redirect_uri is not registered for this client", alarm="redirect_uri")
    return asked


def read_asked(sent: Sent, client: Client, types: DetailTypes, *, now: float, jkt: str = "") -> Asked:
    """The request, checked. `jkt` is the key of a DPoP proof that came with it. Raises Fault."""
    redirect_uri = redirect_of(sent, client)
    if "authorization_code" not in client.grants:
        raise Fault("unauthorized_client", "this client does not sign people in")
    _response(sent)
    challenge = sent.get("code_challenge")
    if sent.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(challenge):
        raise Fault("invalid_request", "send code_challenge with code_challenge_method=S256")
    action, grant_id = _grant(sent, client)
    return Asked(
        client=client.id,
        redirect_uri=redirect_uri,
        challenge=challenge,
        scope=read_scope(sent, client),
        state=_text(sent, "state"),
        nonce=_text(sent, "nonce"),
        details=read_details(sent.get("authorization_details"), client, types),
        resource=read_resource(sent, client),
        jkt=_bound_key(sent, jkt),
        prompt=_prompt(sent),
        max_age=_max_age(sent),
        acr=_levels(sent),
        grant_action=action,
        grant_id=grant_id,
        asked_at=now,
    )


def read_scope(sent: Sent, client: Client) -> tuple[str, ...]:
    asked = tuple(dict.fromkeys(sent.get("scope").split()))
    if len(asked) > OPENID_LIST or not set(asked) <= set(client.scopes):
        raise Fault("invalid_scope", "scope is not registered for this client")
    return asked


def read_resource(sent: Sent, client: Client) -> tuple[str, ...]:
    """RFC 8707: which resource servers the token is for."""
    asked = sent.all("resource")
    if not set(asked) <= {*client.resources, sent.issuer}:
        raise Fault("invalid_target", "resource is not registered for this client")
    return asked


def _response(sent: Sent) -> None:
    if sent.get("request") or sent.get("request_uri"):
        raise Fault("request_not_supported", "send plain parameters to the pushed authorization request endpoint")
    if sent.get("response_type") != "code":
        raise Fault("unsupported_response_type", "response_type is code")
    if sent.get("response_mode") not in ("", "query"):
        raise Fault("invalid_request", "response_mode is query")


def _grant(sent: Sent, client: Client) -> tuple[GrantAction, str]:
    grant_id = sent.get("grant_id")
    action = _ACTIONS.get(sent.get("grant_management_action"))
    if action is None or (action and client.profile != "fapi2"):
        raise Fault("invalid_request", "grant_management_action is create, merge or replace, for fapi2 clients")
    if bool(grant_id) != (action in ("merge", "replace")):
        raise Fault("invalid_request", "grant_id comes with merge or replace")
    if len(grant_id) > 128:
        raise Fault("invalid_grant_id", "no such grant of this client")
    return action, grant_id


def _bound_key(sent: Sent, jkt: str) -> str:
    named = sent.get("dpop_jkt")
    if named and not _JKT.fullmatch(named):
        raise Fault("invalid_request", "dpop_jkt is a SHA-256 thumbprint")
    if named and jkt and named != jkt:
        raise Fault("invalid_dpop_proof", "dpop_jkt is another key's than the proof's")
    return named or jkt


def _prompt(sent: Sent) -> tuple[str, ...]:
    asked = tuple(sent.get("prompt").split())
    if not set(asked) <= _PROMPTS or ("none" in asked and len(asked) > 1):
        raise Fault("invalid_request", "prompt is none alone, or of login, consent, select_account")
    return asked


def _max_age(sent: Sent) -> int | None:
    text = sent.get("max_age")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise Fault("invalid_request", "max_age is a number of seconds")
    return int(text)


def _levels(sent: Sent) -> tuple[Assurance, ...]:
    """`acr_values` by preference; levels we do not know are passed over, as OpenID Connect Core s3.1.2.1 says."""
    return tuple(ACR[name] for name in sent.get("acr_values").split() if name in ACR)


def _text(sent: Sent, name: str) -> str:
    value = sent.get(name)
    if len(value) > OPENID_TEXT:
        raise Fault("invalid_request", f"{name} is over {OPENID_TEXT} characters")
    return value
