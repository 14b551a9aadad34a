"""LINE and who is known there: what a linked person presses or sends reaches its service, and what it says her chat."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from banyan.errors import Unavailable
from banyan.kernel.exchange import Gate
from banyan.kernel.identity.caller import Caller
from banyan.kernel.identity.scopes import Scopes
from banyan.kernel.storage import Drawer
from banyan.lawful import Lawful
from banyan.limits_fence import FENCE_CHAT_TIME_S
from banyan.outward import ask
from banyan.reminding import RATIONING, lend_chat_reminders
from banyan.service.fence.chatting import hear
from banyan.service.fence.shelf import ChatSaid, lend_chat
from banyan.service.rationing.preorder.chats import hear as hear_code
from banyan.service.rationing.preorder.chats import is_code, no_code
from banyan.settings import Settings, line_secrets_from_environment
from banyan.wire import line

if TYPE_CHECKING:
    from banyan.channel.line import Heard

PATH: Final = "/v2/bot/message/push"
BY: Final = Caller("citizen", "chat", channel="line")
"""Who does what a linked chat says: the person, as the page's answer does."""


Listen = Callable[["Heard"], Awaitable[Sequence[line.Message] | None]]


def connect_chat(
    drawers: Mapping[str, Drawer], settings: Settings, gate: Gate, *, scopes: Scopes, lawful: Lawful
) -> None:
    """On a node that has LINE; the secrets are LINE's own, from the environment. A code is its own service's: the first
    that knows what was said answers."""
    if "line" not in drawers:
        return
    from banyan.channel.line import lend_ear

    _, token = line_secrets_from_environment()
    chat, ears = LineChat(settings.line.api_url, token), list[Listen]()
    if RATIONING in drawers and "rationing.link_preorder_chat" in gate.catalogue.operations:
        lend_chat_reminders(drawers[RATIONING], scopes, lawful, chat)
        ears.append(partial(_hear_of_orders, gate))
    if "fence" in drawers and "fence.link_chat" in gate.catalogue.operations:
        lend_chat(drawers["fence"], chat)
        ears.append(partial(_hear_of_fence, gate))

    async def listen(heard: Heard) -> Sequence[line.Message] | None:
        for ear in ears:
            if (said := await ear(heard)) is not None:
                return said
        return _text(no_code(heard.lang)) if ears and is_code(heard.text) else None

    if ears:
        lend_ear(drawers["line"], listen)


async def _hear_of_fence(gate: Gate, heard: Heard) -> Sequence[line.Message] | None:
    said = await hear(gate.context("fence", BY), heard.user, heard.text, heard.data, heard.lang)
    return [message_of(said)] if said is not None else None


async def _hear_of_orders(gate: Gate, heard: Heard) -> Sequence[line.Message] | None:
    if heard.data:
        return None
    said = await hear_code(gate.drawers[RATIONING], heard.user, heard.text, heard.lang, gate.clock())
    return _text(said) if said is not None else None


def _text(said: str) -> Sequence[line.Message]:
    return [line.TextMessage(line.cut(said, line.TEXT_UNITS))]


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
        return await self._push(to, _text(text), key)

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
