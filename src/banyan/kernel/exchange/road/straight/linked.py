"""The service behind a call of the straight way, asked over an idle link; before that, what must be done first."""

from __future__ import annotations

import asyncio

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.road.behind import HttpProvider, Plain, answer_of
from banyan.kernel.exchange.road.head import BadHttp
from banyan.kernel.exchange.road.link import Came, Link
from banyan.kernel.exchange.road.model import Answer
from banyan.kernel.exchange.road.spool import Held
from banyan.kernel.exchange.road.straight.answering_plans import length_line
from banyan.kernel.exchange.road.straight.asked import BODILESS
from banyan.kernel.exchange.road.straight.forms import STATUS, VERB
from banyan.kernel.exchange.road.straight.served import Served
from banyan.limits_road import ROAD_STRAIGHT_BYTES


class Linked(msgspec.Struct, eq=False):
    """`link.Asker` of one call towards its service."""

    served: Served
    provider: HttpProvider
    link: Link
    written: bytes = b""
    deadline: float = 0.0

    def ask(self, now: EpochS) -> None:
        served, link = self.served, self.link
        self.written, self.deadline = _written(served), _deadline(served, link.pool.loop, now)
        served.leave = self._leave
        verb = served.row[VERB].decode("ascii")
        link.ask_for(self, verb, self.written + served.body, self.provider.spool_for, self.deadline)

    def answered(self, data: bytes) -> int:
        found = self.served.way.answers.find(data)
        if found is None:
            return -1
        plan, match = found
        row, end = match.groups(), match.end()
        missing = end + int(row[plan.length]) - len(data)
        if missing or row[STATUS] in BODILESS:
            return missing if 0 < missing <= ROAD_STRAIGHT_BYTES else -1
        self.link.freed()
        self.provider.pool.give(self.link)
        self.served.ended()
        self.served.answer(plan, row, data[end:])
        return 0

    def told(self, came: Came | None, error: OSError | BadHttp | None) -> None:
        """An answer of another form, or none."""
        served, provider = self.served, self.provider

        async def answering() -> Answer:
            if came is None:
                return await _asked(served, provider, self.written, self.deadline, error)
            provider.pool.give(self.link)
            served.way.answers.learn(came.head.fields)
            return answer_of(came)

        served.hand_over(answering)

    def _leave(self) -> None:
        if not self.served.status:
            self.link.forsaken()


class Preceded(msgspec.Struct, eq=False):
    """A call whose service is asked once something was done for it; `task` does that, and nobody does it again."""

    served: Served
    plain: Plain
    task: asyncio.Task[None] = msgspec.UNSET  # type: ignore[assignment]

    def ask(self) -> None:
        served = self.served
        assert self.plain.before is not None, "of such a service"
        self.task = served.connection.works(self.plain.before(served.call(), Held(served.body)))
        served.leave = self.task.cancel
        self.task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        served = self.served
        served.connection.worked(task)
        try:
            if task.cancelled():
                served.ticket.close()
                served.connection.abort()
            elif task.exception() is not None:
                served.hand_over(self._refused)
            else:
                self._asked()
        except Exception as defect:  # the loop tells others after this one
            served.way.desk.report("road: the straight way failed", defect)
            served.connection.abort()

    def _asked(self) -> None:
        served, provider = self.served, self.plain.service
        now, link = served.way.desk.clock(), provider.pool.idle(served.lane.place)
        if link is not None:
            Linked(served, provider, link).ask(now)
            return
        written, deadline = _written(served), _deadline(served, provider.pool.loop, now)
        served.hand_over(lambda: _asked(served, provider, written, deadline, None))

    async def _refused(self) -> Answer:
        await self.task
        raise AssertionError("it raised before")


def _written(served: Served) -> bytes:
    """The head to the service."""
    lane, row, asked = served.lane, served.row, served.plan.asked
    whole = (*row, b"", b"", lane.host, (lane.below + served.path) or b"/")
    return asked.form % asked.pick(whole) + length_line(row[VERB], len(served.body)) + b"\r\n"


def _deadline(served: Served, loop: asyncio.AbstractEventLoop, now: EpochS) -> float:
    return loop.time() + min(served.lane.offer.timeout_s, served.until - now)


async def _asked(
    served: Served, provider: HttpProvider, written: bytes, deadline: float, failed: OSError | BadHttp | None
) -> Answer:
    verb, body = served.row[VERB].decode("ascii"), Held(served.body)
    return await provider.asked(served.lane.place, verb, written, body, deadline=deadline, failed=failed)
