"""One signature for ever, which our judge and a stranger's accept; a changed one has none."""

from __future__ import annotations

import subprocess
from argparse import Namespace
from pathlib import Path

import pytest
from tests.make import NOW, missing
from tests.service.alerts.world import World, in_a_world

from banyan.alert_keys import RENEWED, YEARS, load_signer
from banyan.cap_command import verify_command
from banyan.errors import Invalid
from banyan.kernel.events.clock import EpochS
from banyan.wire.cap import chains, reading, register, signing
from banyan.wire.cap.signing import Seal

ROOT = Path(__file__).parents[3]
PYTHON = ROOT / ".venv-peers/bin/python"
PEER = Path(__file__).parent / "peers/signxml_verify.py"
HTML = {"Accept": "text/html"}


async def a_chain(world: World) -> list[bytes]:
    """Alert, Update and Cancel as anybody fetches them."""
    id = await world.released()
    await world.updated(id, severity="Extreme")
    await world.cancelled(id)
    return [(await world.client.get(f"/alerts/cap/{id}.{number}.xml")).body for number in (1, 2, 3)]


async def the_register(world: World) -> dict[str, bytes]:
    return {name: (await world.client.get(f"/alerts/register/{name}")).body for name in ("senders.toml", "cap-1.pem")}


def test_each_message_of_a_chain_is_signed_by_the_certificate_that_the_public_page_shows() -> None:
    async def story(world: World) -> None:
        documents = await a_chain(world)
        known = register.read(await the_register(world))
        for document in documents:
            seals = signing.verify(document, known)
            assert [(one.seal, one.sender, one.is_relaid) for one in seals] == [(Seal.GOOD, "eoc.gov.example", False)]
            assert reading.judge(document).verdict.is_valid
        stand = chains.standings([reading.read(one) for one in documents], at_s=int(world.now[0]) + 9)
        assert [one.state for one in stand.standings] == [chains.State.CANCELLED] * 2
        spoilt = documents[0].replace("移往高處".encode(), "留在原地".encode())
        assert spoilt != documents[0]
        assert [one.seal for one in signing.verify(spoilt, known)] == [Seal.DIGEST]
        for path in ("/alerts/warrants", "/en/alerts/warrants"):
            assert known.senders[0].fingerprint in (await world.client.get(path, headers=HTML)).text
        assert (await world.client.get("/alerts/register/cap-2.pem")).status == 404
        assert (await world.client.get("/alerts/register/cap-1.key")).status == 404

    in_a_world(story)


def test_a_document_stays_as_it_was_signed_whoever_asks_and_however() -> None:
    async def story(world: World) -> None:
        id = await world.released()
        first = await world.client.get(f"/alerts/cap/{id}.1.xml")
        again = await world.client.get(f"/alerts/cap/{id}.1.xml", headers={"Host": "localhost:1"})
        assert again.body == first.body
        assert again.header("etag") == first.header("etag")
        assert b"<web>https://banyan.example/alerts/" in first.body  # by the setting, never by the request
        drill = await world.released(status="Exercise", contact="119")
        document = (await world.client.get(f"/alerts/cap/{drill}.1.xml")).body
        spoilt = document.replace(b"<status>Exercise<", b"<status>Actual<")
        known = register.read(await the_register(world))
        seals = [signing.verify(one, known)[0].seal for one in (document, spoilt)]
        assert seals == [Seal.GOOD, Seal.DIGEST]

    in_a_world(story)


@pytest.mark.peers
def test_a_strangers_verifier_accepts_the_chain_and_refuses_a_changed_one(tmp_path: Path) -> None:
    if not PYTHON.exists():
        missing("no .venv-peers with signxml")
    made: list[bytes] = []
    files: dict[str, bytes] = {}

    async def story(world: World) -> None:
        made.extend(await a_chain(world))
        files.update(await the_register(world))

    in_a_world(story)
    made.append(made[0].replace(b"Severe", b"Minor"))
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    paths = [tmp_path / f"{number}.cap" for number in range(len(made))]
    for path, content in zip(paths, made, strict=True):
        path.write_bytes(content)
    asked = [PYTHON, PEER, tmp_path / "cap-1.pem", *paths]
    said = subprocess.run(asked, check=True, capture_output=True, text=True, timeout=60).stdout.splitlines()
    assert [line.split()[0] for line in said] == ["good", "good", "good", "refused"]
    assert [verify_command(Namespace(file=path, register=tmp_path)) for path in paths] == [0, 0, 0, 2]


def test_a_key_is_kept_renewed_before_its_end_and_never_taken_for_anothers(tmp_path: Path) -> None:
    made = load_signer(tmp_path, "TW/GOV/CDC", clock=lambda: NOW)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    again = load_signer(tmp_path, "TW/GOV/CDC", clock=lambda: EpochS(NOW + 1))
    assert again.certificates == made.certificates
    late = NOW + 365 * YEARS * 86_400 - RENEWED.total_seconds() + 1
    renewed = load_signer(tmp_path, "TW/GOV/CDC", clock=lambda: EpochS(late))
    assert renewed.certificates[:1] == made.certificates
    assert len(renewed.certificates) == 2
    assert renewed.key.public_key() == renewed.newest.public_key()
    (tmp_path / "cap-2.key").unlink()
    assert len(load_signer(tmp_path, "TW/GOV/CDC", clock=lambda: EpochS(late)).certificates) == 3
    (tmp_path / "cap-3.key").write_bytes((tmp_path / "cap-1.key").read_bytes())
    with pytest.raises(Invalid, match="not its certificate's key"):
        load_signer(tmp_path, "TW/GOV/CDC", clock=lambda: EpochS(late))
