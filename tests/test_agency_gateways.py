"""`./banyan agency` at a member's second machine: the first gateway vouches, officers approve, calls go by either."""

from __future__ import annotations

import asyncio
import http.client
import http.server
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import pytest
from tests.test_agency import Desk, a_counter, desk, founded, joined, made
from tests.test_node import up

from banyan.agency_centre import opened
from banyan.demo.federation.hosting import free_port
from banyan.kernel.events.clock import EpochS, iso, system_clock
from banyan.kernel.exchange.directory import enrolment
from banyan.kernel.exchange.directory.membership import Agency, no_devices
from banyan.kernel.identity.caller import Caller
from banyan.node import Node, open_node
from banyan.settings import load_settings
from banyan.wire.xroad.identifiers import parse_client

__all__ = ["desk"]


def second(desk: Desk, code: str = "NHI", server: str = "gw2", *more: object) -> tuple[Path, str]:
    """The folder of a member's second machine, and its request's fingerprint."""
    folder = desk.folder / f"{code}-{server}"
    desk("init", f"TW/GOV/{code}", "--server", server, "--address", "127.0.0.1:5600", "--folder", folder, *more)
    return folder, desk.fingerprint()


def vouched(desk: Desk, folder: Path, fingerprint: str, *, by: str = "NHI") -> Path:
    out = desk.folder / f"{folder.name}-vouched.json"
    desk("vouch", folder / "request.json", "--fingerprint", fingerprint, "--folder", desk.folder / by, "--out", out)
    return out


def approve(desk: Desk, request: Path | str, fingerprint: str, *more: object, ends: int = 0) -> Path:
    out = desk.folder / "welcome.json"
    desk("approve", request, "--fingerprint", fingerprint, "--centre", desk.centre, "--out", out, *more, ends=ends)
    return out


def with_second(desk: Desk, anchor: str, server: str = "gw2") -> Path:
    """A further gateway of NHI that has joined; its folder."""
    folder, fingerprint = second(desk, "NHI", server)
    out = approve(desk, vouched(desk, folder, fingerprint), fingerprint)
    desk("join", out, "--fingerprint", anchor, "--folder", folder)
    return folder


def heard(desk: Desk, code: str) -> None:
    """Its gateway heard the newest directory."""
    keeper = Agency(desk.folder / code, clock=system_clock, load_key=no_devices).keeper()
    keeper.take(opened(desk.centre).keeper.offer(keeper.held.facts.size))


def test_a_second_gateway_joins_by_files_and_renews_its_own(desk: Desk) -> None:
    anchor = founded(desk)
    joined(desk, "NHI", anchor)
    folder, fingerprint = second(desk)
    approve(desk, folder / "request.json", fingerprint, ends=2)
    assert "member: NHI is a member already" in desk.erred
    assert "agency vouch" in desk.erred
    words = ("vouch", folder / "request.json", "--folder", desk.folder / "NHI")
    desk(*words, ends=2)
    assert desk.fingerprint() == fingerprint
    desk(*words, "--fingerprint", "0" * 32, ends=2)
    file = vouched(desk, folder, fingerprint)
    desk("approve", file, "--centre", desk.centre, ends=2)
    assert "a further gateway of TW/GOV/NHI" in desk.said
    out = approve(desk, file, fingerprint)
    assert "TW/GOV/NHI has its gateway gw2" in desk.said
    desk("join", out, "--fingerprint", anchor, "--folder", folder)
    listed = desk("list", "--centre", desk.centre)
    assert re.findall(r"gateway (\w+) at (\S+)", listed) == [("gw1", "127.0.0.1:5500"), ("gw2", "127.0.0.1:5600")]
    assert len(re.findall(r"key TW/GOV/NHI#", listed)) == 2
    assert "Nothing must be done." in desk("status", "--folder", folder)


def test_a_second_gateway_joins_by_the_centres_address_and_two_officers(desk: Desk) -> None:
    port = free_port(0)
    anchor = founded(desk, "--officers", "2", "--page", f"http://127.0.0.1:{port}")
    for name in ("lin", "wu"):
        desk("officer", name, desk.folder / f"{name}.pem", "--centre", desk.centre)
    with a_counter(desk.centre, port) as url:

        def agreed(folder: Path, fingerprint: str) -> None:
            name = enrolment.read((folder / "request.json").read_bytes(), now=system_clock()).name
            for officer in ("lin", "wu"):
                approve(desk, name, fingerprint, "--officer", desk.folder / f"{officer}.pem")
            desk("join", url, "--folder", folder)

        first = made(desk, "NHI")
        desk("join", url, "--fingerprint", anchor, "--folder", desk.folder / "NHI")
        agreed(desk.folder / "NHI", first)
        folder, fingerprint = second(desk)
        desk("join", url, "--fingerprint", anchor, "--folder", folder, ends=2)
        assert "agency vouch" in desk.erred
        vouch = ("vouch", folder / "request.json", "--fingerprint", fingerprint, "--folder", desk.folder / "NHI")
        desk(*vouch)
        assert "The request is at the centre" in desk.said
        desk("join", url, "--folder", folder)
        assert "Say `agency join` again" in desk.said, "and its signature by the first gateway was not lost"
        agreed(folder, fingerprint)
        assert "is a member" in desk.said


