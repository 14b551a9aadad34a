"""Transports: the cell broadcast centre, the SMS notifier, and chats. They know packets, and nothing of who may send.

Each is given what is the node's own by the composition root: the centre with its cell table, the notifier with the
numbers that an operator finds in an area, the post of a chat.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, Protocol
from uuid import NAMESPACE_URL, uuid5

import msgspec

from banyan.craft.cells.model import CellTable
from banyan.craft.cells.reached import cells_reached
from banyan.craft.notify.cells.model import Broadcast, CellBroadcaster, Stage
from banyan.craft.notify.cells.model import Status as Standing
from banyan.craft.notify.model import Accepted, Lane, Message, Progress
from banyan.errors import NotFound, Unavailable
from banyan.limits_alerts import ALERT_CELLS, ALERT_SMS_SLICE
from banyan.service.alerts import cellular, places
from banyan.service.alerts.model import Area, Language
from banyan.service.alerts.outlets import Packet, Plan, Told

UP: Final = (Stage.SENDING, Stage.ON_AIR, Stage.PARTLY)


class Numbers(Protocol):
    """Telephones in an area, as their operator knows them; we keep none."""

    def count(self, areas: tuple[Area, ...]) -> int: ...
    def of(self, areas: tuple[Area, ...]) -> Iterable[tuple[str, Language]]: ...


class SmsSender(Protocol):
    """What of the node's `Notifier` this needs."""

    async def accept(self, messages: Iterable[Message]) -> Accepted: ...
    async def progress(self, campaign: str) -> Progress | None: ...
    async def stop(self, campaign: str) -> int: ...


def cells_of(table: CellTable, areas: tuple[Area, ...]) -> tuple[str, ...]:
    """Cells whose coverage reaches into any of the areas, in the table's order."""
    return cells_reached(table, filter(None, map(places.shape_of, areas)), ALERT_CELLS)


class Cells:
    """Cell broadcast: put on the air, replaced by an update, killed by a cancel whose own words then go out."""

    def __init__(self, centre: CellBroadcaster, table: Callable[[], CellTable]) -> None:
        self._centre, self._table = centre, table

    async def plan(self, areas: tuple[Area, ...]) -> Plan:
        cells = await asyncio.to_thread(cells_of, self._table(), areas)
        return Plan(len(cells), "" if cells else "no_cells")

    async def send(self, packet: Packet) -> Told:
        """The same packet again is the same broadcast, which phones show once (by identifier and serial number)."""
        cells = await asyncio.to_thread(cells_of, self._table(), packet.areas)
        if not cells:
            return Told("failed", note="no_cells")
        standing = []
        for made in cellular.broadcasts(packet, cells):
            is_next = made.replaces is not None and await self._is_up(made.message_id, made.replaces)
            if not is_next:
                await self._kill_before(packet)
            standing.append(await self._write(made if is_next else msgspec.structs.replace(made, replaces=None)))
        return _told(standing, len(cells))

    async def _is_up(self, message_id: int, serial: int) -> bool:
        try:
            return (await self._centre.status(message_id, serial)).stage in UP
        except NotFound:
            return False

    async def _write(self, broadcast: Broadcast) -> Standing:
        try:
            return await self._centre.status(broadcast.message_id, broadcast.serial)  # it has it already
        except NotFound:
            return await self._centre.write_replace(broadcast)

    async def _kill_before(self, packet: Packet) -> None:
        """An earlier one of another class cannot be replaced: it ends."""
        for lang in packet.spoken:
            before = cellular.earlier(packet, lang)
            if before is not None:
                try:
                    await self._centre.kill(*before)
                except NotFound:
                    continue


class Sms:
    """SMS to the numbers in the areas: one campaign a message, so that nobody has one twice."""

    def __init__(self, notifier: SmsSender, numbers: Numbers) -> None:
        self._notifier, self._numbers = notifier, numbers

    async def plan(self, areas: tuple[Area, ...]) -> Plan:
        return Plan(await asyncio.to_thread(self._numbers.count, areas))

    async def send(self, packet: Packet) -> Told:
        """Stops what waits of the earlier messages first."""
        for number in packet.before:
            try:
                await self._notifier.stop(campaign_of(packet.alert, number))
            except NotFound:
                continue
        campaign = campaign_of(packet.alert, packet.number)
        expires = 0.0 if packet.kind == "Cancel" else packet.content.expires
        numbers = await asyncio.to_thread(lambda: dict(self._numbers.of(packet.areas)))
        known = await self._notifier.progress(campaign)
        if known is not None and known.total >= len(numbers):
            return _counted(known)  # asked again whether it is done: all of them were taken
        for part in _slices(list(numbers.items()), ALERT_SMS_SLICE):
            messages = [
                Message(campaign=campaign, to=to, text=_sms(packet, lang), lane=Lane.ALERT, lang=lang, expires=expires)
                for to, lang in part
            ]
            await self._notifier.accept(messages)
        progress = await self._notifier.progress(campaign)
        if progress is None:
            return Told("sent", 0, 0, "no_numbers")
        return _counted(progress)


class Chat:
    """A chat's broadcast to everybody who follows it: `post(retry_key, texts)`, which repeats no key."""

    def __init__(self, post: Callable[[str, tuple[str, ...]], Awaitable[int]], followers: Callable[[], int]) -> None:
        self._post, self._followers = post, followers

    async def plan(self, areas: tuple[Area, ...]) -> Plan:
        return Plan(self._followers(), "everywhere")

    async def send(self, packet: Packet) -> Told:
        """LINE keeps a retry key for a day and sends no second time under it (409: it was taken before)."""
        status = await self._post(str(uuid5(NAMESPACE_URL, f"banyan:alert:{packet.key}")), tuple(packet.chat.values()))
        if 200 <= status < 300 or status == 409:
            return Told("sent", self._followers(), self._followers())
        raise Unavailable(f"the chat answered {status}", remedy="it is tried again")


def _counted(progress: Progress) -> Told:
    """What the SMS centre took counts as reached: a phone that is off gets it within its time."""
    reached = progress.sent + progress.delivered
    if progress.left:
        return Told("waiting", reached, progress.total)
    if reached == progress.total:
        return Told("sent", reached, progress.total)
    return Told("partly" if reached else "failed", reached, progress.total, "numbers_failed")


def campaign_of(alert: str, number: int) -> str:
    return f"alerts/{alert}/{number}"


def _sms(packet: Packet, lang: Language) -> str:
    return packet.sms.get(lang, packet.sms["zh-Hant"]).text


def _told(standing: list[Standing], total: int) -> Told:
    """Of all languages the fewest cells: who has one only has not been told in the other."""
    reached = min(total if one.is_every_cell_of else len(one.acknowledged) for one in standing)
    if any(one.stage is Stage.SENDING or one.waiting for one in standing):
        return Told("waiting", reached, total)
    if reached >= total:
        return Told("sent", reached, total)
    causes = sorted({failure.cause for one in standing for failure in one.failed})
    note = ", ".join(causes)[:200] or ("unreachable" if any(one.unreachable for one in standing) else "")
    return Told("partly" if reached else "failed", reached, total, note)


def _slices(numbers: list[tuple[str, Language]], size: int) -> Iterable[list[tuple[str, Language]]]:
    return (numbers[at : at + size] for at in range(0, len(numbers), size))


__all__ = ["Cells", "Chat", "Numbers", "Sms", "SmsSender", "campaign_of", "cells_of"]
