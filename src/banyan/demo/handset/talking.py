"""What a simulated phone's chat holds: in memory only, each person's own, the newest."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from typing import Final, Literal, Protocol

import msgspec

Lang = Literal["zh-Hant", "en"]
PEOPLE: Final = 500
"""Who has a chat: the demonstration's personas and its visitors' accounts; the longest silent goes first."""
KEPT: Final = 40
"""Of one chat: a screen or three."""


class Words(Protocol):
    """What is said: a text, and what can be pressed (the words shown, and the data that comes back)."""

    @property
    def text(self) -> str: ...
    @property
    def choices(self) -> tuple[tuple[str, str], ...]: ...


class Bubble(msgspec.Struct, frozen=True):
    """One message. `choices` can be pressed while it is the newest."""

    is_own: bool
    text: str
    choices: tuple[tuple[str, str], ...] = ()


Hear = Callable[[str, str, str, Lang], Awaitable[Words | None]]
"""`hear(user, text, data, lang)`: what is answered to words or a press; None: nobody here knows what was meant."""


class Handset:
    """Chats by user, as LINE's by its own ids. A push is taken once by its key."""

    def __init__(self) -> None:
        self.hear: Hear | None = None
        self._chats: OrderedDict[str, deque[Bubble]] = OrderedDict()
        self._keys: OrderedDict[str, None] = OrderedDict()

    def shown(self, user: str) -> tuple[Bubble, ...]:
        """Oldest first."""
        return tuple(self._chats.get(user, ()))

    def take(self, to: str, said: Words, key: str) -> bool:
        """A push; the same key is the same message."""
        if key not in self._keys:
            self._keys[key] = None
            while len(self._keys) > PEOPLE * KEPT:
                self._keys.popitem(last=False)
            self._add(to, Bubble(False, said.text, said.choices))
        return True

    async def say(self, user: str, text: str, data: str, lang: Lang) -> bool:
        """Words of the person, or a press (`text` is what its button said); False when nobody knows what was meant."""
        self._add(user, Bubble(True, text))
        said = await self.hear(user, "" if data else text, data, lang) if self.hear is not None else None
        if said is not None:
            self._add(user, Bubble(False, said.text, said.choices))
        return said is not None

    def _add(self, user: str, one: Bubble) -> None:
        chat = self._chats.setdefault(user, deque(maxlen=KEPT))
        self._chats.move_to_end(user)
        chat.append(one)
        while len(self._chats) > PEOPLE:
            self._chats.popitem(last=False)
