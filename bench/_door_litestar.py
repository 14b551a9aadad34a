"""Litestar's side of bench/door.py, with msgspec structs (its fastest documented way), uvloop."""

import sys
from typing import Annotated

import msgspec
import uvicorn
from litestar import Litestar, Router, get, post
from litestar.params import Parameter

Short = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class Small(msgspec.Struct):
    id: int
    name: str
    verbose: bool


class Form(msgspec.Struct, forbid_unknown_fields=True):
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


class Kept(msgspec.Struct):
    name: str
    total: int


class Row(msgspec.Struct):
    id: str
    name: str
    address: str
    phone: str
    adult: int
    child: int
    lon: float
    lat: float
    updated: str


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


def build(routes: int) -> Litestar:
    routers = []
    for number in range(routes // 12):
        handlers = []
        for extra in range(9):

            @get(f"/other{extra}/{{id:int}}")
            async def other(id: Annotated[int, Parameter(ge=1)], verbose: bool = False) -> Small:
                return Small(id, "other", verbose)

            handlers.append(other)

        @get("/item/{id:int}")
        async def item(id: Annotated[int, Parameter(ge=1)], verbose: bool = False) -> Small:
            return Small(id, "健保藥局", verbose)

        @post("/save", status_code=200)
        async def save(data: Form) -> Kept:
            return Kept(data.name, data.adult + data.child)

        @get("/list")
        async def rows() -> list[Row]:
            return ROWS

        routers.append(Router(path=f"/api/s{number}", route_handlers=[*handlers, item, save, rows]))
    return Litestar(routers, openapi_config=None)


if __name__ == "__main__":
    uvicorn.run(
        build(int(sys.argv[2])), port=int(sys.argv[1]), loop="uvloop", http="httptools", log_level="error",
        access_log=False,
    )  # fmt: skip
