"""The fence and LINE: what a linked person presses reaches the fence, and what the fence asks reaches the chat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from banyan.errors import Unavailable
from banyan.kernel.exchange import Gate
from banyan.kernel.identity.caller import Caller
from banyan.kernel.storage import Drawer
from banyan.limits_fence import FENCE_CHAT_TIME_S
from banyan.outward import ask
from banyan.service.fence.chatting import hear
from banyan.service.fence.shelf import ChatSaid, lend_chat
from banyan.settings import Settings, line_secrets_from_environment
from banyan.wire import line

if TYPE_CHECKING:
    from banyan.channel.line import Heard

PATH: Final = "/v2/bot/message/push"
BY: Final = Caller("citizen", "chat", channel="line")
"""Who does what a linked chat says: the person, as the page's answer does."""


def connect_chat(drawers: Mapping[str, Drawer], settings: Settings, gate: Gate) -> None:
    """On a node that has both; the secrets are LINE's own, from the environment."""
    if "fence" not in drawers or "line" not in drawers or "fence.link_chat" not in gate.catalogue.operations:
        return
    from banyan.channel.line import lend_ear

    _, token = line_secrets_from_environment()
    lend_chat(drawers["fence"], LineChat(settings.line.api_url, token))

    async def listen(heard: Heard) -> Sequence[line.Message] | None:
        context = gate.context("fence", BY)
        said = await hear(context, heard.user, heard.text, heard.data, heard.lang)
        return [message_of(said)] if said is not None else None

    lend_ear(drawers["line"], listen)


class LineChat:
    """Push messages by LINE's Messaging API."""

    def __init__(self, api_url: str, token: str) -> None:
        self._url = api_url.rstrip("/") + PATH
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    async def push(self, to: str, said: ChatSaid, key: str) -> bool:
        """LINE takes one retry key once (409: it has it). Raises Unavailable for what may pass."""
        body = line.write_push(to, [message_of(said)])
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
