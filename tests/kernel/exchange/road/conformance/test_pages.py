"""The edge's own pages over real gateways: lists, configuration, containers, monitoring, GovStack's spelling."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import re
import zipfile
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from tests.kernel.exchange.road.conformance.stage import BASE, DEV_CLIENT, DEV_SERVICE, Town, a_town
from tests.kernel.exchange.road.pair import CONSUMER, PRODUCER
from tests.wire.xroad.test_operations import ENVELOPE

from banyan.kernel.exchange.road.desk import Local
from banyan.kernel.exchange.road.edges.proving import prove
from banyan.wire.tlog.checkpoint import verifier_of
from banyan.wire.xroad import faults, members, operations, sharedparams, signedconf, verification
from banyan.wire.xroad.identifiers import parse_client

ASIC = "/asic?queryId={}&xRoadInstance=EE&memberClass=BUSINESS&memberCode={}&subsystemCode={}"
XML = {"Content-Type": "text/xml;charset=UTF-8"}
CRITERIA = """<om:searchCriteria><om:recordsFrom>1</om:recordsFrom><om:recordsTo>9</om:recordsTo></om:searchCriteria>"""


def staged(folder: Path, story: Callable[[Town], Awaitable[None]]) -> None:
    async def run() -> None:
        async with a_town(folder) as town:
            await story(town)
            assert not town.road.reported

    asyncio.run(run())


def test_clients_are_listed_at_the_edge(tmp_path: Path) -> None:
    async def story(town: Town) -> None:
        told = await town.road.call("GET", "/listClients?xRoadInstance=DEV", {"Accept": "application/json"})
        found = members.parse(told.body, told.fields["content-type"])
        assert ["/".join(one.id.parts) for one in found] == ["DEV/COM/1234", DEV_SERVICE, "DEV/COM/4321", DEV_CLIENT]
        as_xml = await town.road.call("GET", "/listClients", {})
        assert {one.id.instance for one in members.parse(as_xml.body, "text/xml")} == {"EE"}
        wrong = await town.road.call("GET", "/listClients?xRoadInstance=XX", {"Accept": "text/xml"})
        assert (wrong.status, wrong.fields["content-type"]) == (404, "text/xml;charset=utf-8")
        assert faults.parse_error(wrong.body, "text/xml").type == wrong.fields["x-road-error"]

    staged(tmp_path, story)


def test_the_configuration_is_signed_by_the_gateways_certificate(tmp_path: Path) -> None:
    async def story(town: Town) -> None:
        archive = await town.road.call("GET", "/verificationconf", {})
        conf = verification.parse(archive.body)
        assert (conf.instance, sorted(conf.shared_params)) == ("EE", ["DEV", "EE"])
        told = await town.road.call("GET", "/internalconf", {})
        signed = signedconf.parse(told.body, told.fields["content-type"])
        certificate = x509.load_pem_x509_certificate(town.road.a.pem.encode())
        key = certificate.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        key.verify(signed.signature, signed.signed, ec.ECDSA(hashes.SHA256()))
        for file in signed.directory.files:
            content = await town.road.call("GET", file.location, {})
            assert hashlib.sha512(content.body).digest() == file.digest
        ours = sharedparams.parse(conf.shared_params["EE"])
        assert [one.id.server for one in ours.servers] == ["ss1", "ss2"]
        assert ours.servers[1].certificates == town.road.route("ss2").certificates

    staged(tmp_path, story)


def test_both_sides_hand_out_containers_that_hold(tmp_path: Path) -> None:
    async def story(town: Town) -> None:
        reply = await town.road.call("POST", f"{BASE}/echo", {"X-Road-Client": CONSUMER, "X-Road-Id": "q/1"}, b"{}")
        assert reply.status == 200
        query = ASIC.format("q%2F1", "consumer", "sub")
        early = await town.road.call("GET", query, {})
        assert (early.status, early.fields["content-type"]) == (404, "text/plain; charset=utf-8")
        asked = await town.road.call("GET", f"{query}&force", {})
        assert asked.fields["content-disposition"] == 'attachment; filename="q%2F1.zip"'
        provider = parse_client(f"{PRODUCER}/sub")
        town.road.b.gateway.desk.locals = {provider: Local(provider, "http")}
        port = town.road.b.gateway.edge_port
        theirs = await town.road.call("GET", ASIC.format("q%2F1", "producer", "sub") + "&force", {}, port=port)
        for name, answer, has_bodies in (("ss1", asked, True), ("ss2", theirs, False)):
            keys = [verifier_of(one) for one in town.logs[name].keys.vkeys]
            with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
                packed = [archive.read(one) for one in archive.namelist()]
            found = [prove(one, logs=keys, key_of=town.road.directory.keys) for one in packed]
            assert [(one.kind, one.status, one.has_body) for one in found] == [
                ("request", 0, has_bodies),
                ("response", 200, has_bodies),
            ]
            assert {one.xid for one in found} == {reply.fields["x-road-request-id"]}

    staged(tmp_path, story)


def test_containers_are_for_who_may_speak_for_the_client(tmp_path: Path) -> None:
    async def story(town: Town) -> None:
        for code, status in (("secured", 401), ("stranger", 500)):
            refused = await town.road.call("GET", ASIC.format("q-1", "consumer", code), {})
            assert (refused.status, refused.fields["content-type"]) == (status, "text/plain; charset=utf-8")
        assert (await town.road.call("GET", "/asic?queryId=q-1", {})).status == 400
        none = await town.road.call("GET", ASIC.format("q-1", "consumer", "sub"), {})
        assert none.status == 404

    staged(tmp_path, story)


def soap(code: str, member: str, server: str) -> bytes:
    text = ENVELOPE.format(
        code=code, body=f"<om:{code}>{CRITERIA if code == operations.OPERATIONAL else ''}</om:{code}>"
    )
    for old, new in (
        (">TW<", ">EE<"),
        (">GOV<", ">BUSINESS<"),
        (">moda<", ">consumer<"),
        (">monitor<", ">sub<"),
        (">nia<", f">{member}<"),
        (">gw1<", f">{server}<"),
    ):
        text = text.replace(old, new)
    return text.encode()


@pytest.mark.parametrize(("member", "server"), [("consumer", "ss1"), ("producer", "ss2")])
def test_the_collector_reads_its_own_gateway_and_another_through_it(tmp_path: Path, member: str, server: str) -> None:
    async def story(town: Town) -> None:
        body = soap(operations.OPERATIONAL, member, server)
        reply = await town.road.call("POST", "/", XML, body)
        assert reply.status == 200, reply
        pattern = rb"content-id: <operational-monitoring-data.json.gz>\r\n\r\n(.+)\r\n--xroad"
        packed = re.search(pattern, reply.body, re.DOTALL)
        assert packed
        records = json.loads(zlib.decompress(packed[1], zlib.MAX_WBITS | 16))["records"]
        assert records == [{"messageId": "m-1", "requestInTs": 1000, "succeeded": True}]
        health = await town.road.call("POST", "/", XML, soap(operations.HEALTH, member, server))
        assert b"<om:statisticsPeriodSeconds>600</om:statisticsPeriodSeconds>" in health.body
        for log in town.logs.values():
            await log.messages.publish()
        sizes = {log.messages.published.size for log in town.logs.values()}
        assert sizes == ({1} if server == "ss1" else {3}), "a question passed on is logged on both sides"

    staged(tmp_path, story)


def test_a_question_that_is_wrong_is_a_soap_fault(tmp_path: Path) -> None:
    async def story(town: Town) -> None:
        sly = soap(operations.OPERATIONAL, "producer", "ss2").replace(b">req-1<", b">a&#13;&#10;X-Road-UserId: eve<")
        for body in (b"<a/>", soap(operations.OPERATIONAL, "producer", "ss9"), sly):
            reply = await town.road.call("POST", "/any", XML, body)
            assert (reply.status, reply.fields["content-type"]) == (500, "text/xml; charset=UTF-8")
            assert b"<faultcode>Server.ClientProxy." in reply.body
        assert (await town.road.call("GET", "/", {})).status == 404
        assert (await town.road.call("POST", "/", {}, b"{}")).status == 404

    staged(tmp_path, story)


def test_govstack_clients_call_the_same_services(tmp_path: Path) -> None:
    async def story(town: Town) -> None:
        fields = {"X-GovStack-Client": CONSUMER}
        for prefix in ("", "/govstack"):
            reply = await town.road.call("POST", f"{prefix}{BASE}/echo", fields, b'{"value":42}')
            assert (reply.status, reply.json) == (200, {"value": 42})
        assert town.road.service.seen[-1].get("X-Road-Client") == CONSUMER
        assert town.road.service.seen[-1].get("X-GovStack-Client") is None
        listed = await town.road.call("GET", f"/govstack{BASE}/listMethods", fields)
        assert [one["serviceCode"] for one in listed.json["member"]] == ["echo", "service", "test"]
        refused = await town.road.call("GET", f"{BASE}/wsdl", fields)
        assert refused.fields["x-road-error"] == "Server.ServerProxy.ServiceType"
        assert (await town.road.call("GET", "/govstack/other", fields)).status == 404
        large = await town.road.call("POST", f"/govstack{BASE}/echo", fields, bytes(2_000_000))
        assert large.status == 413, "a page takes bodies of strangers, so they are small"
        assert (await town.road.call("POST", f"{BASE}/echo", fields, bytes(2_000_000))).status == 200

    staged(tmp_path, story)
