"""Our side of bench/door.py: a whole node (drawers, gate, policy, rates, access record) on its own server settings."""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import msgspec
import uvicorn

from banyan.kernel.catalogue import Catalogue, Context, Service
from banyan.kernel.events import system_clock
from banyan.kernel.exchange import DoorSettings, Gate, build_door
from banyan.kernel.exchange.gate import emit_to_feeds
from banyan.kernel.exchange.record import AccessRecord, LogFile
from banyan.kernel.exchange.server import server_config
from banyan.kernel.exchange.token import holder_of
from banyan.kernel.storage import close_drawer, open_drawer

Short = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class Ask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: Annotated[int, msgspec.Meta(ge=1)]
    verbose: bool = False


class Small(msgspec.Struct, frozen=True):
    id: int
    name: str
    verbose: bool


class Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Short
    address: Short
    phone: Short
    county: Short
    town: Short
    adult: Count
    child: Count
    lon: Annotated[float, msgspec.Meta(ge=-180, le=180)]
    lat: Annotated[float, msgspec.Meta(ge=-90, le=90)]
    tags: Annotated[list[Short], msgspec.Meta(max_length=10)]


class Kept(msgspec.Struct, frozen=True):
    name: str
    total: int


class Row(msgspec.Struct, frozen=True):
    id: str
    name: str
    address: str
    phone: str
    adult: int
    child: int
    lon: float
    lat: float
    updated: str


class All(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


ROWS = [
    Row(
        f"592202A{n:03d}",
        f"健保藥局第{n}號門市",
        f"花蓮縣花蓮市中山路{n}號之一二三樓",
        f"(03)83581{n:02d}",
        n * 3,
        n * 2,
        121.6 + n / 1000,
        23.9 + n / 1000,
        "2020/02/14 08:55:00",
    )
    for n in range(50)
]


def service(number: int, routes: int) -> Service:
    """`routes` operations; the three measured are declared last."""
    name = f"s{number}"
    made = Service(name, title={"zh-Hant": name, "en": name}, package="tests.kernel.exchange")
    text = {"zh-Hant": "量測", "en": "Measure"}

    def declare(operation: str, **options: object):
        return made.operation(operation, title=text, summary=text, data=("open",), audience="public", **options)

    for extra in range(routes - 3):

        @declare(f"other{extra}", path=f"/api/{name}/other{extra}/{{id}}")
        async def other(ctx: Context, request: Ask) -> Small:
            return Small(request.id, "other", request.verbose)

    @declare("item", path=f"/api/{name}/item/{{id}}")
    async def item(ctx: Context, request: Ask) -> Small:
        return Small(request.id, "健保藥局", request.verbose)

    @declare("save", effect="write", purpose="public-intake")
    async def save(ctx: Context, request: Form) -> Kept:
        return Kept(request.name, request.adult + request.child)

    @declare("list")
    async def rows(ctx: Context, request: All) -> list[Row]:
        return ROWS

    return made


async def main(port: int, routes: int) -> None:
    services = [service(number, 12) for number in range(routes // 12)]
    with tempfile.TemporaryDirectory() as folder:
        drawers = {
            made.name: open_drawer(
                Path(folder) / made.name, service=made.name, package=made.package, clock=system_clock
            )
            for made in services
        }
        catalogue = Catalogue(services)
        log = LogFile(Path(folder) / "access.jsonl")
        gate = Gate(
            catalogue, drawers, clock=system_clock, emit=emit_to_feeds(drawers, system_clock), log=lambda *_: None
        )
        app = build_door(
            catalogue,
            gate,
            identify=holder_of("token"),
            settings=DoorSettings(secret=b"0" * 32, work=Path(folder), rate_scale=1e6),
            log=lambda *_: None,
            record=AccessRecord(log.write),
        )
        await uvicorn.Server(server_config(app, port=port)).serve()
        for drawer in drawers.values():
            await close_drawer(drawer)


if __name__ == "__main__":
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(int(sys.argv[1]), int(sys.argv[2])))
