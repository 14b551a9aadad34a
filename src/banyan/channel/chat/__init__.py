"""The web chat: the dialogue over HTTP, as JSON and as a page that works without script."""

from banyan.channel.chat.service import build_chat

__all__ = ["build_chat"]
