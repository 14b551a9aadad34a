"""The exchange doctor: each thing that can be wrong is broken, and it says so in a sentence with who must act."""

from __future__ import annotations

import asyncio
import json
from argparse import Namespace
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import msgspec
import pytest
from tests.demo.federation.three import Three, a_federation
from tests.kernel.exchange.road.pair import an_identity

from banyan.cli import main
from banyan.doctor_checks import Finding, of_call
from banyan.doctoring import examined
from banyan.errors import Invalid
from banyan.kernel.exchange.directory import keyfiles
from banyan.kernel.identity.caller import Caller
from banyan.wire.xroad.identifiers import ClientId

HOSPITAL = "hospital"


async def told(three: Three, name: str = HOSPITAL) -> list[Finding]:
    """What the doctor of that node finds now."""
    clock = three.nodes[name].gate.clock
    return await asyncio.to_thread(examined, three.folder / name, clock=clock)


def wrong(found: Sequence[Finding]) -> list[tuple[str, str]]:
    return [(one.code, one.about) for one in found if one.level == "wrong"]


def check(found: Sequence[Finding], code: str, about: str, words: str, who: str) -> None:
    one = next((one for one in found if (one.level, one.code, one.about) == ("wrong", code, about)), None)
    assert one is not None, (code, about, [one for one in found if one.level != "ok"])
    assert words in one.says, one
    assert who in one.who, one


async def other_certificate(three: Three) -> None:
    identity, _ = an_identity(three.folder, "other")
    three.road("immigration").gateway.tls.renew(identity)


async def revoked_grant(three: Three) -> None:
    """The hospital needs a service that it is no longer granted."""
    node = three.nodes["centre"]
    cdc = Caller("officer", "o", agency="TW/GOV/CDC", assurance="aal2")
    for one in await node.gate.call("exchange.grants", {}, caller=cdc):
        if one.client == "TW/GOV/NIA/border":
            await node.gate.call("exchange.end_grant", {"id": one.id}, caller=cdc)


async def behind(three: Three) -> None:
    centre = three.road("centre").centre
    assert centre is not None
    with centre.turn():
        centre.authority.change(lambda snapshot: snapshot)
    road = three.road(HOSPITAL)
    road.keeper.take(centre.keeper.offer(road.keeper.held.facts.size))


async def strange_key(three: Three) -> None:
    path = three.road(HOSPITAL).agency.folder / "keys" / "sign.pem"
    path.unlink()
    keyfiles.save_new(path, "p256")


async def unwitnessed(three: Three) -> None:
    """The newest checkpoint was signed while nobody could be reached."""
    messages = three.road(HOSPITAL).messages.messages
    await messages.log.say(b'{"kind":"note","v":1}')
    await messages.publish()


NIA, H1 = "TW/GOV/NIA/gw1", "TW/MED/H1/gw1"


def test_each_thing_that_is_broken_is_said_with_who_must_act(tmp_path: Path) -> None:
    """One federation, broken in one way after the other and mended again, as far as it can be."""

    async def story() -> None:
        async with a_federation(tmp_path) as three:
            await three.settle()
            found = await told(three)
            assert wrong(found) == [], found
            said = {(one.code, one.about): one.says for one in found}
            assert "travel-flag" in said["granted", "TW/MED/H1/emergency → TW/GOV/NIA/border"]
            assert "TW/GOV/CIVIL/household" in said["no-grant", "TW/MED/H1/emergency"]
            assert ("log-witnessed", H1) in said
            assert {about for code, about in said if code == "reachable"} == {"TW/GOV/BANYAN/gw1", NIA}

            three.ahead["immigration"] = 300.0
            found = await told(three)
            check(found, "clock", NIA, "300 seconds ahead", "NTP")
            assert "call-refused" in {one.code for one in found}
            three.ahead["immigration"] = -10.0
            assert "clock" not in dict(wrong(await told(three))), "ten seconds pass"
            three.ahead["immigration"] = 0.0

            kept = tmp_path / HOSPITAL / "road/doctor.json"
            right = kept.read_bytes()
            sheets = json.loads(right)
            kept.write_text(json.dumps(sheets | {NIA: sheets["TW/GOV/BANYAN/gw1"]}))
            check(await told(three), "log-keys-rotated", NIA, "other keys", "explains by another way")
            kept.write_bytes(right)

            await unwitnessed(three)
            check(await told(three), "log-unwitnessed", H1, "No other gateway has witnessed", "You")
            await three.settle()

            await behind(three)
            check(await told(three), "directory-behind", NIA, "is version", "lets its gateway reach the centre")
            await three.settle()

            await revoked_grant(three)
            needed = "TW/GOV/NIA/border → TW/GOV/CDC/epidemic"
            check(await told(three, "immigration"), "no-grant", needed, "may ask nothing", "/exchange/grants")

            three.now[0] += 2 * 86_400 + 600
            check(await told(three), "directory-stale", H1, "not been heard for 48 hours", "The centre's operator")
            three.now[0] += 400 * 86_400
            found = await told(three)
            check(found, "own-certificate-expired", H1, "ended on", "You")
            check(found, "directory-expired", H1, "no call goes out", "You")
            check(found, "certificate-expired", NIA, "ended on", "NIA's operator")
            three.now[0] -= 402 * 86_400 + 600

            await other_certificate(three)
            check(await told(three), "certificate-unknown", NIA, "does not have", "NIA's operator publishes it")
            await three.road("immigration").gateway.stop(0.1)
            check(await told(three), "unreachable", NIA, "Nothing listens", "NIA's operator starts it")
            await strange_key(three)
            check(await told(three), "own-key-unknown", H1, "key that this agency signs with", "rotate-key")
            await three.road(HOSPITAL).gateway.stop(0.1)
            assert "edge-unreachable" in dict(wrong(await told(three)))

    asyncio.run(story())


@pytest.mark.parametrize(
    "body", [b"<html>It works!</html>", b"[]", b'{"service": [{}]}', b'{"service": [{"service_code']
)
def test_another_program_at_the_edge_is_said_and_does_not_end_the_look(body: bytes) -> None:
    class Stranger(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Stranger) as server:
        Thread(target=server.handle_request).start()
        edge = f"http://127.0.0.1:{server.server_port}"
        found = of_call(edge, ClientId("TW", "MED", "H1", "emergency"), ClientId("TW", "GOV", "NIA", "border"), False)
    assert (found.level, found.code) == ("wrong", "edge-unreadable")
    assert edge in found.says


def test_the_verb_exits_by_what_it_found_and_prints_one_json_object(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from banyan import doctoring

    well = [Finding("ok", "reachable", "a", "It answers.")]
    ill = [*well, Finding("wrong", "clock", "b", "Its clock is off.", "You compare both clocks.")]
    for found, code in ((well, 0), (ill, 1)):
        monkeypatch.setattr(doctoring, "examined", lambda data, *, clock, found=found: found)
        assert doctoring.run(Namespace(data=tmp_path, json=True)) == code
        said = json.loads(capsys.readouterr().out)
        assert said["ok"] is (code == 0)
        assert msgspec.convert(said["findings"], list[Finding]) == found
        assert doctoring.run(Namespace(data=tmp_path, json=False)) == code
        assert ("→ You compare both clocks." in capsys.readouterr().out) is (code == 1)
    monkeypatch.undo()
    assert main(["exchange", "doctor", "--data", str(tmp_path)]) == 2
    assert "No gateway has run" in capsys.readouterr().err
    with pytest.raises(Invalid):
        examined(tmp_path, clock=lambda: 0.0)  # type: ignore[arg-type,return-value]