def test_a_key_that_changes_at_one_gateway_leaves_the_others_theirs(desk: Desk) -> None:
    """Replaced were all keys of the member: a week later no call of the other gateway counted."""
    anchor = founded(desk)
    joined(desk, "NHI", anchor)
    folder = with_second(desk, anchor)
    theirs = re.findall(r"signs by (\S+)", desk("status", "--folder", folder))[0]
    until = re.findall(rf"key {theirs} until (\S+)", desk("list", "--centre", desk.centre))
    desk("rotate-key", "--folder", desk.folder / "NHI")
    desk("approve", desk.folder / "NHI/key-request.json", "--centre", desk.centre, "--out", desk.folder / "w.json")
    desk("join", desk.folder / "w.json", "--folder", desk.folder / "NHI")
    assert re.findall(rf"key {theirs} until (\S+)", desk("list", "--centre", desk.centre)) == until


def test_status_says_that_the_gateways_own_key_ends_until_it_has_another(desk: Desk) -> None:
    """Of a member whose other keys go on; the new one was approved, and its answer lost on the way."""
    anchor = founded(desk)
    joined(desk, "NHI", anchor)
    folder = desk.folder / "NHI"
    with_second(desk, anchor)
    desk("rotate-key", "--folder", folder)
    desk("approve", folder / "key-request.json", "--centre", desk.centre, "--out", desk.folder / "lost.json")
    heard(desk, "NHI")
    said = desk("status", "--folder", folder)
    assert "The key that gateway gw1 signs by ends on" in said
    assert "in 6 days. Say `./banyan agency rotate-key` on its machine." in said
    assert "The directory has this key already" in desk("rotate-key", "--folder", folder)
    assert "Nothing must be done." in desk("status", "--folder", folder)


def test_only_a_gateway_of_the_same_member_vouches(desk: Desk) -> None:
    anchor = founded(desk)
    joined(desk, "NHI", anchor)
    joined(desk, "NIA", anchor)
    folder, fingerprint = second(desk)
    words = ("vouch", folder / "request.json", "--fingerprint", fingerprint)
    desk(*words, "--folder", desk.folder / "NIA", ends=2)
    assert "member: TW/GOV/NHI vouches for this" in desk.erred
    desk(*words, "--folder", folder, ends=2)
    assert "agency join" in desk.erred
    desk("vouch", desk.folder / "nothing", "--folder", desk.folder / "NHI", ends=2)
    other = enrolment.read((desk.folder / "NIA/request.json").read_bytes(), now=system_clock())
    request = enrolment.read((folder / "request.json").read_bytes(), now=system_clock())
    mixed = desk.folder / "mixed.json"
    mixed.write_bytes(msgspec.structs.replace(request, proofs=(*request.proofs, *other.proofs)).encode())
    approve(desk, mixed, fingerprint, ends=2)
    assert "changed after it was signed" in desk.erred


def test_a_revoked_key_vouches_for_nothing(desk: Desk) -> None:
    """Signed before it was revoked, approved after: the member has another key that counts."""
    anchor = founded(desk)
    joined(desk, "NHI", anchor)
    with_second(desk, anchor)
    folder, fingerprint = second(desk, "NHI", "gw3")
    file = vouched(desk, folder, fingerprint)
    key = re.findall(r"signs by (\S+)", desk("status", "--folder", desk.folder / "NHI"))[0]
    desk("revoke", "key", key, "--centre", desk.centre)
    approve(desk, file, fingerprint, ends=2)
    assert "member: NHI is a member already" in desk.erred
    again = vouched(desk, folder, fingerprint, by="NHI-gw2")
    approve(desk, again, fingerprint)


def test_what_was_answered_or_ended_does_not_come_again(desk: Desk) -> None:
    anchor = founded(desk)
    joined(desk, "NHI", anchor)
    folder, fingerprint = second(desk)
    file = vouched(desk, folder, fingerprint)
    approve(desk, file, fingerprint)
    approve(desk, file, fingerprint, ends=2)
    assert "server: NHI is a member already and has a gateway gw2" in desk.erred
    folder3, other = second(desk, "NHI", "gw3")
    waiting = vouched(desk, folder3, other)
    desk("revoke", "gateway", "TW/GOV/NHI/gw2", "--centre", desk.centre)
    approve(desk, file, fingerprint, ends=2)
    approve(desk, waiting, other)


