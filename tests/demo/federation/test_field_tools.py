"""The demonstration's gateway before the field's tools: collectors and auditors read it as they read their own."""

from __future__ import annotations

import asyncio
import http.client
import io
import json
import re
import zipfile
import zlib
from pathlib import Path

from tests.demo.federation.nation import HOSPITAL, a_nation, ask
from tests.demo.federation.test_hosting import ASKED, FLAG
from tests.make import NOW
from tests.wire.xroad.test_operations import ENVELOPE

from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.road.edges.proving import prove
from banyan.wire.tlog.checkpoint import verifier_of
from banyan.wire.xroad import sharedparams, verification
from banyan.wire.xroad.identifiers import ServerId, encoded


class Moved:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> EpochS:
        return self.now


def question(server: ServerId) -> bytes:
    """For the records of two minutes, by the hospital."""
    first, last = int(NOW) - 60, int(NOW) + 60
    span = f"<om:recordsFrom>{first}</om:recordsFrom><om:recordsTo>{last}</om:recordsTo>"
    code = "getSecurityServerOperationalData"
    text = ENVELOPE.format(code=code, body=f"<om:{code}><om:searchCriteria>{span}</om:searchCriteria></om:{code}>")
    for old, new in ((">GOV<", ">MED<"), (">moda<", ">H1<"), (">monitor<", ">emergency<")):
        text = text.replace(old, new, 1)
    service, rest = text.split("<xrd:service", 1)
    rest = rest.replace(">GOV<", f">{server.member_class}<").replace(">nia<", f">{server.member}<")
    return f"{service}<xrd:service{rest}".replace(">gw1<", f">{server.server}<").encode()


def post(port: int, body: bytes) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", "/", body, {"Content-Type": "text/xml;charset=UTF-8"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_containers_configuration_and_records_of_a_call(tmp_path: Path) -> None:
    async def story() -> None:
        clock = Moved()
        async with a_nation(tmp_path, clock) as (_, road):
            reply = await ask(road, "POST", FLAG, ASKED, X_Banyan_Purpose="012", X_Road_Id="q-1")
            assert reply.status == 200

            query = "/asic?queryId=q-1&xRoadInstance=TW&memberClass=MED&memberCode=H1&subsystemCode=emergency&force"
            packed = (await ask(road, "GET", query)).body
            logs = [verifier_of(one) for one in road.messages.keys.vkeys]
            with zipfile.ZipFile(io.BytesIO(packed)) as archive:
                found = [prove(archive.read(one), logs=logs) for one in archive.namelist()]
            assert [one.keyid.partition("#")[0] for one in found] == ["TW/MED/H1", "TW/GOV/NIA"]
            assert {one.xid for one in found} == {reply.fields["x-road-request-id"]}

            conf = verification.parse((await ask(road, "GET", "/verificationconf")).body)
            params = sharedparams.parse(conf.shared_params["TW"])
            assert road.server in {one.id for one in params.servers}
            assert HOSPITAL in {encoded(one.id) for one in params.listed}

            await road.observer.settle()
            clock.now = EpochS(NOW + 45)
            status, body = await asyncio.to_thread(post, road.gateway.edge_port, question(road.server))
            assert status == 200, body
            attached = re.search(rb"json.gz>\r\n\r\n(.+)\r\n--xroad", body, re.DOTALL)
            assert attached
            records = json.loads(zlib.decompress(attached[1], zlib.MAX_WBITS | 16))["records"]
            assert {one["messageId"] for one in records} == {"q-1"}
            assert {one["securityServerType"] for one in records} == {"Client", "Producer"}
            assert ASKED["person"] not in repr(records)

    asyncio.run(story())
