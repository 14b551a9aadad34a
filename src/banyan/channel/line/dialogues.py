"""What each LINE user's dialogue remembers: in memory only, by a keyed hash of the user id, for an hour."""

from __future__ import annotations

from collections import OrderedDict

import msgspec

from banyan.channel.talk import State
from banyan.kernel.events.clock import EpochS
from banyan.kernel.exchange.session import Signer
from banyan.limits import LINE_DIALOGUES, TALK_TIME_S
from banyan.wire.line import Source


class Dialogues:
    """States by conversation, those used last kept. A user id is hashed at once: it is in no log, file or dump."""

    def __init__(self, secret: bytes) -> None:
        self._signer = Signer(secret, "line dialogue")
        self._states: OrderedDict[str, State] = OrderedDict()

    def __len__(self) -> int:
        return len(self._states)

    def key(self, source: Source) -> str:
        """Of a conversation: a person alone, or a person in a group."""
        parts = (source.group_id or source.room_id, source.user_id)
        return self._signer.tag(msgspec.json.encode(parts))

    def read(self, key: str, now: EpochS) -> State:
        state = self._states.get(key)
        return state if state is not None and state.until > now else State()

    def keep(self, key: str, state: State, now: EpochS) -> None:
        self._states[key] = msgspec.structs.replace(state, until=now + TALK_TIME_S)
        self._states.move_to_end(key)
        while len(self._states) > LINE_DIALOGUES or self._is_old(now):
            self._states.popitem(last=False)

    def forget(self, key: str) -> None:
        self._states.pop(key, None)

    def _is_old(self, now: EpochS) -> bool:
        """Whether the one used longest ago has lapsed."""
        return next(iter(self._states.values())).until <= now
