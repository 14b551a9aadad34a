"""GovStack Information Mediator: every operation of its specifications over real gateways, held to their schemas."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.kernel.exchange.road.conformance.stage import YAML, Town, a_town
from tests.kernel.exchange.road.edges.room import PlainRooms
from tests.kernel.exchange.road.pair import CONSUMER, PRODUCER, Reply, said
from tests.make import shared_data

from banyan.kernel.exchange.road.edges.rooms import SCHEME, RoomsProvider
from banyan.kernel.exchange.road.model import Answer, Body, Call, Offer, Provider
from banyan.wire.xroad.access import Endpoint

PEERS = Path(__file__).parents[5] / ".venv-peers/bin/python"
CHECK = Path(__file__).with_name("openapi_check.py")
ROOM = "/r1/{instanceId}/{memberClass}/{memberCode}/{applicationCode}"
PUBSUB, DIRECTORY = "GovStack_IM_PubSub_API.yaml", "GovStack_IM_Directory_Services_API.yaml"
EVENT = {"eventType": "newBirth", "event": {"gender": "F", "mother": "Jane Doe"}}
TYPE = {"eventType": "newBirth", "schema": {"type": "object"}}


class Both:
    """Rooms by their scheme, HTTP services else: as a gateway is composed."""

    def __init__(self, rooms: Provider, others: Provider) -> None:
        self._rooms, self._others = rooms, others

    async def ask(self, offer: Offer, call: Call, path: bytes, body: Body, basis: str) -> Answer:
        chosen = self._rooms if offer.url == SCHEME else self._others
        return await chosen.ask(offer, call, path, body, basis)


class Walk:
    """Calls by the specification's operations; what they were answered."""

    def __init__(self, town: Town, base: str) -> None:
        self._town, self._base = town, base
        self.answers: list[dict[str, Any]] = []

    async def ask(
        self,
        verb: str,
        path: str,
        body: object = None,
        *,
        query: str = "",
        status: int,
        prefix: str = ROOM,
        **named: str,
    ) -> Reply:
        target = (self._base if prefix else "") + path.format(**named) + query
        sent = None if body is None else json.dumps(body).encode()
        fields = {"X-GovStack-Client": CONSUMER, "Accept": "application/json"}
        reply = await self._town.road.call(verb.upper(), target, fields, sent)
        assert reply.status == status, (verb, target, reply)
        kind = reply.fields.get("content-type", "")
        told = reply.body.decode() if "yaml" in kind or kind == "" else json.loads(reply.body or b"null")
        self.answers.append({"path": prefix + path, "verb": verb, "status": status, "type": kind, "body": told})
        return reply


