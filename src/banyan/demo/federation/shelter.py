"""The city (縣市政府) of the demonstration nation: room in its shelters. Open data."""

from __future__ import annotations

from functools import lru_cache
from random import Random
from typing import Annotated, Final

import msgspec

from banyan.demo.agencies.asking import called
from banyan.demo.outlets import SEED
from banyan.demo.places import TOWNS, scatter
from banyan.kernel.catalogue import Context, Service
from banyan.kernel.catalogue.operation import OPEN

KINDS: Final = ("國小", "國中", "活動中心", "體育館")
MOST: Final = 200
SHELTER: Final = Service(
    "shelter", title={"zh-Hant": "避難收容（示範）", "en": "Shelters (demo)"}, package="banyan.demo.agencies"
)


class Shelter(msgspec.Struct, frozen=True):
    """A shelter (WGS84 degrees): places in all and free, and whether wheelchairs get in."""

    name: str
    town: str
    lon: float
    lat: float
    places: int
    free: int
    is_step_free: bool


class ShelterQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`town` empty: everywhere; `free` at least as many."""

    town: Annotated[str, msgspec.Meta(max_length=20), called("town")] = ""
    free: Annotated[int, msgspec.Meta(ge=0, le=10_000), called("free")] = 0


class Shelters(msgspec.Struct, frozen=True):
    shelters: tuple[Shelter, ...]


@SHELTER.operation(
    "capacity",
    title={"zh-Hant": "避難收容處所容量", "en": "Room in shelters"},
    summary={"zh-Hant": "各收容處所的總床位與空位。", "en": "Places in all and free, by shelter."},
    data=OPEN,
    audience="public",
)
async def capacity(ctx: Context, request: ShelterQuery) -> Shelters:
    found = (one for one in shelters() if one.free >= request.free and request.town in one.town)
    return Shelters(tuple(found)[:MOST])


@lru_cache(maxsize=1)
def shelters() -> tuple[Shelter, ...]:
    """The same for the same seed."""
    random = Random(f"{SEED}-shelters")  # noqa: S311 - invented data
    found = []
    for town in TOWNS:
        for kind in KINDS:
            lon, lat = scatter(random, town)
            places = random.randrange(40, 800, 20)
            found.append(
                Shelter(
                    f"{town.name[:-1]}{kind}（示範）", f"{town.county}{town.name}", round(lon, 4), round(lat, 4),
                    places, random.randint(0, places), random.random() < 0.6,
                )
            )  # fmt: skip
    return tuple(found)
