"""SMS by the operators themselves: each is given the signed warning, finds who is in its area, and sends. Counts come
back, never a number.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from banyan.errors import NotFound, Problem, Unavailable
from banyan.service.alerts.model import Area
from banyan.service.alerts.outlets import Packet, Plan, Told
from banyan.wire.cap import reading

State = Literal["waiting", "sent", "partly", "failed", "stopped"]


class Heard(Protocol):
    """What an operator says of one message, in telephones."""

    @property
    def state(self) -> State: ...
    @property
    def reached(self) -> int: ...
    @property
    def total(self) -> int: ...
    @property
    def note(self) -> str: ...


Ask = Callable[[str], Awaitable[Heard]]
"""Give an operator a signed CAP document; the same again asks how far it is. Raises Problem when it could not be asked,
or refused."""
Stop = Callable[[str, str], Awaitable[Heard]]
"""Send nothing more of a message, by CAP's sender and identifier. Raises Problem, NotFound for one that never came."""


class Operator(msgspec.Struct, frozen=True):
    """How one is asked."""

    ask: Ask
    stop: Stop


class Afar:
    """A transport. `document` is a message's signed CAP document, by alert and number."""

    def __init__(self, operators: Mapping[str, Operator], document: Callable[[str, int], Awaitable[str]]) -> None:
        self._operators, self._document = operators, document

    async def plan(self, areas: tuple[Area, ...]) -> Plan:
        """Nobody is looked for before a warning is out: a draft is no reason to."""
        return Plan(0, "operators")

    async def send(self, packet: Packet) -> Told:
        """Raises Unavailable when no operator took it. While one cannot be reached, or is not done, it is asked again;
        one that refused is told of, and holds no other up."""
        document = await self._document(packet.alert, packet.number)
        heard = await asyncio.gather(*(_tried(one.ask(document)) for one in self._operators.values()))
        by_name = dict(zip(self._operators, heard, strict=True))
        failed = {name: said for name, said in by_name.items() if isinstance(said, Problem)}
        if len(failed) == len(by_name):
            raise Unavailable("; ".join(_said(failed)) or "no operator is named", remedy="it is tried again")
        return _together([said for said in by_name.values() if not isinstance(said, Problem)], failed)

    async def stop(self, alert: str, number: int) -> int:
        """Ask all to send nothing more of one message; how many telephones are not told, in tens. Raises Unavailable
        naming who could not be asked, when the others have stopped."""
        document = reading.read((await self._document(alert, number)).encode())
        stops = (_tried(one.stop(document.sender, document.identifier)) for one in self._operators.values())
        by_name = dict(zip(self._operators, await asyncio.gather(*stops), strict=True))
        failed = {name: said for name, said in by_name.items() if isinstance(said, Problem)}
        unheard = {name: problem for name, problem in failed.items() if not isinstance(problem, NotFound)}
        if unheard:
            raise Unavailable("; ".join(_said(unheard)), remedy="The others have stopped; stop it again.")
        return sum(max(0, said.total - said.reached) for said in by_name.values() if not isinstance(said, Problem))


async def _tried(asked: Awaitable[Heard]) -> Heard | Problem:
    try:
        return await asked
    except Problem as problem:
        return problem


def _together(heard: Sequence[Heard], failed: Mapping[str, Problem]) -> Told:
    reached, total = sum(one.reached for one in heard), sum(one.total for one in heard)
    notes = [*_said(failed), *sorted({one.note for one in heard if one.note})]
    note = "; ".join(notes)[:200]
    may_come = any(isinstance(one, Unavailable) for one in failed.values())
    if may_come or any(one.state == "waiting" for one in heard):
        return Told("waiting", reached, total, note)
    if not failed and all(one.state == "sent" for one in heard):
        return Told("sent", reached, total, note)
    return Told("partly" if reached or any(one.state == "sent" for one in heard) else "failed", reached, total, note)


def _said(failed: Mapping[str, Problem]) -> list[str]:
    return [f"{name}: {problem.title}" for name, problem in failed.items()]


__all__ = ["Afar", "Ask", "Heard", "Operator", "Stop"]
