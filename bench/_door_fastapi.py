"""FastAPI's side of bench/door.py, written as its documentation says: pydantic models, typed answers, uvloop."""

import sys
from typing import Annotated

import uvicorn
from fastapi import APIRouter, FastAPI, Path
from pydantic import BaseModel, ConfigDict, Field

Short = Annotated[str, Field(min_length=1, max_length=80)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]


class Small(BaseModel):
    id: int
    name: str
    verbose: bool


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: Short
    address: Short
    phone: Short
    county: Short
    town: Short
    adult: Count
    child: Count
    lon: Annotated[float, Field(ge=-180, le=180)]
    lat: Annotated[float, Field(ge=-90, le=90)]
    tags: Annotated[list[Short], Field(max_length=10)]


class Kept(BaseModel):
    name: str
    total: int


class Row(BaseModel):
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
        id=f"592202A{n:03d}",
        name=f"健保藥局第{n}號門市",
        address=f"花蓮縣花蓮市中山路{n}號之一二三樓",
        phone=f"(03)83581{n:02d}",
        adult=n * 3,
        child=n * 2,
        lon=121.6 + n / 1000,
        lat=23.9 + n / 1000,
        updated="2020/02/14 08:55:00",
    )
    for n in range(50)
]


def build(routes: int) -> FastAPI:
    app = FastAPI()
    for number in range(routes // 12):
        router = APIRouter(prefix=f"/api/s{number}")
        for extra in range(9):

            @router.get(f"/other{extra}/{{id}}")
            async def other(id: Annotated[int, Path(ge=1)], verbose: bool = False) -> Small:
                return Small(id=id, name="other", verbose=verbose)

        @router.get("/item/{id}")
        async def item(id: Annotated[int, Path(ge=1)], verbose: bool = False) -> Small:
            return Small(id=id, name="健保藥局", verbose=verbose)

        @router.post("/save")
        async def save(form: Form) -> Kept:
            return Kept(name=form.name, total=form.adult + form.child)

        @router.get("/list")
        async def rows() -> list[Row]:
            return ROWS

        app.include_router(router)
    return app


if __name__ == "__main__":
    uvicorn.run(
        build(int(sys.argv[2])), port=int(sys.argv[1]), loop="uvloop", http="httptools", log_level="error",
        access_log=False,
    )  # fmt: skip
