"""A Notifier that keeps all in memory and sends nothing: the oracle of tests, and what services are tried against.

`deliver` plays the network: it moves what waits to a state. The durable one must answer alike: tests/craft/notify.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import msgspec

from banyan.craft.notify.model import OVER, Accepted, Lane, Message, Progress, Receipt, Reply, State, checked
from banyan.errors import Conflict, Invalid


class _Campaign(msgspec.Struct):
    lane: Lane
    sender: str
    at: float
    messages: dict[str, Message] = {}
    states: dict[str, State] = {}
    changes: list[Receipt] = []
    replies: list[Reply] = []
    is_stopped: bool = False
    is_forgotten: bool = False


class MemoryNotifier:
    """See `Notifier`."""

    def __init__(self, clock: Callable[[], float], *, sender: str = "1922") -> None:
        self._clock, self._sender = clock, sender
        self._campaigns: dict[str, _Campaign] = {}
        self._quiet: set[tuple[str, Lane]] = set()
        self._seq = 0

    async def accept(self, messages: Iterable[Message]) -> Accepted:
        count = already = quiet = 0
        for message in messages:
            checked(message)
            found = self._of(message)
            if (message.to, message.lane) in self._quiet:
                quiet += 1
            elif message.to in found.messages:
                already += 1
            else:
                found.messages[message.to] = message
                found.states[message.to] = State.WAITING
                count += 1
        return Accepted(count, already, quiet)

    async def progress(self, campaign: str) -> Progress | None:
        found = self._campaigns.get(campaign)
        return None if found is None else _counted(campaign, found)

    async def campaigns(self) -> Sequence[Progress]:
        return [_counted(name, one) for name, one in reversed(self._campaigns.items())]

    async def stop(self, campaign: str) -> int:
        found = self._campaigns.get(campaign)
        if found is None:
            return 0
        found.is_stopped = True
        waiting = [to for to, state in found.states.items() if state == State.WAITING]
        for to in waiting:
            self._change(found, to, State.STOPPED)
        return len(waiting)

    async def receipts(self, campaign: str, *, after: int = 0, limit: int = 1000) -> Sequence[Receipt]:
        found = self._campaigns.get(campaign)
        changes = found.changes if found is not None and not found.is_forgotten else []
        newest = {one.to: one for one in changes}
        return sorted((one for one in newest.values() if one.seq > after), key=lambda one: one.seq)[:limit]

    async def replies(self, campaign: str, *, after: int = 0, limit: int = 1000) -> Sequence[Reply]:
        found = self._campaigns.get(campaign)
        replies = found.replies if found is not None and not found.is_forgotten else []
        return [one for one in replies if one.seq > after][:limit]

    async def quieten(self, to: str, lanes: Iterable[Lane], *, is_quiet: bool = True) -> None:
        for lane in lanes:
            if lane < Lane.REMINDER:
                raise Invalid.at("lanes", "only reminders and bulk can be opted out of")
            (self._quiet.add if is_quiet else self._quiet.discard)((to, lane))

    async def forget(self, campaign: str) -> bool:
        found = self._campaigns.get(campaign)
        if found is None or found.is_forgotten:
            return False
        await self.stop(campaign)
        found.is_forgotten = True
        return True

    def sent(self, campaign: str) -> list[Message]:
        """What was accepted for a campaign, in order."""
        found = self._campaigns.get(campaign)
        return [] if found is None else list(found.messages.values())

    def deliver(self, campaign: str, to: str, state: State = State.DELIVERED) -> None:
        """Play the network's answer for one number."""
        found = self._campaigns[campaign]
        if found.states[to] not in OVER:
            self._change(found, to, state)

    def answer(self, campaign: str, to: str, text: str) -> None:
        """Play the person's reply."""
        self._seq += 1
        self._campaigns[campaign].replies.append(Reply(self._seq, to, text, self._clock()))

    def _of(self, message: Message) -> _Campaign:
        found = self._campaigns.get(message.campaign)
        if found is None:
            found = _Campaign(message.lane, message.sender or self._sender, self._clock())
            self._campaigns[message.campaign] = found
        if found.is_stopped or found.is_forgotten:
            raise Conflict("this campaign was stopped", remedy="begin another with an id of its own")
        if (message.lane, message.sender or self._sender) != (found.lane, found.sender):
            raise Conflict("a campaign has one lane and one sender", remedy="begin another with an id of its own")
        return found

    def _change(self, found: _Campaign, to: str, state: State) -> None:
        self._seq += 1
        found.states[to] = state
        found.changes.append(Receipt(self._seq, to, state, self._clock()))


def _counted(name: str, found: _Campaign) -> Progress:
    counts = Counter(found.states.values())
    return Progress(
        campaign=name,
        lane=found.lane,
        sender=found.sender,
        accepted_at=found.at,
        total=len(found.states),
        waiting=counts[State.WAITING],
        sending=counts[State.SENDING],
        sent=counts[State.SENT],
        delivered=counts[State.DELIVERED],
        failed=counts[State.FAILED],
        expired=counts[State.EXPIRED],
        stopped=counts[State.STOPPED],
        is_stopped=found.is_stopped,
        is_forgotten=found.is_forgotten,
    )
