"""What is given to be told to people by SMS, and what comes back: the seam between services and the sender.

A `Message` is one text for one number in one campaign. The pair (campaign, number) is its identity for ever: accepting
it twice tells the person once. `accept` returns when the messages are durable, not when they are sent. A number is
personal data: it lives sealed under its campaign's key, which `forget` destroys, and never stands in a log or an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Final, Protocol

import msgspec

from banyan.errors import Invalid

NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
"""E.164: a plus sign, the country code, at most 15 digits."""
CAMPAIGN: Final = re.compile(r"[a-z0-9][a-z0-9._:/-]{0,79}", re.ASCII)
"""A campaign's id: the service's name first (`fence/ORDER/away`), and nothing personal in it."""


class Lane(IntEnum):
    """Which goes first. The numbers are stored."""

    FENCE = 0
    """Steps of the quarantine's ladder: a person is asked whether she is at home."""
    ALERT = 1
    """Warnings of danger."""
    REMINDER = 2
    """What a person asked to be reminded of; she may opt out."""
    BULK = 3
    """Campaigns to many numbers."""


class State(IntEnum):
    """Where a message stands. The numbers are stored. Only WAITING, SENDING and SENT may still change."""

    WAITING = 0
    SENDING = 1
    """Given to the SMSC and not answered yet: after a crash this is the window in which a person may be told twice."""
    SENT = 2
    """The SMSC took it."""
    DELIVERED = 3
    """Its receipt says that the phone has it."""
    FAILED = 4
    """The SMSC or the network refused it."""
    EXPIRED = 5
    """Its time was over before it was sent, or in the network."""
    STOPPED = 6
    """The campaign was stopped before it was sent."""


OVER: Final = frozenset({State.DELIVERED, State.FAILED, State.EXPIRED, State.STOPPED})


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One text for one number. `to` is E.164 (+886912345678); `sender` one of the node's fixed ones (empty: the first
    of them); after `expires` (epoch seconds; 0: never) it is not sent any more."""

    campaign: str
    to: str
    text: str
    lane: Lane
    lang: str = "zh-Hant"
    sender: str = ""
    expires: float = 0.0

    def __repr__(self) -> str:
        """Without the number and the text: a representation may end in a log."""
        return f"Message(campaign={self.campaign!r}, lane={self.lane.name})"


class Accepted(msgspec.Struct, frozen=True):
    """`count` are new, `already` were accepted before (or twice in one call), `quiet` opted out of the lane."""

    count: int
    already: int = 0
    quiet: int = 0


class Progress(msgspec.Struct, frozen=True):
    """A campaign by numbers of recipients; `parts` are the SMS that the SMSC took, and each is paid for."""

    campaign: str
    lane: Lane
    sender: str
    accepted_at: float
    total: int
    waiting: int
    sending: int
    sent: int
    delivered: int
    failed: int
    expired: int
    stopped: int
    parts: int = 0
    is_stopped: bool = False
    is_forgotten: bool = False

    @property
    def left(self) -> int:
        """Messages that are still to be sent or answered."""
        return self.waiting + self.sending


class Receipt(msgspec.Struct, frozen=True):
    """How it stands with one number. `seq` grows with each change: ask for those after the last one you have."""

    seq: int
    to: str
    state: State
    at: float

    def __repr__(self) -> str:
        return f"Receipt(seq={self.seq}, state={self.state.name})"


class Reply(msgspec.Struct, frozen=True):
    """What a person sent back to the sender of a campaign."""

    seq: int
    to: str
    """The number of the person: the one that was written to."""
    text: str
    at: float

    def __repr__(self) -> str:
        return f"Reply(seq={self.seq})"


class Notifier(Protocol):
    """Tells people by SMS. The fake of tests is `memory.MemoryNotifier`; both pass one contract test."""

    async def accept(self, messages: Iterable[Message]) -> Accepted:
        """Take messages; they are durable when this returns. Raises Invalid naming the field (a link, a sender that is
        not ours, a bad number), Conflict when a campaign was stopped or forgotten. Messages before the faulty one may
        have been taken: asking again with all of them is safe."""

    async def progress(self, campaign: str) -> Progress | None:
        """How far a campaign is; None when nothing was ever accepted for it."""

    async def campaigns(self) -> Sequence[Progress]:
        """Every campaign that is not over, and the newest others."""

    async def stop(self, campaign: str) -> int:
        """Send nothing more of it, at once and for ever; how many will not be sent."""

    async def receipts(self, campaign: str, *, after: int = 0, limit: int = 1000) -> Sequence[Receipt]:
        """What changed after `after`, oldest first."""

    async def replies(self, campaign: str, *, after: int = 0, limit: int = 1000) -> Sequence[Reply]:
        """What people answered after `after`, oldest first."""

    async def quieten(self, to: str, lanes: Iterable[Lane], *, is_quiet: bool = True) -> None:
        """Opt a number out of lanes (REMINDER and BULK alone may be), or back in."""

    async def forget(self, campaign: str) -> bool:
        """Destroy the campaign's key, so that its numbers and replies can be read by nobody; what waits is stopped.
        True when there was one. The counts stay, and nothing is ever accepted for it again."""


def checked(message: Message) -> Message:
    """The message if its number and campaign have the right form. Raises Invalid naming the field, never its value."""
    if NUMBER.fullmatch(message.to) is None:
        raise Invalid.at("to", "give the number as E.164: a plus sign, the country code, at most 15 digits")
    if CAMPAIGN.fullmatch(message.campaign) is None:
        raise Invalid.at("campaign", "use at most 80 of a-z, 0-9, and . _ : / -, a letter or digit first")
    if not message.text.strip():
        raise Invalid.at("text", "say something")
    return message
