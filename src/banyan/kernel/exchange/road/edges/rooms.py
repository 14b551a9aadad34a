"""Rooms behind the road, as GovStack's PubSub API speaks: an offer `rooms:` answers the services `api`, `pub` and
`pull` of a subsystem, which is the room. The caller is who signed; what it may do is its grant on those services.

Source: bb-information-mediator `GovStack_IM_PubSub_API.yaml` 2.0.0. Its answers have no bodies where the specification
gives none; errors say in JSON what happened and what to do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final, Literal
from urllib.parse import unquote

import msgspec

from banyan.errors import UNREADABLE, Conflict, Invalid, Limit, NotFound, Problem
from banyan.kernel.exchange.road.behind import Plain, plain_behind
from banyan.kernel.exchange.road.edges.seams import Event, Pushing, Rooms, Subscription
from banyan.kernel.exchange.road.model import Answer, Body, Call, Offer, Provider
from banyan.kernel.exchange.road.spool import Held
from banyan.limits_road import ROOM_EVENT_BYTES, ROOM_SCHEMA_BYTES, ROOM_TTL_S
from banyan.wire import problem as problems
from banyan.wire.xroad.codes import Code, Origin
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.identifiers import ClientId

SCHEME: Final = "rooms:"
JSON: Final = b"application/json"
_MORE: Final = 4_096
"""Beside an event or a schema: its type and the braces around."""


class _Who(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    instance_id: str = ""
    member_class: str = ""
    member_code: str = ""
    application_code: str = ""


class _EventType(msgspec.Struct, frozen=True, rename="camel"):
    event_type: str
    schema: msgspec.Raw


class _Publish(msgspec.Struct, frozen=True, rename="camel"):
    event_type: str
    event: msgspec.Raw


class _Options(msgspec.Struct, frozen=True):
    TTL: int = ROOM_TTL_S
    FIFO: bool = False


class _Item(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    event_type: str
    id: str = ""
    subscriber_id: _Who | None = None
    delivery: Literal["PUSH", "PULL", ""] = ""
    options: _Options | None = None


class _EventItem(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    sequence: int
    publisher_id: _Who
    event_type: str
    event: msgspec.Raw


class _Asked(msgspec.Struct, frozen=True):
    room: ClientId
    caller: ClientId
    parts: tuple[str, ...]
    """Of the path behind the version: event type, event id."""
    body: Body


Handler = Callable[[Rooms, _Asked], Awaitable[Answer]]


class RoomsProvider:
    """A `Provider` for offers at `rooms:`."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    async def ask(self, offer: Offer, call: Call, path: bytes, body: Body, basis: str) -> Answer:
        """Raises Fault(UnknownService): another service than those three."""
        service = call.target.service
        handler, parts = _handler(service.service, call.verb, path)
        try:
            return await handler(self._rooms, _Asked(service.provider, call.asked.client, parts, body))
        except (Invalid, NotFound, Conflict, Limit) as problem:
            return _refused(problem, _STATUS.get((service.service, type(problem)), problem.status))


class WithRooms:
    """A `Provider`: rooms for offers at `rooms:`, `others` for the rest."""

    def __init__(self, rooms: Rooms, others: Provider) -> None:
        self._rooms, self._others = RoomsProvider(rooms), others

    def plain(self, offer: Offer) -> Plain | None:
        return None if offer.url == SCHEME else plain_behind(self._others, offer)

    async def ask(self, offer: Offer, call: Call, path: bytes, body: Body, basis: str) -> Answer:
        chosen = self._rooms if offer.url == SCHEME else self._others
        return await chosen.ask(offer, call, path, body, basis)


def _handler(service: str, verb: str, path: bytes) -> tuple[Handler, tuple[str, ...]]:
    if service not in ("api", "pub", "pull"):
        message, fix = f"{service} is no service of a room.", "Ask api, pub or pull."
        raise Fault(Origin.SERVER_PROXY, Code.UNKNOWN_SERVICE, message=message, field="address", fix=fix)
    version, *parts = path.partition(b"?")[0].decode("ascii").lstrip("/").split("/")
    what = parts.pop(0) if service == "api" and parts else ""
    names = tuple(map(unquote, parts))
    found = _HANDLERS.get((service, what, len(names), verb)) if version == "v1" and all(names) else None
    if found is None:
        return _nothing, ()
    return found, names


async def _nothing(rooms: Rooms, asked: _Asked) -> Answer:
    raise NotFound("The room has no such path.", remedy="Use those of the GovStack PubSub API 2.0.0.")


async def _add_type(rooms: Rooms, asked: _Asked) -> Answer:
    told = _read(asked.body, _EventType, ROOM_SCHEMA_BYTES)
    await rooms.add_type(asked.room, asked.caller, told.event_type, bytes(told.schema))
    return _empty(200)


async def _types(rooms: Rooms, asked: _Asked) -> Answer:
    found = await rooms.types(asked.room)
    return _json(200, list(found)) if found else _empty(204)


async def _type(rooms: Rooms, asked: _Asked) -> Answer:
    schema = await rooms.type_schema(asked.room, asked.parts[0])
    return _empty(204) if schema is None else _json(200, _EventType(asked.parts[0], msgspec.Raw(schema)))


async def _drop_type(rooms: Rooms, asked: _Asked) -> Answer:
    await rooms.drop_type(asked.room, asked.caller, asked.parts[0])
    return _empty(204)


async def _publish(rooms: Rooms, asked: _Asked) -> Answer:
    told = _read(asked.body, _Publish, ROOM_EVENT_BYTES)
    _same(told.event_type, asked.parts[0])
    made = await rooms.publish(asked.room, asked.caller, told.event_type, bytes(told.event))
    return _json(201, {"id": made})


