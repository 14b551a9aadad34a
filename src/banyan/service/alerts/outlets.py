"""The channels that reach people, and the sinks that exercises and tests go to instead.

`Outlets` is the only way to a transport: it takes an `Actual` (or, of the sinks, a `Drill`) and nothing else, and makes
the packet from it. What a channel does with the same packet twice is the same as once: `key` names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

import msgspec

from banyan.service.alerts import texts
from banyan.service.alerts.actual import Actual, Drill, NotActual
from banyan.service.alerts.model import LANGUAGES, Area, Channel, Content, Kind, Language, Level, Status, Version


class Told(msgspec.Struct, frozen=True):
    """What a transport did: `reached` of `total` cells or numbers; `waiting`: it took it and is not done, ask again."""

    state: Literal["sent", "partly", "waiting", "failed"]
    reached: int = 0
    total: int = 0
    note: str = ""


class Setting(msgspec.Struct, frozen=True):
    """What of an alert is not in it: what its agency is called, where its page is, its cell broadcast code."""

    agency: Mapping[str, str]
    address: str
    code: int


class Packet(msgspec.Struct, frozen=True):
    """One message as a transport gets it: whole texts, where to, and what it replaces (`before`: numbers of the earlier
    messages of the chain, newest last)."""

    alert: str
    number: int
    kind: Kind
    status: Status
    level: Level
    sent: float
    content: Content
    areas: tuple[Area, ...]
    before: tuple[int, ...]
    earlier: tuple[Content, ...]
    code: int
    spoken: Mapping[Language, str]
    sms: Mapping[Language, texts.Sent]
    chat: Mapping[Language, str]

    @property
    def key(self) -> str:
        """Names this message to whatever must not repeat it."""
        return f"{self.alert}.{self.number}"


class Plan(msgspec.Struct, frozen=True):
    """How many a message would reach before it is released: cells, numbers; `note` what cannot be said."""

    total: int
    note: str = ""


class Transport(Protocol):
    """One channel. Raises Problem or OSError when it could not; it is tried again."""

    async def send(self, packet: Packet) -> Told: ...
    async def plan(self, areas: tuple[Area, ...]) -> Plan: ...


class Outlets:
    """Transports by channel. `web` needs none: the page and the feeds read the alert itself."""

    def __init__(self, transports: Mapping[Channel, Transport], *, is_for_people: bool) -> None:
        self._transports = dict(transports)
        self.is_for_people = is_for_people

    def has(self, channel: Channel) -> bool:
        return channel in self._transports

    async def send(self, channel: Channel, said: Actual | Drill, setting: Setting) -> Told:
        """Say it on one channel. Raises NotActual for anything that is not this side's."""
        wanted = Actual if self.is_for_people else Drill
        if type(said) is not wanted:
            raise NotActual(f"{type(said).__name__} was given where only {wanted.__name__} may pass")
        return await self._transports[channel].send(packet_of(said, setting))

    async def plan(self, channel: Channel, areas: tuple[Area, ...]) -> Plan:
        """How many it would reach."""
        transport = self._transports.get(channel)
        return Plan(0, "none") if transport is None else await transport.plan(areas)


def packet_of(said: Actual | Drill, setting: Setting) -> Packet:
    """Everything that goes out, made from what was judged just now."""
    version, alert = said.version, said.alert
    earlier = alert.chain[: version.number - 1]
    return Packet(
        alert=alert.id,
        number=version.number,
        kind=version.kind,
        status=version.content.status,
        level=version.content.level,
        sent=version.sent,
        content=version.content,
        areas=version.content.areas,
        before=tuple(one.number for one in earlier),
        earlier=tuple(one.content for one in earlier),
        code=setting.code,
        spoken={lang: texts.spoken(version, lang, setting.agency) for lang in said_in(version)},
        sms={lang: texts.sms(version, lang, setting.agency) for lang in said_in(version)},
        chat={lang: texts.chat(version, lang, setting.agency, setting.address) for lang in said_in(version)},
    )


def said_in(version: Version) -> tuple[Language, ...]:
    """The languages it has words in."""
    return tuple(lang for lang in LANGUAGES if lang in version.content.words)
