"""What gateways of a member say to each other, and what each needs of who keeps the acts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Final, Protocol

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.siblings.sealed import Sealed
from banyan.limits_road import SIBLINGS_OFFERS, SIBLINGS_PAGE_ACTS

PATH: Final = "/siblings/acts"
BEHIND_PATH: Final = "/siblings/behind"
Name = Annotated[str, msgspec.Meta(max_length=1_024)]
Place = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Told = Annotated[tuple[Sealed, ...], msgspec.Meta(max_length=SIBLINGS_PAGE_ACTS)]
Offered = Annotated[dict[Name, Name], msgspec.Meta(max_length=SIBLINGS_OFFERS)]
"""Service -> a digest of how it is offered."""


class Question(msgspec.Struct, frozen=True):
    """`acts`: what the sibling may lack. `start`: the place in its list to go on from, in the `epoch` that it said;
    `has`: up to which all is held here, less where something was not taken. `digest`: over all that is held here."""

    member: Name
    epoch: Name
    start: Place
    digest: Name
    acts: Told = ()
    offers: Offered = {}
    has: Place = 0


class Answer(msgspec.Struct, frozen=True):
    """`epoch`: made anew at each start, since a folder may come back from a backup. `refused`: names of acts that were
    not taken. `acts` follow `start` (0 in another epoch), `places` are theirs; `last`: the list's end."""

    epoch: Name
    digest: Name
    last: Place
    refused: Annotated[tuple[Name, ...], msgspec.Meta(max_length=SIBLINGS_PAGE_ACTS)] = ()
    acts: Told = ()
    places: Annotated[tuple[Place, ...], msgspec.Meta(max_length=SIBLINGS_PAGE_ACTS)] = ()
    offers: Offered = {}


class Level(msgspec.Struct, frozen=True):
    """`last`: the place of the newest act of a member; `digest`: equal where the same acts are held."""

    last: int
    digest: str


class Heard(msgspec.Struct, frozen=True):
    """Up to which place a sibling has all, in which epoch of it."""

    epoch: str = ""
    place: int = 0


class Unheard(msgspec.Struct, frozen=True):
    """Acts behind a place, the ends of grants among them, and when the first was kept here."""

    acts: int = 0
    ended: int = 0
    since: EpochS = EpochS(0)


class Behind(msgspec.Struct, frozen=True):
    """A sibling that has not heard of all; `why`: in a sentence, empty when it was not tried yet. `others`: services
    that it offers otherwise than this gateway."""

    server: str
    member: str
    unheard: Unheard
    why: str = ""
    others: tuple[str, ...] = ()


class Acts(Protocol):
    """Who keeps the acts of this gateway's members. Members and servers by their encoded ids."""

    async def level(self, member: str) -> Level: ...

    async def after(self, member: str, place: int, most: int) -> Sequence[tuple[int, Sealed]]:
        """The next acts with their places, in order."""

    async def known(self, names: Collection[str]) -> Collection[str]:
        """Which of these acts are held."""

    async def take(self, member: str, acts: Sequence[Sealed]) -> Collection[str]:
        """Keep acts whose signatures hold, durable and in force when it returns; the names of those that are not taken,
        for officers of the member cannot have done them."""

    async def heard(self, member: str, server: str) -> Heard: ...

    async def hear(self, member: str, server: str, heard: Heard) -> None: ...

    async def unheard(self, member: str, place: int) -> Unheard: ...


Offers = Mapping[str, str]
