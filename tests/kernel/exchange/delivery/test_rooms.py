"""Publish and subscribe: who gets what, in which order, once; the GovStack API's answers held to its document."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kernel.exchange.delivery.town import HOSPITAL, NHI, Crash, Town, a_call, run
from tests.make import shared_data
from tests.thorough import examples

from banyan.errors import Conflict, Invalid, NotFound
from banyan.kernel.exchange.delivery.contents import Whole
from banyan.kernel.exchange.delivery.schemas import check, parse_json, parse_schema
from banyan.kernel.exchange.road.edges.rooms import RoomsProvider
from banyan.kernel.exchange.road.edges.seams import Subscription
from banyan.kernel.exchange.road.model import Answer, Offer
from banyan.limits_road import ROOM_SCHEMA_STEPS
from banyan.wire.xroad.access import Endpoint
from banyan.wire.xroad.identifiers import ClientId, ServiceId, encoded

ROOM = NHI
BIRTH = b'{"type":"object","properties":{"place":{"type":"string"}},"required":["place"]}'
POLICE = ClientId("TW", "COM", "HOSPITAL", "police")


async def a_room(town: Town, *subscribers: ClientId, **options: Any) -> Any:
    rooms = town.b.office.rooms
    await rooms.add_type(ROOM, ROOM, "birth", BIRTH)
    for subscriber in subscribers:
        await rooms.subscribe(ROOM, Subscription("", subscriber, "birth", **{"delivery": "PULL", **options}))
    return rooms


def event(place: object) -> bytes:
    return msgspec.json.encode({"place": f"{place}"})


class TestPull:
    def test_each_subscriber_gets_each_event_until_it_acknowledges(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with Town(tmp_path) as town:
                rooms = await a_room(town, HOSPITAL, POLICE)
                ids = [await rooms.publish(ROOM, ROOM, "birth", event(number)) for number in range(3)]
                for subscriber in (HOSPITAL, POLICE):
                    for number, made in enumerate(ids):
                        for _ in range(2):
                            found = await rooms.pull(ROOM, subscriber, "birth")
                            assert (found.id, found.sequence, bytes(found.event)) == (made, number + 1, event(number))
                        await rooms.acknowledge(ROOM, subscriber, "birth", made)
                        await rooms.acknowledge(ROOM, subscriber, "birth", made)
                    assert await rooms.pull(ROOM, subscriber, "birth") is None
                await town.restart(town.b)
                assert await town.b.office.rooms.pull(ROOM, HOSPITAL, "birth") is None

        run(story())

    def test_acknowledged_out_of_order_withdrawn_or_too_old_is_passed_over(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with Town(tmp_path) as town:
                rooms = await a_room(town, HOSPITAL, ttl_s=100)
                ids = [await rooms.publish(ROOM, ROOM, "birth", event(number)) for number in range(5)]
                await rooms.acknowledge(ROOM, HOSPITAL, "birth", ids[1])
                await rooms.withdraw(ROOM, ROOM, "birth", ids[0])
                assert (await rooms.pull(ROOM, HOSPITAL, "birth")).id == ids[2]
                with pytest.raises(NotFound):
                    await rooms.published(ROOM, ROOM, "birth", ids[0])
                town.now += 101
                assert await rooms.pull(ROOM, HOSPITAL, "birth") is None
                late = await rooms.publish(ROOM, ROOM, "birth", event("late"))
                assert (await rooms.pull(ROOM, HOSPITAL, "birth")).id == late
                town.now += 8 * 86_400
                assert await rooms.prune() == 6

        run(story())

    def test_what_was_published_before_a_subscription_is_not_its_own(self, tmp_path: Path) -> None:
        async def story() -> None:
            async with Town(tmp_path) as town:
                rooms = await a_room(town)
                await rooms.publish(ROOM, ROOM, "birth", event(1))
                await rooms.subscribe(ROOM, Subscription("", HOSPITAL, "birth", "PULL"))
                assert await rooms.pull(ROOM, HOSPITAL, "birth") is None
                with pytest.raises(Conflict):
                    await rooms.subscribe(ROOM, Subscription("", HOSPITAL, "birth", "PULL"))
                await rooms.unsubscribe(ROOM, HOSPITAL, "birth")
                with pytest.raises(NotFound):
                    await rooms.pull(ROOM, HOSPITAL, "birth")
                with pytest.raises(NotFound):
                    await rooms.publish(ROOM, ROOM, "death", event(1))
                with pytest.raises(NotFound):
                    await rooms.withdraw(ROOM, HOSPITAL, "birth", "none")
                await rooms.drop_type(ROOM, ROOM, "birth")
                assert await rooms.types(ROOM) == []

        run(story())

    @settings(max_examples=examples(25, 100))
    @given(steps=st.lists(st.tuples(st.sampled_from(["publish", "ack", "withdraw", "age"]), st.integers(0, 9))))
    def test_it_is_a_plain_list_of_what_is_left(self, steps: list[tuple[str, int]], tmp_path_factory: Any) -> None:
        """Against a model: events as a list, one subscriber who acknowledges any of them."""

        async def story() -> None:
            async with Town(tmp_path_factory.mktemp("room")) as town:
                rooms = await a_room(town, HOSPITAL, ttl_s=100)
                made: list[tuple[str, float]] = []
                gone: set[str] = set()
                for step, number in steps:
                    if step == "publish":
                        made.append((await rooms.publish(ROOM, ROOM, "birth", event(number)), town.now))
                    elif step == "age":
                        town.now += number * 10
                    elif number < len(made) and made[number][0] not in gone:
                        name = made[number][0]
                        gone.add(name)
                        if step == "ack":
                            await rooms.acknowledge(ROOM, HOSPITAL, "birth", name)
                        else:
                            await rooms.withdraw(ROOM, ROOM, "birth", name)
                    left = [name for name, at in made if name not in gone and at > town.now - 100]
                    found = await rooms.pull(ROOM, HOSPITAL, "birth")
                    assert (found.id if found else None) == (left[0] if left else None)

        run(story())


class TestPush:
    @pytest.mark.parametrize("in_order", [False, True])
    def test_events_are_messages_to_the_subscribers_service(self, tmp_path: Path, in_order: bool) -> None:
        service = ServiceId(*HOSPITAL.parts, "events")

        async def story() -> None:
            async with Town(tmp_path) as town:
                town.a.grants.offers_[service] = Offer(service, "REST", "http://clinic.invalid")
                rooms = await a_room(town, HOSPITAL, delivery="PUSH", in_order=in_order)
                ids = [await rooms.publish(ROOM, ROOM, "birth", event(number)) for number in range(5)]
                crashes = iter([True, False])

                def trip(point: str) -> None:
                    if point == "sent.committed" and next(crashes, False):
                        raise Crash(point)

                town.b.trip = trip
                with pytest.raises(Crash):
                    await town.b.office.pusher.turn()
                await town.restart(town.b)
                assert await town.b.office.pusher.turn() == 5, "the first again: it was not yet acknowledged"
                assert await town.b.office.pusher.turn() == 0
                await town.settle()
                calls = town.provider.seen
                assert len(calls) == 5
                assert {call.target.path for call in calls} == {b"/v1/birth"}
                assert {encoded(call.asked.client) for call in calls} == {encoded(ROOM)}
                order = [call.message_id.partition(".")[0] for call in calls]
                assert (order if in_order else sorted(order)) == (ids if in_order else sorted(ids))
                assert await town.b.office.desk.lines() == [], "nobody fetches the answers"

        run(story())


class TestTheApi:
    """Each answer of the handlers of the edge, over these rooms, against GovStack_IM_PubSub_API.yaml."""

    def test_each_answer_is_one_of_the_document(self, tmp_path: Path) -> None:
        document = yaml.safe_load(shared_data("exchange/govstack/GovStack_IM_PubSub_API.yaml").read_text())
        told: set[tuple[str, str, int]] = set()

        async def story() -> None:
            async with Town(tmp_path) as town:
                provider = RoomsProvider(town.b.office.rooms)

                async def ask(verb: str, service: str, path: str, body: object = None) -> Answer:
                    call = a_call(client=HOSPITAL, service=ServiceId(*ROOM.parts, service), verb=verb)
                    content = b"" if body is None else msgspec.json.encode(body)
                    offer = Offer(call.target.service, "REST", "rooms:", (Endpoint(),))
                    answer = await provider.ask(offer, call, path.encode(), Whole(content), "")
                    told.add(_hold(document, verb.lower(), f"{service}{path}", answer))
                    return answer

                birth = {"eventType": "birth", "schema": msgspec.json.decode(BIRTH)}
                assert (await ask("GET", "api", "/v1/eventType")).status == 204
                assert (await ask("POST", "api", "/v1/eventType", birth)).status == 200
                assert (await ask("POST", "api", "/v1/eventType", birth)).status == 409
                assert (await ask("POST", "api", "/v1/eventType", {"eventType": "x"})).status == 400
                assert (await ask("GET", "api", "/v1/eventType")).status == 200
                assert (await ask("GET", "api", "/v1/eventType/birth")).status == 200
                assert (await ask("GET", "api", "/v1/eventType/death")).status == 204
                item = {"eventType": "birth", "delivery": "PULL", "options": {"TTL": 60, "FIFO": True}}
                assert (await ask("GET", "api", "/v1/subs")).status == 200
                assert (await ask("POST", "api", "/v1/subs/birth", item)).status == 200
                assert (await ask("POST", "api", "/v1/subs/birth", item)).status == 409
                assert (await ask("POST", "api", "/v1/subs/birth", {"eventType": "no"})).status == 400
                assert (await ask("GET", "api", "/v1/subs")).status == 200
                assert (await ask("GET", "api", "/v1/subs/birth")).status == 200
                assert (await ask("GET", "api", "/v1/subs/death")).status == 404
                assert (await ask("PATCH", "api", "/v1/subs/birth", {"eventType": "birth"})).status == 201
                assert (await ask("GET", "pull", "/v1/birth")).status == 404
                good = {"eventType": "birth", "event": {"place": "City"}}
                sent = await ask("POST", "pub", "/v1/birth", good)
                assert sent.status == 201
                made = msgspec.json.decode(sent.body.whole(999))["id"]
                bad = {"eventType": "birth", "event": {"place": 7}}
                assert (await ask("POST", "pub", "/v1/birth", bad)).status == 400
                other = {"eventType": "death", "event": {}}
                assert (await ask("POST", "pub", "/v1/death", other)).status == 404
                assert (await ask("GET", "pub", f"/v1/birth/{made}")).status == 200
                assert (await ask("GET", "pub", "/v1/birth/none")).status == 404
                pulled = await ask("GET", "pull", "/v1/birth")
                assert msgspec.json.decode(pulled.body.whole(9999))["id"] == made
                assert (await ask("DELETE", "pull", f"/v1/birth/{made}")).status == 204
                assert (await ask("DELETE", "pull", "/v1/birth/none")).status == 404
                assert (await ask("DELETE", "pub", f"/v1/birth/{made}")).status == 204
                assert (await ask("DELETE", "pub", f"/v1/birth/{made}")).status == 404
                assert (await ask("DELETE", "api", "/v1/subs/birth")).status == 204
                assert (await ask("DELETE", "api", "/v1/subs/birth")).status == 404
                assert (await ask("DELETE", "api", "/v1/eventType/birth")).status == 204
                assert (await ask("DELETE", "api", "/v1/eventType/birth")).status == 404

        run(story())
        operations = {
            (path.partition("{applicationCode}/")[2], verb)
            for path, item in document["paths"].items()
            for verb in item
            if verb != "parameters"
        }
        assert {(path, verb) for path, verb, _ in told} == operations, "every operation of the document was asked"


def _hold(document: Any, verb: str, path: str, answer: Answer) -> tuple[str, str, int]:
    """The answer's status and body are the document's for this operation; its path in the document."""
    parts = path.split("/")
    for template, item in document["paths"].items():
        below = template.partition("{applicationCode}/")[2].replace("api/v1", "api/v1")
        wanted = below.split("/")
        if len(wanted) == len(parts) and all(a == b or a[0] == "{" for a, b in zip(wanted, parts, strict=True)):
            responses = item[verb]["responses"]
            assert str(answer.status) in responses, (path, verb, answer.status)
            described = responses[str(answer.status)].get("content")
            content = answer.body.whole(10**6)
            if described:
                schema = _resolved(document, described["application/json"]["schema"])
                check(parse_schema(msgspec.json.encode(schema)), parse_json(content, "answer"))
            elif answer.status < 300:
                assert content == b""
            return below, verb, answer.status
    raise AssertionError(f"{verb} {path} is not in the document")


def _resolved(document: Any, schema: Any) -> Any:
    if isinstance(schema, dict):
        if "$ref" in schema:
            return _resolved(document, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
        return {key: _resolved(document, value) for key, value in schema.items() if key != "examples"}
    return [_resolved(document, one) for one in schema] if isinstance(schema, list) else schema


class TestSchemas:
    @pytest.mark.parametrize(
        ("schema", "good", "bad"),
        [
            ({"type": "integer"}, [1, 1.0, -5], [True, 1.5, "1", None]),
            ({"type": ["string", "null"]}, ["", None], [0, False]),
            ({"enum": [1, "a", None, [1]]}, [1.0, "a", None, [1]], [True, "b", [True], 2]),
            ({"const": {"a": [1]}}, [{"a": [1]}], [{"a": [2]}, {"a": [1], "b": 1}]),
            ({"minimum": 1, "exclusiveMaximum": 3}, [1, 2.9, "x"], [0.9, 3]),
            ({"multipleOf": 0.5}, [1, 2.5], [0.3]),
            ({"minLength": 2, "maxLength": 3}, ["台北", "abc", 5], ["a", "abcd"]),
            ({"items": {"type": "number"}, "minItems": 1}, [[1], {}, "x"], [[], ["a"]]),
            ({"uniqueItems": True}, [[1, "1", True]], [[1, 1.0], [[1], [1]]]),
            ({"properties": {"a": {"type": "string"}}, "additionalProperties": False}, [{}, {"a": ""}, 1], [{"b": 1}]),
            ({"required": ["a"]}, [{"a": None}, []], [{}, {"b": 1}]),
            ({"format": "date-time"}, ["2023-05-01T11:25:00+02:00", "2023-05-01T11:25:00.123456789Z", 1], ["2023"]),
            ({"format": "date"}, ["2024-02-29"], ["2023-02-29", "20230228"]),
            ({"format": "uuid"}, ["0b0c9a3c-0000-4000-8000-000000000000"], ["0b0c9a3c"]),
            ({"anyOf": [{"type": "string"}, {"minimum": 5}]}, ["a", 7], [1]),
            ({"oneOf": [{"minimum": 1}, {"maximum": 5}]}, [0, 9], [3]),
            ({"allOf": [{"minimum": 1}, {"maximum": 5}]}, [3], [0, 9]),
            ({"not": {"type": "string"}}, [1], ["a"]),
            (True, [1, None], []),
            (False, [], [1, None]),
        ],
    )  # fmt: skip
    def test_keywords(self, schema: Any, good: list[Any], bad: list[Any]) -> None:
        read = parse_schema(msgspec.json.encode(schema))
        for value in good:
            check(read, value)
        for value in bad:
            with pytest.raises(Invalid):
                check(read, value)

    @pytest.mark.parametrize(
        "schema",
        [{"pattern": "(a+)+$"}, {"$ref": "#"}, {"type": "text"}, {"properties": []}, {"minimum": "1"}, 5, "x",
         {"items": {"if": {}}}, {"multipleOf": 0}, {"required": [1]}, {"minLength": -1}],
    )  # fmt: skip
    def test_what_cannot_be_checked_is_refused(self, schema: Any) -> None:
        with pytest.raises(Invalid):
            parse_schema(msgspec.json.encode(schema))

    def test_depth_and_work_are_bounded(self) -> None:
        deep = msgspec.json.encode({"not": {}})
        for _ in range(40):
            deep = b'{"not":' + deep + b"}"
        with pytest.raises(Invalid):
            parse_schema(deep)
        many = parse_schema(b'{"uniqueItems":true}')
        with pytest.raises(Invalid, match="takes too long"):
            check(many, list(range(ROOM_SCHEMA_STEPS // 10)))
