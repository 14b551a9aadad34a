"""The phones that the demonstration's warnings reach by SMS: behind the node's own sender, or (drills) in memory.

What a phone shows is what arrived there: of the public's, by SMPP at the simulated SMS centre.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol

import msgspec

from banyan.craft.notify.memory import MemoryNotifier
from banyan.craft.notify.model import Accepted, Message, Notifier, Progress, State
from banyan.craft.notify.simulator import Simulator
from banyan.service.alerts.sending import SmsSender

TEXTS: Final = 400
"""Texts that are remembered as warnings, the newest."""


class OnScreen(msgspec.Struct, frozen=True):
    """One text and how many phones have it."""

    lang: str
    text: str
    count: int


class Handsets(SmsSender, Protocol):
    """One network's phones: what sends to them, and what they show, the newest first."""

    def shown(self) -> Iterable[OnScreen]: ...


class Sink(MemoryNotifier):
    """An SMS centre for drills, whose messages arrive at once. Nobody carries its phones."""

    async def accept(self, messages: Iterable[Message]) -> Accepted:
        taken = list(messages)
        said = await super().accept(taken)
        for one in taken:
            self.deliver(one.campaign, one.to, State.DELIVERED)
        return said

    def shown(self) -> Iterable[OnScreen]:
        for campaign in reversed(self._campaigns):
            counts: dict[tuple[str, str], int] = {}
            for message in self.sent(campaign):
                key = (message.lang, message.text)
                counts[key] = counts.get(key, 0) + 1
            yield from (OnScreen(lang, text, count) for (lang, text), count in counts.items())


class Sent:
    """The node's own sender. Its simulated centre has messages of the fence and of tracing too, which are between the
    agency and a person: only texts that were given here are shown, and only where they arrived."""

    def __init__(self, outbox: Notifier, simulator: Simulator) -> None:
        self._outbox, self._phones = outbox, simulator.phones
        self._given: dict[str, str] = {}

    async def accept(self, messages: Iterable[Message]) -> Accepted:
        taken = list(messages)
        for one in taken:
            self._given.setdefault(one.text, one.lang)
        while len(self._given) > TEXTS:
            del self._given[next(iter(self._given))]
        return await self._outbox.accept(taken)

    async def progress(self, campaign: str) -> Progress | None:
        return await self._outbox.progress(campaign)

    async def stop(self, campaign: str) -> int:
        return await self._outbox.stop(campaign)

    def shown(self) -> Iterable[OnScreen]:
        for text, lang in reversed(self._given.items()):
            count = self._phones.texts.get(text, 0)
            if count:
                yield OnScreen(lang, text, count)