@pytest.mark.parametrize(
    ("server", "more", "field"),
    [
        ("GW1", (), "but for its case"),
        ("gw2", ("--subsystem", "new"), "subsystem: NHI has no new"),
        ("gw2", ("--zh", "另署"), "name: NHI has another name"),
    ],
)
def test_a_further_gateway_brings_nothing_but_itself(
    desk: Desk, server: str, more: tuple[object, ...], field: str
) -> None:
    joined(desk, "NHI", founded(desk))
    folder, fingerprint = second(desk, "NHI", server, *more)
    approve(desk, vouched(desk, folder, fingerprint), fingerprint, ends=2)
    assert field in desk.erred
    assert "gateway gw1" in desk("list", "--centre", desk.centre)


def test_a_name_like_a_gateways_own_is_not_vouched_for(desk: Desk) -> None:
    joined(desk, "NHI", founded(desk))
    folder, fingerprint = second(desk, "NHI", "gw1")
    words = ("vouch", folder / "request.json", "--fingerprint", fingerprint, "--folder", desk.folder / "NHI")
    desk(*words, ends=2)
    assert "server: NHI has a gateway gw1; choose another --server" in desk.erred


def change(desk: Desk, *words: object, code: str = "NHI", ends: int = 0) -> None:
    desk("change", *words, "--folder", desk.folder / code, ends=ends)


def test_a_member_changes_what_the_directory_has_of_it_by_files(desk: Desk) -> None:
    anchor = founded(desk)
    joined(desk, "NHI", anchor)
    with_second(desk, anchor)
    change(desk, "--notice", "換機房", "--address", "127.0.0.1:5700", "--server", "gw2")
    assert "needs no officer" in desk.said
    file = desk.folder / "NHI/change.json"
    desk("approve", file, "--centre", desk.centre)
    listed = desk("list", "--centre", desk.centre)
    assert "gateway gw2 at 127.0.0.1:5700" in listed
    assert "in maintenance: 換機房" in listed
    change(desk, "--subsystem", "cards", "--drop-subsystem", "data")
    fingerprint = desk.fingerprint()
    desk("approve", file, "--centre", desk.centre, ends=2)
    assert "new subsystem: cards\n  subsystem that goes: data\n" in desk.said
    approve(desk, file, fingerprint)
    assert "TW/GOV/NHI has its change" in desk.said
    approve(desk, file, fingerprint, ends=2)
    assert "made_at" in desk.erred
    change(desk, "--drop-gateway", "--server", "gw2")
    approve(desk, file, desk.fingerprint())
    assert "gw2" not in desk("list", "--centre", desk.centre)


def test_a_member_changes_by_the_centres_address(desk: Desk) -> None:
    port = free_port(0)
    anchor = founded(desk, "--page", f"http://127.0.0.1:{port}")
    joined(desk, "NHI", anchor)
    with a_counter(desk.centre, port):
        change(desk, "--notice", "closed for an hour")
        assert "It counts" in desk.said
        assert "in maintenance: closed for an hour" in desk("list", "--centre", desk.centre)
        change(desk, "--subsystem", "cards")
        name = re.findall(r"request (\w+):", desk("list", "--centre", desk.centre))[0]
        approve(desk, name, desk.fingerprint())


def test_whom_a_gateway_hosts_vouches_for_it(desk: Desk) -> None:
    anchor = founded(desk)
    joined(desk, "NHI", anchor)
    joined(desk, "NIA", anchor)
    change(desk, "--host", "TW/GOV/NIA/data", ends=2)
    assert "--out" in desk.erred
    file, signed = desk.folder / "host.json", desk.folder / "signed.json"
    change(desk, "--host", "TW/GOV/NIA/data", "--out", file)
    fingerprint = desk.fingerprint()
    approve(desk, file, fingerprint, ends=2)
    assert "TW/GOV/NIA" in desk.erred
    words = ("vouch", file, "--folder", desk.folder / "NIA", "--out", signed)
    desk(*words, ends=2)
    assert "hosts: GOV/NIA/data" in desk.said
    desk(*words, "--fingerprint", fingerprint)
    approve(desk, signed, fingerprint)
    assert "hosts GOV/NIA/data" in desk("list", "--centre", desk.centre)
    heard(desk, "NIA")
    change(desk, "--leave-host", "TW/GOV/NHI/gw1", code="NIA")
    assert "needs no officer" in desk.said
    desk("approve", desk.folder / "NIA/change.json", "--centre", desk.centre)
    assert "hosts" not in desk("list", "--centre", desk.centre)


