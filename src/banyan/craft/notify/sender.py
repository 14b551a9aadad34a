"""The sender: several binds take from one dispatch, each with its rate and window; who is bound sends.

Failover needs no plan: a bind that lost its connection takes nothing, the others take more. Its unanswered messages are
in doubt and come back by `Dispatch.release`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from banyan.craft.notify.dispatch import Dispatch
from banyan.craft.notify.line import BindSettings, Figures, Line
from banyan.craft.notify.outbox import Outbox
from banyan.errors import Invalid


class Sender:
    """All binds of a node."""

    def __init__(self, outbox: Outbox, binds: Sequence[BindSettings], *, jitter: Callable[[], float]) -> None:
        names = [one.name for one in binds]
        if len(set(names)) != len(names):
            raise Invalid.at("sms.binds", "each bind has a name of its own")
        self.dispatch = Dispatch(outbox)
        self._lines = [Line(one, self.dispatch, jitter=jitter) for one in binds]

    @property
    def figures(self) -> list[Figures]:
        """What each bind did since the start."""
        return [line.figures for line in self._lines]

    async def run(self) -> None:
        """Send until cancelled. The outbox is open."""
        await self.dispatch.restore()
        async with asyncio.TaskGroup() as group:
            for line in self._lines:
                group.create_task(line.run())
