"""Where identity and consents meet: who signed in is asked for their word, and its end ends the tokens under it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from banyan.kernel.exchange import Gate
from banyan.kernel.identity.openid import watching
from banyan.kernel.identity.openid.callers import NameOf, caller_of_session
from banyan.kernel.identity.openid.model import Account, Session
from banyan.kernel.identity.openid.provider import Provider
from banyan.service.identity.desk import AsPerson
from banyan.service.mydata.shelf import Ended


def as_person(gate: Gate, provider: Provider, *, name_of: NameOf) -> AsPerson | None:
    """How the provider asks MyData in the name of who is signed in; None where there is no MyData."""
    if "mydata.asked_by_app" not in gate.catalogue.operations:
        return None

    async def run(session: Session, account: Account, operation: str, request: Mapping[str, Any]) -> Any:
        caller = await caller_of_session(provider, session, account, name_of=name_of)
        return await gate.call(operation, request, caller=caller)

    return run


def ending_tokens(provider: Provider) -> Ended:
    """What MyData calls before it tells a person that their consent has ended."""

    async def ended(consent: str, subject: str) -> None:
        await watching.end_consent(provider, consent)

    return ended
