"""Personal data behind plain HTTP: the law is weighed, and the use written down, before the service is asked.

The offer says where the request has the person's number and which fields the service answers; the basis names the
service by its X-Road id. The service itself knows nothing of this. Its answer goes back as it is, so all its fields are
weighed: there is no narrower use of a service that cannot leave a field out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl

import msgspec
from msgspec import UNSET, UnsetType

from banyan.errors import UNREADABLE, Invalid, Problem
from banyan.kernel.catalogue.operation import Context, Operation, Text
from banyan.kernel.catalogue.personal import personal
from banyan.kernel.events.clock import Clock
from banyan.kernel.exchange.conscience import Conscience
from banyan.kernel.exchange.road.behind import Plain, plain_behind
from banyan.kernel.exchange.road.gated import CHANNEL, member_caller, refusal_of, trace_of
from banyan.kernel.exchange.road.model import Answer, Body, Call, Offer, Provider
from banyan.limits import JSON_BODY_BYTES
from banyan.wire.xroad.codes import Code, Origin
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.identifiers import ServiceId, encoded

PERSON: Final = "person"
_PAIRS: Final = 100
"""Of a query: more than a form has."""
_UNDER: Final = re.compile(r"[\[.]")


class Counted(msgspec.Struct, frozen=True):
    """What an offer says of itself. `subject`: a JSON pointer into the body (RFC 6901), or `?name` of the query.
    `fields`: each that is answered -> its category of the register."""

    subject: str
    fields: Mapping[str, str]
    title: Text


class WeighedServices:
    """Asks `services` for what the law lets through. Implements `model.Provider`."""

    def __init__(
        self, services: Provider, conscience: Conscience, counted: Mapping[ServiceId, Counted], clock: Clock
    ) -> None:
        self._services, self._conscience, self._clock = services, conscience, clock
        self._counted = {service: (one, declared_as(service, one)) for service, one in counted.items()}

    def plain(self, offer: Offer) -> Plain | None:
        found, plain = self._counted.get(offer.id), plain_behind(self._services, offer)
        if found is None or plain is None:
            return plain
        assert plain.before is None, "services are weighed once"
        return Plain(plain.service, partial(self._released, *found))

    async def ask(self, offer: Offer, call: Call, path: bytes, body: Body, basis: str) -> Answer:
        """Raises Fault(AccessDenied) with the reason; then nobody was asked and nothing was given."""
        found = self._counted.get(offer.id)
        if found is not None:
            await self._released(*found, call, body)
        return await self._services.ask(offer, call, path, body, basis)

    async def _released(self, counted: Counted, declared: Operation, call: Call, body: Body) -> None:
        """The use in the ledger, durable. An issue that the call names is the reason of a use under an order."""
        caller, now = member_caller(call.asked.client, consent=call.consent), self._clock()
        try:
            number = _number(counted.subject, call, body)
            request = declared.request(number, call.asked.issue)
            weighed = await self._conscience.weigh(declared, request, caller, purpose=call.purpose, now=now)
            if weighed.refusal is not None:
                raise refusal_of(weighed.refusal)
            await self._conscience.release(weighed, declared, caller, trace=trace_of(call).id, now=now)
        except Fault:
            raise
        except Problem as problem:  # the number is none, or another call took the last use of the day
            message, fix = problem.title, problem.remedy or "Send the request with the person's number."
            raise Fault(Origin.SERVER_PROXY, Code.INVALID_REQUEST, message=message, fix=fix) from problem


def declared_as(service: ServiceId, counted: Counted) -> Operation:
    """The offer as the law sees it: an operation by its X-Road id."""
    fields: Sequence[tuple[str, Any, Any]] = [
        (name, Annotated[Any, personal(category)] | UnsetType, UNSET) for name, category in counted.fields.items()
    ]
    answer = msgspec.defstruct("RoadAnswer", fields, frozen=True)
    request = msgspec.defstruct("RoadRequest", [(PERSON, str), ("reason", str)], frozen=True)
    return Operation(
        id=encoded(service),
        title=counted.title,
        summary=counted.title,
        request=request,
        answer=answer,
        data=("identity",),
        audience="agency",
        effect="read",
        purpose="",
        method="POST",
        path="",
        keys=(),
        channels=(CHANNEL,),
        run=_elsewhere,
        subject=PERSON,
    )


async def _elsewhere(ctx: Context, request: msgspec.Struct) -> Any:
    raise AssertionError("a service behind the road runs at its own address")


def _number(subject: str, call: Call, body: Body) -> str:
    """Raises Invalid: the request has no number where the offer says, or two that the service could take for it: then
    it might answer about another person than the one that was weighed. Some readers make one of query and body."""
    query = (call.target.query or b"").decode("latin-1")
    if subject.startswith("?"):
        name = subject[1:]
        found = [(one, value) for one, value in _pairs(query) if _may_be(one, name)]
        if len(found) != 1 or found[0][0] != name or ";" in query:
            raise Invalid.at(name, "give it once in the query, with & between its parameters")
        content = _content(body) if body.size else None
        if isinstance(content, dict) and any(_may_be(one, name) for one in content):
            raise Invalid.at(name, "give it in the query alone, not in the body too")
        return found[0][1]
    parts = [part.replace("~1", "/").replace("~0", "~") for part in subject.split("/")[1:]]
    if any(_may_be(name, part) for name, _ in _pairs(query.replace(";", "&")) for part in (parts[0], parts[-1])):
        raise Invalid.at(subject, "give it in the body alone, not in the query too")
    at = _content(body)
    for part in parts:
        at = at.get(part) if isinstance(at, dict) else None
    if not isinstance(at, str):
        raise Invalid.at(subject, "give the person's number here, as a text")
    return at


def _pairs(query: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=_PAIRS)
    except ValueError as error:
        raise Invalid.at("query", f"send at most {_PAIRS} parameters") from error


def _content(body: Body) -> Any:
    """As JSON: in another form we could not see what the service reads in it."""
    try:
        whole = body.whole(JSON_BODY_BYTES)
        msgspec.json.decode(whole)  # UTF-8, and of a depth that the next reader bears
        return json.loads(whole.decode("utf-8"), object_pairs_hook=_once_each)
    except UNREADABLE as error:
        raise Invalid.at("body", "send JSON") from error


def _once_each(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Readers differ in which of two members of one name they take (RFC 8259 s4), and some pass over case."""
    if len({name.casefold() for name, _ in pairs}) != len(pairs):
        raise Invalid.at("body", "send each name once in an object, in whatever case")
    return dict(pairs)


def _may_be(name: str, wanted: str) -> bool:
    """Whether some reader would take it for the same name: in another case, or as `name[]`, `name[0]`, `name.x`, which
    readers of forms take for a list or an object of that name."""
    return _UNDER.split(name.casefold().strip(), maxsplit=1)[0] == wanted.casefold()
