"""An app's request for a person's consent: it leads to the preview at MyData, and on from what the person said there.

What they agreed to (which consent, which fields) is written into the details that the token carries; the app only named
a declared purpose. Source: RFC 9396 s7 (enriched authorization details).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from banyan.errors import Problem
from banyan.kernel.identity.openid import authorizing
from banyan.kernel.identity.openid.authorizing import Asking
from banyan.kernel.identity.openid.details import CONSENT
from banyan.kernel.identity.openid.sent import Sent
from banyan.service.identity.desk import Desk

PEOPLE: Final = ("citizen", "representative")


async def led(desk: Desk, sent: Sent, name: str, asking: Asking) -> str | None:
    """Where a request with such details goes on; None for others."""
    wanted = [one for one in asking.asked.details if one["type"] == CONSENT]
    if not wanted or asking.need != "agreement":
        return None
    try:
        return await _led(desk, sent, name, asking)
    except Problem as problem:
        if problem.status >= 500:
            raise
        return authorizing.refused(sent, asking.asked, "invalid_authorization_details", problem.kind).location


async def _led(desk: Desk, sent: Sent, name: str, asking: Asking) -> str:
    asked, session, account = asking.asked, asking.session, asking.account
    assert session is not None, "an agreement is asked of who signed in"
    assert account is not None, "a session has its account"
    if desk.as_person is None or account.kind not in PEOPLE:
        return authorizing.refused(sent, asked, "access_denied", "only a person consents").location
    ask = partial(desk.as_person, session, account)
    consents = asked.consents
    if not consents:
        for one in asked.details:
            if one["type"] == CONSENT:
                made = await ask("mydata.asked_by_app", {"purpose": one["purpose"], "agency": asking.client.agency})
                consents = (*consents, made.consent)
        await authorizing.note_consents(desk.provider, name, asking, consents)
    answers = [await ask("mydata.answer", {"consent": id}) for id in consents]
    waiting = next((one.consent for one in answers if one.state == "requested"), None)
    if waiting is not None:
        return f"/mydata/consents/{waiting}?{urlencode({'next': authorizing.ASK_PATH + name})}"
    if any(one.state != "given" for one in answers):
        return (await authorizing.decline(desk.provider, sent, name, asking)).location
    details = _enriched(asked.details, {one.consent: one.fields for one in answers}, consents)
    agreed = msgspec.structs.replace(asking, asked=msgspec.structs.replace(asked, details=details))
    return (await authorizing.agree(desk.provider, sent, name, agreed)).location


def _enriched(
    details: tuple[Mapping[str, Any], ...], fields: Mapping[str, tuple[str, ...]], consents: tuple[str, ...]
) -> tuple[Mapping[str, Any], ...]:
    left = iter(consents)
    found: list[Mapping[str, Any]] = []
    for one in details:
        if one["type"] != CONSENT:
            found.append(one)
            continue
        id = next(left)
        found.append({**one, "identifier": id, "datatypes": list(fields[id])})
    return tuple(found)