@pytest.mark.parametrize(
    "words",
    [[], ["--address", "host"], ["--host", "TW/GOV/NIA"], ["--host", "x"], ["--notice", "a\nb"],
     ["--host", "XX/GOV/NIA/data", "--out", "x"], ["--leave-host", "TW/GOV/NIA"], ["--leave-host", "XX/GOV/NIA/gw1"]],
)  # fmt: skip
def test_wrong_words_of_a_change_get_one_sentence(desk: Desk, words: list[str]) -> None:
    joined(desk, "NHI", founded(desk))
    change(desk, *words, ends=2)
    assert not (desk.folder / "NHI/change.json").exists()


NODE = """services = ["banyan.service.exchange.parts:SERVICE"]
member = "{member}"
[road]
enabled = true
peer_port = {port}
edge_port = 0
centre = "{centre}"
[[road.clients]]
id = "{member}/data"
connection = "http"
"""
OFFER = """[[road.offers]]
id = "TW/GOV/NHI/data/who"
url = "http://127.0.0.1:{port}"
endpoints = ["GET /who"]
"""


class _Who(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"%d" % self.server.server_address[1]
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def a_service() -> Iterator[int]:
    """Says its port: so a caller knows behind which gateway it was."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Who) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def called(edge: int, server: str = "") -> tuple[int, str]:
    """By any gateway of NHI, or by one."""
    connection = http.client.HTTPConnection("127.0.0.1", edge, timeout=30)
    fields = {"X-Road-Client": "TW/GOV/NIA/data"}
    if server:
        fields["X-Road-Security-Server"] = f"TW/GOV/NHI/{server}"
    connection.request("GET", "/r1/TW/GOV/NHI/data/who/who", headers=fields)
    answer = connection.getresponse()
    found = answer.status, answer.read().decode()
    connection.close()
    return found


async def granted(node: Node) -> None:
    officers = [Caller("officer", f"nhi-{n}", agency="TW/GOV/NHI", assurance="aal2") for n in (1, 2)]
    until = iso(EpochS(system_clock() + 30 * 86_400))
    grant = {"client": "TW/GOV/NIA/data", "service": "TW/GOV/NHI/data/who",
             "endpoints": [{"method": "GET", "path": "/who"}], "until": until}  # fmt: skip
    made = await node.gate.call("exchange.propose_grant", grant, caller=officers[0])
    await node.gate.call("exchange.approve_grant", {"id": made.id}, caller=officers[1])


def housed(desk: Desk, id: str, server: str, anchor: str, *, centre: Path | str = "") -> Path:
    """A gateway's data folder: it joined, and its node.toml stands. NHI's first vouches for its second."""
    data, port = desk.folder / f"{id.rpartition('/')[2]}-{server}", free_port(0)
    folder = data / "agency"
    words = ["--server", server, "--address", f"127.0.0.1:{port}", "--folder", folder]
    desk("init", id, *words, *(("--subsystem", "data") if server == "gw1" else ()))
    request, fingerprint = folder / "request.json", desk.fingerprint()
    if server != "gw1":
        first = data.with_name(data.name.replace(server, "gw1")) / "agency"
        desk("vouch", request, "--fingerprint", fingerprint, "--folder", first)
        request = first / "vouched.json"
    desk("join", approve(desk, request, fingerprint), "--fingerprint", anchor, "--folder", folder)
    (data / "node.toml").write_text(NODE.format(member=id, port=port, centre=centre))
    return data


async def granted_at(data: Path) -> None:
    async with open_node(data, load_settings(data / "node.toml")) as node:
        await granted(node)


def test_calls_go_by_the_second_gateway_when_the_first_is_killed(desk: Desk) -> None:
    """The caller's gateway is here, with the centre; both of the provider are processes."""
    anchor = founded(desk)
    asking = housed(desk, "TW/GOV/NIA", "gw1", anchor, centre=desk.centre)
    asked = [housed(desk, "TW/GOV/NHI", server, anchor) for server in ("gw1", "gw2")]

    async def story(gateways: dict[str, subprocess.Popen[str]]) -> None:
        async with open_node(asking, load_settings(asking / "node.toml")) as node:
            assert node.road is not None
            running = asyncio.create_task(node.road.run())
            while len(node.road.keeper.standing.routes(parse_client("TW/GOV/NHI/data"))) < 2:
                await asyncio.sleep(0.01)  # it hears of both by its turn at the centre's folder
            while gateways:
                status, who = await asyncio.to_thread(called, node.road.gateway.edge_port)
                assert status == 200, who
                gateways[who].kill()
                await asyncio.to_thread(gateways.pop(who).wait)
            assert (await asyncio.to_thread(called, node.road.gateway.edge_port))[0] != 200, "none is left"
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    with ExitStack() as stack:
        gateways = {}
        for data in asked:
            port = stack.enter_context(a_service())
            with (data / "node.toml").open("a") as file:
                file.write(OFFER.format(port=port))
            asyncio.run(granted_at(data))
            gateways[str(port)] = stack.enter_context(up(data, port=free_port(0)))[0]
        asyncio.run(story(gateways))
