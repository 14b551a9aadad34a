"""LINE and who is known there: what a linked person presses or sends reaches its service, and what it says her chat."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from banyan.craft.notify import linkcode
from banyan.demo.handset.talking import Handset
from banyan.errors import Unavailable
from banyan.kernel.exchange import Gate
from banyan.kernel.identity.caller import Caller
from banyan.kernel.identity.scopes import Scopes
from banyan.kernel.storage import Drawer
from banyan.lawful import Lawful
from banyan.limits_fence import FENCE_CHAT_TIME_S
from banyan.outward import ask
from banyan.reminding import RATIONING, lend_chat_reminders
from banyan.service.fence.chatting import Lang, hear
from banyan.service.fence.shelf import ChatSaid, lend_chat
from banyan.service.rationing.preorder.chats import hear as hear_code
from banyan.service.rationing.preorder.chats import no_code
from banyan.settings import Settings, line_secrets_from_environment
from banyan.wire import line

if TYPE_CHECKING:
    from banyan.channel.line import Heard

PATH: Final = "/v2/bot/message/push"
FENCE: Final = "fence"
HANDSET: Final = "/handset"
BY: Final = Caller("citizen", "chat", channel="line")
"""Who does what a linked chat says: the person, as the page's answer does."""


class OwnChat(Protocol):
    """A chat that both services speak in."""

    async def push(self, to: str, said: ChatSaid, key: str) -> bool: ...
    async def say(self, to: str, text: str, key: str) -> bool: ...


Ear = Callable[[str, str, str, Lang], Awaitable[ChatSaid | None]]
"""`ear(user, text, data, lang)`: what is answered; None when it is not for this service."""


def connect_chat(
    drawers: Mapping[str, Drawer],
    settings: Settings,
    gate: Gate,
    *,
    scopes: Scopes,
    lawful: Lawful,
    handset: Handset | None = None,
) -> None:
    """On a node that has LINE, whose secrets are of the environment, or the demonstration's `handset` in its place."""
    if "line" not in drawers:
        if handset is not None:
            handset.hear = _ears(drawers, gate, scopes, lawful, SimulatedChat(handset), page=HANDSET)
        return
    from banyan.channel.line import lend_ear

    _, token = line_secrets_from_environment()
    ear = _ears(drawers, gate, scopes, lawful, LineChat(settings.line.api_url, token))

    async def listen(heard: Heard) -> Sequence[line.Message] | None:
        said = await ear(heard.user, heard.text, heard.data, heard.lang) if ear is not None else None
        return [message_of(said)] if said is not None else None

    if ear is not None:
        lend_ear(drawers["line"], listen)


def _ears(
    drawers: Mapping[str, Drawer], gate: Gate, scopes: Scopes, lawful: Lawful, chat: OwnChat, *, page: str = ""
) -> Ear | None:
    """Lend the chat to who speaks in it. A code is its own service's: the first that knows what was said answers."""
    ears: list[Ear] = []
    if RATIONING in drawers and "rationing.link_preorder_chat" in gate.catalogue.operations:
        lend_chat_reminders(drawers[RATIONING], scopes, lawful, chat, page=page)
        ears.append(partial(_hear_of_orders, gate))
    if FENCE in drawers and "fence.link_chat" in gate.catalogue.operations:
        lend_chat(drawers[FENCE], chat, page=page)
        ears.append(partial(_hear_of_fence, gate))

    async def ear(user: str, text: str, data: str, lang: Lang) -> ChatSaid | None:
        for one in ears:
            if (said := await one(user, text, data, lang)) is not None:
                return said
        return ChatSaid(no_code(lang), lang) if linkcode.said(text) is not None else None

    return ear if ears else None


async def _hear_of_fence(gate: Gate, user: str, text: str, data: str, lang: Lang) -> ChatSaid | None:
    return await hear(gate.context(FENCE, BY), user, text, data, lang)


async def _hear_of_orders(gate: Gate, user: str, text: str, data: str, lang: Lang) -> ChatSaid | None:
    said = await hear_code(gate.drawers[RATIONING], user, text, lang, gate.clock()) if not data else None
    return ChatSaid(said, lang) if said is not None else None


class SimulatedChat:
    """The demonstration's phone."""

    def __init__(self, handset: Handset) -> None:
        self._handset = handset

    async def push(self, to: str, said: ChatSaid, key: str) -> bool:
        return self._handset.take(to, said, key)

    async def say(self, to: str, text: str, key: str) -> bool:
        return self._handset.take(to, ChatSaid(text, "zh-Hant"), key)


class LineChat:
    """Push messages by LINE's Messaging API."""

    def __init__(self, api_url: str, token: str) -> None:
        self._url = api_url.rstrip("/") + PATH
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    async def push(self, to: str, said: ChatSaid, key: str) -> bool:
        """A question of the fence, or its words."""
        return await self._push(to, [message_of(said)], key)

    async def say(self, to: str, text: str, key: str) -> bool:
        """Words alone."""
        return await self._push(to, [line.TextMessage(line.cut(text, line.TEXT_UNITS))], key)

    async def _push(self, to: str, messages: Sequence[line.Message], key: str) -> bool:
        """LINE takes one retry key once (409: it has it). Raises Unavailable for what may pass."""
        body = line.write_push(to, messages)
        keyed = self._headers | {"X-Line-Retry-Key": key}
        found = await ask("POST", self._url, keyed, body, time_s=FENCE_CHAT_TIME_S, allow_private=True)
        if found.status in (0, 429) or found.status >= 500:
            raise Unavailable("LINE is busy, or cannot be reached", remedy="it is tried again")
        return 200 <= found.status < 300 or found.status == 409


def message_of(said: ChatSaid) -> line.TextMessage:
    """Text with what can be pressed; pressing shows the words and sends the data."""
    items = tuple(
        line.QuickReplyItem(
            line.PostbackAction(line.cut(label, line.LABEL_UNITS), data, line.cut(label, line.SAY_UNITS))
        )
        for label, data in said.choices[: line.QUICK_REPLIES]
    )
    return line.TextMessage(line.cut(said.text, line.TEXT_UNITS), line.QuickReply(items) if items else None)