def specification(name: str) -> Mapping[str, Any]:
    found = yaml.safe_load(shared_data(f"exchange/govstack/{name}").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def operations(name: str) -> set[tuple[str, str]]:
    verbs = {"get", "post", "put", "patch", "delete"}
    return {(path, verb) for path, item in specification(name)["paths"].items() for verb in verbs & item.keys()}


async def walk_pubsub(walk: Walk) -> None:
    kind, types, subs = "/api/v1/eventType/{eventType}", "/api/v1/eventType", "/api/v1/subs/{eventType}"
    await walk.ask("get", types, status=204)
    await walk.ask("post", types, TYPE, status=200)
    await walk.ask("post", types, TYPE, status=409)
    await walk.ask("post", types, {"eventType": 1}, status=400)
    assert (await walk.ask("get", types, status=200)).json == ["newBirth"]
    assert (await walk.ask("get", kind, eventType="newBirth", status=200)).json == TYPE
    await walk.ask("get", kind, eventType="other", status=204)
    await walk_subscriptions(walk, subs)
    await walk_events(walk)
    await walk.ask("delete", subs, eventType="newBirth", status=204)
    await walk.ask("delete", subs, eventType="newBirth", status=404)
    await walk.ask("delete", kind, eventType="newBirth", status=204)
    await walk.ask("delete", kind, eventType="newBirth", status=404)


async def walk_subscriptions(walk: Walk, subs: str) -> None:
    await walk.ask("get", subs, eventType="newBirth", status=404)
    item = {"eventType": "newBirth", "delivery": "PULL", "options": {"TTL": 60, "FIFO": True}}
    await walk.ask("post", subs, item, eventType="newBirth", status=200)
    await walk.ask("post", subs, item, eventType="newBirth", status=409)
    await walk.ask("post", subs, {"eventType": "other"}, eventType="newBirth", status=400)
    stranger = {**item, "subscriberId": {"instanceId": "EE", "memberClass": "BUSINESS", "memberCode": "x"}}
    await walk.ask("post", subs, stranger, eventType="newBirth", status=400)
    told = (await walk.ask("get", subs, eventType="newBirth", status=200)).json
    assert (told["delivery"], told["options"]) == ("PULL", {"TTL": 60, "FIFO": True})
    assert told["subscriberId"]["applicationCode"] == "sub"
    await walk.ask("patch", subs, {"eventType": "newBirth", "options": {"TTL": 90}}, eventType="newBirth", status=201)
    again = (await walk.ask("get", "/api/v1/subs", status=200)).json
    assert [(one["delivery"], one["options"]["TTL"]) for one in again] == [("PULL", 90)]
    await walk.ask("patch", subs, {"eventType": "newBirth", "options": {"TTL": 0}}, eventType="newBirth", status=400)


async def walk_events(walk: Walk) -> None:
    publish, status = "/pub/v1/{eventType}", "/pub/v1/{eventType}/{eventId}"
    pull, confirm = "/pull/v1/{eventType}", "/pull/v1/{eventType}/{eventId}"
    await walk.ask("get", pull, eventType="newBirth", status=404)
    first = (await walk.ask("post", publish, EVENT, eventType="newBirth", status=201)).json["id"]
    second = (await walk.ask("post", publish, EVENT, eventType="newBirth", status=201)).json["id"]
    await walk.ask("post", publish, {**EVENT, "eventType": "other"}, eventType="newBirth", status=400)
    await walk.ask("post", publish, {**EVENT, "eventType": "other"}, eventType="other", status=404)
    told = (await walk.ask("get", status, eventType="newBirth", eventId=first, status=200)).json
    assert (told["id"], told["sequence"], told["event"]) == (first, 1, EVENT["event"])
    await walk.ask("delete", status, eventType="newBirth", eventId=second, status=204)
    await walk.ask("get", status, eventType="newBirth", eventId=second, status=404)
    await walk.ask("delete", status, eventType="newBirth", eventId=second, status=404)
    for _ in range(2):
        pulled = (await walk.ask("get", pull, eventType="newBirth", status=200)).json
        assert (pulled["id"], pulled["publisherId"]["memberCode"]) == (first, "consumer")
    await walk.ask("delete", confirm, eventType="newBirth", eventId=first, status=204)
    await walk.ask("delete", confirm, eventType="newBirth", eventId=first, status=404)


async def walk_directory(walk: Walk, town: Town) -> None:
    town.road.offer(f"{PRODUCER}/room/pets", CONSUMER, type="OPENAPI", description=f"{town.road.url}/pets")
    listed = await walk.ask("get", "/listClients", query="?instanceId=EE", prefix="", status=200)
    assert {one["id"]["objectType"] for one in listed.json["member"]} == {"MEMBER", "APPLICATION"}
    await walk.ask("get", "/listClients", query="?instanceId=EE&instanceId=DEV", prefix="", status=400)
    for path in ("/listMethods", "/allowedMethods"):
        told = (await walk.ask("get", path, status=200)).json["member"]
        assert [one["serviceCode"] for one in told] == ["api", "pets", "pub", "pull"]
    town.road.service.script = lambda seen: said(YAML, (("Content-Type", "text/yaml"),))
    await walk.ask("get", "/getOpenAPI", query="?serviceCode=pets", status=200)
    await walk.ask("get", "/getOpenAPI", query="", status=500)


def walked(folder: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The answers to all operations of the two specifications."""

    async def story() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        async with a_town(folder) as town:
            town.road.register(f"{PRODUCER}/room", "ss2")
            around = town.road.b.gateway.desk.around
            around.provider = Both(RoomsProvider(PlainRooms()), around.provider)
            for code in ("api", "pub", "pull"):
                town.road.offer(f"{PRODUCER}/room/{code}", CONSUMER, url=SCHEME)
            walk = Walk(town, f"/r1/{PRODUCER}/room")
            await walk_pubsub(walk)
            directory = Walk(town, f"/r1/{PRODUCER}/room")
            await walk_directory(directory, town)
            assert not town.road.reported
            return walk.answers, directory.answers

    return asyncio.run(story())


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    pubsub, directory = walked(tmp_path_factory.mktemp("govstack"))
    return {PUBSUB: pubsub, DIRECTORY: directory}


@pytest.mark.parametrize("name", [PUBSUB, DIRECTORY])
def test_every_operation_answers_with_a_status_of_the_specification(
    answers: dict[str, list[dict[str, Any]]], name: str
) -> None:
    assert {(one["path"], one["verb"]) for one in answers[name]} == operations(name)
    paths = specification(name)["paths"]
    for one in answers[name]:
        assert str(one["status"]) in paths[one["path"]][one["verb"]]["responses"], one


@pytest.mark.peers
@pytest.mark.parametrize("name", [PUBSUB, DIRECTORY])
def test_jsonschema_finds_nothing_wrong(answers: dict[str, list[dict[str, Any]]], name: str) -> None:
    if not PEERS.exists():
        pytest.skip("no .venv-peers")
    lines = "".join(json.dumps(one) + "\n" for one in answers[name])
    command = [str(PEERS), str(CHECK), str(shared_data(f"exchange/govstack/{name}"))]
    found = subprocess.run(command, input=lines, capture_output=True, text=True, timeout=120, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    assert int(found.stdout.split(" ")[0]) >= 3, found.stdout
    broken = json.dumps({**answers[name][4], "status": 299}) + "\n"
    refused = subprocess.run(command, input=broken, capture_output=True, text=True, timeout=120, check=False)
    assert refused.returncode == 1


def test_a_room_grants_each_of_its_ways_apart(tmp_path: Path) -> None:
    """Who may subscribe may not publish unless that is granted too; nobody else sees the room."""

    async def story() -> None:
        async with a_town(tmp_path) as town:
            town.road.register(f"{PRODUCER}/room", "ss2")
            around = town.road.b.gateway.desk.around
            around.provider = Both(RoomsProvider(PlainRooms()), around.provider)
            town.road.offer(f"{PRODUCER}/room/pub", url=SCHEME)
            service = town.road.offer(f"{PRODUCER}/room/api", url=SCHEME)
            town.road.b.grants.give(CONSUMER, service, Endpoint("*", "/v1/subs/**"))
            walk = Walk(town, f"/r1/{PRODUCER}/room")
            denied = await walk.ask("post", "/pub/v1/newBirth", EVENT, status=500)
            assert denied.fields["x-road-error"] == "Server.ServerProxy.AccessDenied"
            denied = await walk.ask("post", "/api/v1/eventType", TYPE, status=500)
            assert denied.fields["x-road-error"] == "Server.ServerProxy.AccessDenied"
            await walk.ask("post", "/api/v1/subs/newBirth", {"eventType": "newBirth"}, status=200)

    asyncio.run(story())


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v2/newBirth", "/v1/a/b/c", "/v1//"])
def test_other_paths_of_a_room_are_not_there(tmp_path: Path, path: str) -> None:
    async def story() -> None:
        async with a_town(tmp_path) as town:
            town.road.register(f"{PRODUCER}/room", "ss2")
            around = town.road.b.gateway.desk.around
            around.provider = RoomsProvider(PlainRooms())
            town.road.offer(f"{PRODUCER}/room/pub", CONSUMER, url=SCHEME)
            walk = Walk(town, f"/r1/{PRODUCER}/room")
            reply = await walk.ask("post", f"/pub{path}", EVENT, status=404)
            assert reply.fields["content-type"] == "application/problem+json"

    asyncio.run(story())