async def _published(rooms: Rooms, asked: _Asked) -> Answer:
    return _json(200, _event(await rooms.published(asked.room, asked.caller, *asked.parts)))


async def _withdraw(rooms: Rooms, asked: _Asked) -> Answer:
    await rooms.withdraw(asked.room, asked.caller, *asked.parts)
    return _empty(204)


async def _subscriptions(rooms: Rooms, asked: _Asked) -> Answer:
    return _json(200, [_item(one) for one in await rooms.subscriptions(asked.room, asked.caller)])


async def _subscription(rooms: Rooms, asked: _Asked) -> Answer:
    return _json(200, _item(await rooms.subscription(asked.room, asked.caller, asked.parts[0])))


async def _subscribe(rooms: Rooms, asked: _Asked) -> Answer:
    await rooms.subscribe(asked.room, _wanted(asked, Subscription("", asked.caller, asked.parts[0])))
    return _empty(200)


async def _resubscribe(rooms: Rooms, asked: _Asked) -> Answer:
    """What the request leaves out stays as it is."""
    known = await rooms.subscription(asked.room, asked.caller, asked.parts[0])
    await rooms.resubscribe(asked.room, _wanted(asked, known))
    return _empty(201)


async def _unsubscribe(rooms: Rooms, asked: _Asked) -> Answer:
    await rooms.unsubscribe(asked.room, asked.caller, asked.parts[0])
    return _empty(204)


async def _pull(rooms: Rooms, asked: _Asked) -> Answer:
    event = await rooms.pull(asked.room, asked.caller, asked.parts[0])
    if event is None:
        raise NotFound("No event waits.", remedy="Ask again later.")
    return _json(200, _event(event))


async def _acknowledge(rooms: Rooms, asked: _Asked) -> Answer:
    await rooms.acknowledge(asked.room, asked.caller, *asked.parts)
    return _empty(204)


_HANDLERS: Final[dict[tuple[str, str, int, str], Handler]] = {
    ("api", "eventType", 0, "POST"): _add_type,
    ("api", "eventType", 0, "GET"): _types,
    ("api", "eventType", 1, "GET"): _type,
    ("api", "eventType", 1, "DELETE"): _drop_type,
    ("api", "subs", 0, "GET"): _subscriptions,
    ("api", "subs", 1, "GET"): _subscription,
    ("api", "subs", 1, "POST"): _subscribe,
    ("api", "subs", 1, "PATCH"): _resubscribe,
    ("api", "subs", 1, "DELETE"): _unsubscribe,
    ("pub", "", 1, "POST"): _publish,
    ("pub", "", 2, "GET"): _published,
    ("pub", "", 2, "DELETE"): _withdraw,
    ("pull", "", 1, "GET"): _pull,
    ("pull", "", 2, "DELETE"): _acknowledge,
}
_STATUS: Final[dict[tuple[str, type[Problem]], int]] = {
    ("api", Invalid): 400,
    ("pub", Invalid): 400,
    ("pull", Invalid): 409,
    ("api", Limit): 400,
    ("pub", Limit): 400,
    ("pull", Limit): 409,
}
"""As the specification answers a request that is wrong; 404 and 409 are the others'."""


def _wanted(asked: _Asked, known: Subscription) -> Subscription:
    told = _read(asked.body, _Item, 0)
    _same(told.event_type, asked.parts[0])
    if told.subscriber_id is not None and told.subscriber_id != _who(asked.caller):
        raise Invalid.at("subscriberId", "Subscribe for yourself only.")
    delivery: Pushing = told.delivery or known.delivery
    options = told.options or _Options(known.ttl_s, known.in_order)
    if options.TTL < 1:
        raise Invalid.at("options.TTL", "Send seconds, 1 or more.")
    return msgspec.structs.replace(known, delivery=delivery, ttl_s=options.TTL, in_order=options.FIFO)


def _read(body: Body, kind: type[Any], most: int) -> Any:
    try:
        return msgspec.json.decode(body.whole(most + _MORE), type=kind)
    except UNREADABLE as error:
        raise Invalid.at("body", f"Send the JSON of the PubSub API: {error}") from error


def _same(said: str, path: str) -> None:
    if said != path:
        raise Invalid.at("eventType", "Name the same event type in the path and in the body.")


def _item(one: Subscription) -> _Item:
    options = _Options(one.ttl_s, one.in_order)
    return _Item(one.event_type, one.id, _who(one.subscriber), one.delivery, options)


def _event(one: Event) -> _EventItem:
    return _EventItem(one.id, one.sequence, _who(one.publisher), one.event_type, one.event)


def _who(client: ClientId) -> _Who:
    return _Who(client.instance, client.member_class, client.member, client.subsystem)


def _json(status: int, value: object) -> Answer:
    body = Held(msgspec.json.encode(value))
    return Answer(status, HTTPStatus(status).phrase.encode("ascii"), ((b"content-type", JSON),), body)


def _empty(status: int) -> Answer:
    return Answer(status, HTTPStatus(status).phrase.encode("ascii"), (), Held())


def _refused(problem: Problem, status: int) -> Answer:
    """In the form of RFC 9457, for the specification gives none."""
    errors = tuple(problems.FieldProblem(one.field, one.fix) for one in problem.fields)
    kind = f"/problems/{problem.kind}"
    said = problems.ProblemDocument(
        kind, HTTPStatus(status).phrase, status, problem.title, remedy=problem.remedy, errors=errors
    )
    content_type = (b"content-type", problems.MEDIA_TYPE.encode("ascii"))
    return Answer(status, HTTPStatus(status).phrase.encode("ascii"), (content_type,), Held(problems.encode(said)))
