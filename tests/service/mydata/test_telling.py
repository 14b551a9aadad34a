"""A recipient's app that listens on loopback is told of endings: signed, with the deadline, until it takes the word."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from joserfc import jws
from joserfc.jwk import KeySet
from tests.service.mydata.house import BANK, ONLY, WANG, House, in_a_house
from tests.service.mydata.test_apps import APP
from tests.service.mydata.test_closing import attend, given

from banyan.errors import Invalid
from banyan.kernel.events import outbox
from banyan.kernel.exchange import Refused
from banyan.kernel.identity.openid.discovery import jwks
from banyan.limits_mydata import MYDATA_DELETE_DAYS, MYDATA_ENDPOINT_CHARS
from banyan.pushing import pusher
from banyan.service.mydata.telling import EVENT
from banyan.settings import Fetch

INSIDE = msgspec.structs.replace(ONLY, fetch=Fetch(allow_private=True))


class Ear:
    """What came to the app: (head, body) of each request; it answers with the statuses given, then 202."""

    def __init__(self, *statuses: int) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.statuses = list(statuses)
        self.url = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(int(line[15:]) for line in head.lower().split("\r\n") if line.startswith("content-length:"))
        self.heard.append((head, await reader.readexactly(length)))
        status = self.statuses.pop(0) if self.statuses else 202
        location = "Location: http://127.0.0.1:1/\r\n" if status == 302 else ""
        writer.write(f"HTTP/1.1 {status} X\r\n{location}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()


@asynccontextmanager
async def an_ear(*statuses: int) -> AsyncIterator[Ear]:
    ear = Ear(*statuses)
    async with await asyncio.start_server(ear.answer, "127.0.0.1", 0) as server:
        ear.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/told"
        yield ear


async def opened(house: House, token: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """The token's header and claims, its signature checked by the node's published keys."""
    provider = house.node.persons
    published = msgspec.to_builtins(await jwks(provider))
    keys = KeySet.import_key_set(published)
    checked = jws.deserialize_compact(token.decode(), keys, algorithms=["ES256"])
    return dict(checked.headers()), msgspec.json.decode(checked.payload)


def test_an_ending_is_pushed_signed_with_its_deadline_and_once() -> None:
    async def story(house: House) -> None:
        async with an_ear() as ear:
            await house.call("mydata.listen", BANK, url=ear.url)
            id = await given(house)
            await attend(house)
            assert ear.heard == []
            await house.call("mydata.withdraw", house.citizen(WANG), consent=id)
            await attend(house)
            await attend(house)
            ((head, token),) = ear.heard
            assert head.startswith("POST /told HTTP/1.1")
            assert "content-type: application/secevent+jwt" in head.lower()
            header, claims = await opened(house, token)
            assert (header["typ"], header["alg"]) == ("secevent+jwt", "ES256")
            (pulled,) = await house.call("mydata.endings", APP)
            assert claims["events"] == {EVENT: {
                "consent": id, "purpose": "loan-1", "state": "withdrawn",
                "ended_at": pulled.ended_at, "delete_by": pulled.delete_by,
            }}  # fmt: skip
            assert (claims["aud"], claims["jti"], claims["iat"]) == (
                "TW/COM/BANK",
                f"{id}.withdrawn",
                int(house.now[0]),
            )
            assert "sub" not in claims, "nothing of the person"
            assert house.citizen(WANG).subject not in token.decode()
            assert MYDATA_DELETE_DAYS == 30

    in_a_house(story, settings=INSIDE)


@pytest.mark.parametrize("status", [500, 400, 302])
def test_what_was_not_taken_is_told_again_later(status: int) -> None:
    async def story(house: House) -> None:
        async with an_ear(status) as ear:
            await house.call("mydata.listen", BANK, url=ear.url)
            id = await given(house)
            await house.call("mydata.withdraw", house.citizen(WANG), consent=id)
            await attend(house)
            assert len(ear.heard) == 1, "no redirect is followed"
            await attend(house)
            assert len(ear.heard) == 1, "it waits"
            house.now[0] += 2
            await attend(house)
            (_, first), (_, second) = ear.heard
            assert (await opened(house, first))[1]["jti"] == (await opened(house, second))[1]["jti"]
            house.now[0] += 3_600
            await attend(house)
            assert len(ear.heard) == 2
            assert await house.node.drawers["mydata"].sql.read(outbox.next_due) is None

    in_a_house(story, settings=INSIDE)


def test_who_does_not_listen_or_not_any_more_only_pulls() -> None:
    async def story(house: House) -> None:
        async with an_ear() as ear:
            await house.call("mydata.listen", BANK, url=ear.url)
            assert (await house.call("mydata.listen", BANK)).url == ""
            id = await given(house)
            await house.call("mydata.withdraw", house.citizen(WANG), consent=id)
            await attend(house)
            assert ear.heard == []
            assert len(await house.call("mydata.endings", APP)) == 1

    in_a_house(story, settings=INSIDE)


def test_only_an_officer_names_the_address_and_only_a_fit_one() -> None:
    async def story(house: House) -> None:
        with pytest.raises(Refused):
            await house.call("mydata.listen", APP, url="https://bank.example/told")
        for bad in (
            "http://bank.example/told",
            "https://u:p@bank.example/",
            "ftp://bank.example",
            "https://",
            "https://x/#f",
        ):
            with pytest.raises(Invalid):
                await house.call("mydata.listen", BANK, url=bad)
        assert len("https://bank.example/told") < MYDATA_ENDPOINT_CHARS
        assert (await house.call("mydata.listen", BANK, url="https://bank.example/told")).recipient == "TW/COM/BANK"

    in_a_house(story)


def test_an_address_inside_our_own_walls_is_not_asked() -> None:
    async def run() -> None:
        async with an_ear() as ear:
            assert await pusher(allow_private=False)(ear.url, b"x") == 0
            assert ear.heard == []
            assert await pusher(allow_private=True)(ear.url, b"x") == 202
            assert len(ear.heard) == 1

    asyncio.run(run())
