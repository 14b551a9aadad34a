"""What stands behind a call of the straight way is more than a service at an address (this node's gate, a room): it is
given the call as the general way gives it, and answers once.
"""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec

from banyan.kernel.exchange.road.model import Answer
from banyan.kernel.exchange.road.spool import Held
from banyan.kernel.exchange.road.straight.asked import BODILESS
from banyan.kernel.exchange.road.straight.forms import STATUS
from banyan.kernel.exchange.road.straight.served import Served
from banyan.limits_road import ROAD_STRAIGHT_BYTES
from banyan.wire.xroad.headers import Field
from banyan.wire.xroad.shapes import names_of

_LENGTH: Final = b"content-length"


class Given(msgspec.Struct, eq=False):
    """One call. Whatever becomes of `task`, it is the only one: the general way awaits it too, when it goes on."""

    served: Served
    task: asyncio.Task[Answer] = msgspec.UNSET  # type: ignore[assignment]

    def ask(self) -> None:
        served = self.served
        lane, provider = served.lane, served.way.desk.around.provider
        asking = provider.ask(lane.offer, served.call(), served.path, Held(served.body), lane.basis)
        self.task = served.connection.works(asking)
        served.leave = self.task.cancel
        self.task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Answer]) -> None:
        served = self.served
        served.connection.worked(task)
        served.ended()
        if task.cancelled():
            served.connection.abort()
            return
        try:
            is_answered = task.exception() is None and self._is_answered(task.result())
        except Exception as defect:  # nothing was logged or written yet: the general way does it
            served.way.desk.report("road: the straight way failed", defect)
            is_answered = False
        if is_answered:
            task.result().body.close()
        else:
            served.hand_over(self._again)

    async def _again(self) -> Answer:
        answer = await self.task
        self.served.way.answers.learn(_fields_of(answer))
        return answer

    def _is_answered(self, answer: Answer) -> bool:
        """Whether it is of a known form; then all is done."""
        fields, size = _fields_of(answer), answer.body.size
        lines = b"".join([b"%b: %b\r\n" % field for field in fields])
        found = self.served.way.answers.find(b"HTTP/1.1 %d %b\r\n%b\r\n" % (answer.status, answer.reason, lines))
        if found is None or size > ROAD_STRAIGHT_BYTES:
            return False
        plan, match = found
        row = match.groups()
        if plan.form.names != names_of(fields) or int(row[plan.length]) != size or row[STATUS] in BODILESS:
            return False
        self.served.answer(plan, row, answer.body.whole(size))
        return True


def _fields_of(answer: Answer) -> tuple[Field, ...]:
    """With its length, as a service at an address says it."""
    if any(name.lower() == _LENGTH for name, _ in answer.fields):
        return answer.fields
    return (*answer.fields, (_LENGTH, b"%d" % answer.body.size))
