"""Foreign SMSCs take our messages and their receipts are met; a foreign sender is served by our simulator."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.craft.notify.tools import a_bind, a_simulator, an_outbox, number, run, sending, some, until

from banyan.craft.notify.phones import Phones
from banyan.craft.notify.session import Account, connect
from banyan.wire.smpp.codes import Command, MessageState, Tag
from banyan.wire.smpp.pdu import Address, Bind, Pdu, Queried, Query, Short, Taken, decode, encode

ROOT = Path(__file__).parents[3]
PYTHON = ROOT / ".venv-peers/bin/python"
PEERS = Path(__file__).with_name("peers")
pytestmark = pytest.mark.peers
LONG = "疫情指揮中心通知：請自主健康管理十四日。" * 5


def needs(*found: object) -> None:
    if not all(found):
        pytest.skip("the peers are not installed: ./tools/peers, npm ci in tests/craft/notify/peers")


@asynccontextmanager
async def a_peer(kind: str) -> AsyncIterator[tuple[int, asyncio.subprocess.Process]]:
    if kind == "smpp34":
        needs(PYTHON.exists())
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [str(PYTHON), str(PEERS / "smpp34_server.py"), str(port), "receipts"]
    else:
        needs(shutil.which("node"), (PEERS / "node_modules/smpp").exists())
        command = ["node", str(PEERS / "npm_server.mjs"), "receipts"]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    try:
        assert process.stdout is not None
        word, port_said = (await process.stdout.readline()).split()
        assert word == b"ready"
        yield int(port_said), process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.parametrize("kind", ["smpp34", "npm"])
@run
async def test_a_foreign_smsc_takes_short_and_long_texts_and_its_receipts_are_met(kind: str, tmp_path: Path) -> None:
    async with a_peer(kind) as (port, process), an_outbox(tmp_path) as outbox:
        await outbox.accept(some("fence/1", range(20)))
        await outbox.accept(some("trace/1", range(3), text=LONG))

        async def delivered() -> bool:
            found = [await outbox.progress(one) for one in ("fence/1", "trace/1")]
            return [one.delivered for one in found if one] == [20, 3]

        async with sending(outbox, a_bind(port)):
            await until(delivered)
        said, _ = await process.communicate(b"")
        report = json.loads(said)
    assert report["count"] == 20 + 3 * 2
    assert {one[0] for one in report["got"]} == {number(one)[1:] for one in range(20)}
    if kind == "smpp34":
        phones = Phones()
        for to, text, coding, kind_of in report["got"]:
            short = Short(source=Address("1922"), text=bytes.fromhex(text), data_coding=coding, esm_class=kind_of)
            phones.take(f"+{to}", short, 0.0)
        assert {one.text for one in phones.newest} == {"您在家嗎？請回覆1", LONG}
        assert phones.count == 23
    else:  # it decodes by itself
        whole = [one[1] for one in report["got"] if not one[4]]
        assert set(whole) == {"您在家嗎？請回覆1"}
        assert sum(1 for one in report["got"] if one[4]) == 6


@run
async def test_a_foreign_sender_is_served_by_our_simulator(tmp_path: Path) -> None:
    needs(PYTHON.exists())
    async with a_simulator() as smsc:
        process = await asyncio.create_subprocess_exec(
            str(PYTHON), str(PEERS / "smpplib_esme.py"), str(smsc.port), "secret", stdout=asyncio.subprocess.PIPE
        )
        said, _ = await process.communicate()
    report = json.loads(said)
    assert report["ids"] == ["1", "2", "3"]
    assert [one.split()[0] for one in report["receipts"]] == ["id:1", "id:2", "id:3"]
    assert [one.text for one in smsc.phones.newest] == ["hello", "疫情指揮中心" * 15]


@run
async def test_smpplib_writes_what_we_read_and_reads_what_we_write() -> None:
    needs(PYTHON.exists())
    ours = [
        Pdu(
            Command.SUBMIT_SM,
            7,
            Short(
                source=Address("1922", 3, 0),
                destination=Address("886912345678", 1, 1),
                text="榕樹".encode("utf-16-be"),
                data_coding=8,
                tlvs=((int(Tag.USER_MESSAGE_REFERENCE), b"\x02\x01"),),
            ),
        ),
        Pdu(Command.SUBMIT_SM_RESP, 8, Taken("12ab")),
        Pdu(Command.SUBMIT_SM_RESP, 9, Taken(), 0x58),
        Pdu(Command.QUERY_SM_RESP, 10, Queried("12ab", "", MessageState.DELIVERED, 0)),
        Pdu(Command.DELIVER_SM, 11, Short(source=Address("886912345678", 1, 1), text=b"id:1", esm_class=4)),
        Pdu(Command.ENQUIRE_LINK, 12),
    ]
    lines = "\n".join(encode(one).hex() for one in ours)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(str(PYTHON), str(PEERS / "smpplib_pdus.py"), stdin=pipe, stdout=pipe)
    said, _ = await process.communicate(lines.encode())
    report = json.loads(said)
    read = report["read"]
    assert [(one["command"], one["sequence"], one["status"]) for one in read] == [
        ("submit_sm", 7, 0),
        ("submit_sm_resp", 8, 0),
        ("submit_sm_resp", 9, 0x58),
        ("query_sm_resp", 10, 0),
        ("deliver_sm", 11, 0),
        ("enquire_link", 12, 0),
    ]
    assert bytes.fromhex(read[0]["short_message"]).decode("utf-16-be") == "榕樹"
    assert bytes.fromhex(read[0]["destination_addr"]) == b"886912345678"
    assert (bytes.fromhex(read[1]["message_id"]), read[3]["message_state"]) == (b"12ab", 2)
    theirs = {name: decode(bytes.fromhex(octets)) for name, octets in report["written"].items()}
    assert theirs["bind_transceiver"].body == Bind("banyan", "secret", "VMS")
    submit = theirs["submit_sm"].body
    assert isinstance(submit, Short)
    assert (submit.source, submit.destination) == (Address("1922", 3, 0), Address("886912345678", 1, 1))
    assert submit.text.decode("utf-16-be") == "榕樹"
    assert submit.tlvs == ((int(Tag.USER_MESSAGE_REFERENCE), b"\x02\x01"),)
    assert theirs["query_sm"].body == Query("12ab", Address("1922", 0, 0))
    assert theirs["unbind"].command == Command.UNBIND


@run
async def test_a_foreign_smsc_that_closes_on_unbind_ends_the_session() -> None:
    async with a_peer("smpp34") as (port, _):
        session = await connect(Account("127.0.0.1", port, "banyan", "secret"), lambda pdu: None)
        await session.unbind()
        await session.lost.wait()
