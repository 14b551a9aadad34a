"""LINE Messaging API: the webhook's signature and events, and the messages of a reply. Bytes to structs, no I/O.

Source: LINE Developers, Messaging API reference (webhook event objects, message objects, Flex Message); field names are
the standard's. Lengths are counted in UTF-16 code units, as LINE counts them.
"""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from base64 import b64encode
from collections.abc import Sequence
from typing import Final, Literal

import msgspec

TEXT_UNITS: Final = 5_000
ALT_TEXT_UNITS: Final = 400
LABEL_UNITS: Final = 20
SAY_UNITS: Final = 300
URI_UNITS: Final = 1_000
MESSAGES: Final = 5
QUICK_REPLIES: Final = 13
BUBBLES: Final = 12
CAROUSEL_BYTES: Final = 50_000
"""A carousel's JSON; LINE refuses the whole reply beyond it."""
_JOINER: Final = "\u200d"


class Unreadable(ValueError):
    """The body is no webhook."""


# The webhook


class Source(msgspec.Struct, frozen=True, rename="camel"):
    """Who or where it came from. `user_id` is missing in a group whose member has not agreed."""

    type: str = ""
    user_id: str = ""
    group_id: str = ""
    room_id: str = ""


class Said(msgspec.Struct, frozen=True, rename="camel"):
    """A message event's message: text, location, or another type that is only named."""

    type: str
    text: str = ""
    latitude: float | None = None
    longitude: float | None = None


class Postback(msgspec.Struct, frozen=True):
    data: str = ""


class Delivery(msgspec.Struct, frozen=True, rename="camel"):
    is_redelivery: bool = False


class Event(msgspec.Struct, frozen=True, rename="camel"):
    """One webhook event. `timestamp` is milliseconds since 1970 UTC; `webhook_event_id` is the same when it is
    delivered again."""

    type: str
    timestamp: int
    mode: str
    webhook_event_id: str
    delivery_context: Delivery = Delivery()
    source: Source = Source()
    reply_token: str = ""
    message: Said | None = None
    postback: Postback | None = None


class _Webhook(msgspec.Struct, frozen=True):
    destination: str
    events: tuple[msgspec.Raw, ...]


_webhook: Final = msgspec.json.Decoder(_Webhook)
_event: Final = msgspec.json.Decoder(Event)


def signature(secret: bytes, body: bytes) -> str:
    """X-Line-Signature: base64 of HMAC-SHA256 over the raw body under the channel secret."""
    return b64encode(hmac.digest(secret, body, hashlib.sha256)).decode("ascii")


def is_signed(secret: bytes, body: bytes, sent: str) -> bool:
    """Whether the header's value is the body's signature; compared in constant time."""
    return hmac.compare_digest(signature(secret, body).encode("ascii"), sent.encode("utf-8", "surrogateescape"))


def read_events(body: bytes, most: int) -> tuple[list[Event], int]:
    """The events of a webhook that can be read, and how many cannot (a type's fields may grow or be missing).

    Raises Unreadable when the body is no webhook, or holds more than `most` events.
    """
    try:
        raws = _webhook.decode(body).events
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Unreadable("the body is no LINE webhook") from error
    if len(raws) > most:
        raise Unreadable(f"more than {most} events")
    events = [event for raw in raws if (event := _read(bytes(raw))) is not None]
    return events, len(raws) - len(events)


def _read(raw: bytes) -> Event | None:
    try:
        event = _event.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    return event if event.webhook_event_id else None


# The reply


class MessageAction(msgspec.Struct, frozen=True, tag_field="type", tag="message"):
    label: str
    text: str


class UriAction(msgspec.Struct, frozen=True, tag_field="type", tag="uri"):
    label: str
    uri: str


class LocationAction(msgspec.Struct, frozen=True, tag_field="type", tag="location"):
    label: str


class PostbackAction(msgspec.Struct, frozen=True, tag_field="type", tag="postback", rename="camel"):
    """Pressing sends `data` (at most SAY_UNITS) back to us, and shows `display_text` as what the person said."""

    label: str
    data: str
    display_text: str


Action = MessageAction | UriAction | LocationAction | PostbackAction


class QuickReplyItem(msgspec.Struct, frozen=True, tag_field="type", tag="action"):
    action: Action


class QuickReply(msgspec.Struct, frozen=True):
    items: tuple[QuickReplyItem, ...]


class FlexText(msgspec.Struct, frozen=True, tag_field="type", tag="text", rename="camel", omit_defaults=True):
    text: str
    weight: Literal["regular", "bold"] = "regular"
    size: str = "md"
    color: str = ""
    wrap: bool = False


class FlexButton(msgspec.Struct, frozen=True, tag_field="type", tag="button", omit_defaults=True):
    action: MessageAction | UriAction
    style: Literal["primary", "secondary", "link"] = "link"
    height: Literal["sm", "md"] = "md"


class FlexBox(msgspec.Struct, frozen=True, tag_field="type", tag="box", rename="camel"):
    layout: Literal["vertical", "horizontal"]
    contents: tuple[FlexText | FlexButton, ...]
    spacing: str


class FlexBubble(msgspec.Struct, frozen=True, tag_field="type", tag="bubble", omit_defaults=True):
    body: FlexBox
    footer: FlexBox | None = None
    size: str = "mega"


class FlexCarousel(msgspec.Struct, frozen=True, tag_field="type", tag="carousel"):
    contents: tuple[FlexBubble, ...]


class TextMessage(msgspec.Struct, frozen=True, tag_field="type", tag="text", rename="camel", omit_defaults=True):
    text: str
    quick_reply: QuickReply | None = None


class FlexMessage(msgspec.Struct, frozen=True, tag_field="type", tag="flex", rename="camel", omit_defaults=True):
    alt_text: str
    contents: FlexCarousel | FlexBubble
    quick_reply: QuickReply | None = None


Message = TextMessage | FlexMessage


class _Reply(msgspec.Struct, frozen=True, rename="camel"):
    reply_token: str
    messages: Sequence[Message]
    notification_disabled: bool = False


class _Broadcast(msgspec.Struct, frozen=True):
    messages: Sequence[Message]


def write_broadcast(messages: Sequence[Message]) -> bytes:
    """The body of POST /v2/bot/message/broadcast: to everybody who follows the account."""
    assert 1 <= len(messages) <= MESSAGES, f"a broadcast has 1 to {MESSAGES} messages"
    return msgspec.json.encode(_Broadcast(messages))


class _Push(msgspec.Struct, frozen=True):
    to: str
    messages: Sequence[Message]


def write_push(to: str, messages: Sequence[Message]) -> bytes:
    """The body of POST /v2/bot/message/push: to one person who talks with the account."""
    assert 1 <= len(messages) <= MESSAGES, f"a push has 1 to {MESSAGES} messages"
    return msgspec.json.encode(_Push(to, messages))


class _Followers(msgspec.Struct, frozen=True, rename="camel"):
    status: str
    targeted_reaches: int | None = None


def read_followers(body: bytes) -> int | None:
    """Whom a message can reach, of GET /v2/bot/insight/followers; None when LINE has not counted that day yet.

    Raises Unreadable.
    """
    try:
        found = msgspec.json.decode(body, type=_Followers)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Unreadable("the body is no count of followers") from error
    return found.targeted_reaches if found.status == "ready" else None


def write_reply(token: str, messages: Sequence[Message]) -> bytes:
    """The body of POST /v2/bot/message/reply."""
    assert 1 <= len(messages) <= MESSAGES, f"a reply has 1 to {MESSAGES} messages"
    return msgspec.json.encode(_Reply(token, messages))


def units(text: str) -> int:
    """Length in UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, most: int) -> str:
    """At most `most` units, ending in … when something was cut; a character with its marks stays whole."""
    if units(text) <= most:
        return text
    left, end = most - 1, 0
    for end, character in enumerate(text):  # noqa: B007 - where it stopped is the answer
        left -= 2 if ord(character) > 0xFFFF else 1
        if left < 0:
            break
    while end and (_clings(text[end]) or text[end - 1] == _JOINER or _halves_a_flag(text, end)):
        end -= 1
    return text[:end] + "…"


def _clings(character: str) -> bool:
    """Whether a character belongs to the one before it: marks, variation selectors, skin tones, joiners."""
    is_tone = "\U0001f3fb" <= character <= "\U0001f3ff"
    return character == _JOINER or is_tone or unicodedata.category(character) in ("Mn", "Me", "Mc")


def _halves_a_flag(text: str, end: int) -> bool:
    """Whether a cut would part two regional indicators, which together are a flag."""
    run = 0
    while run < end and "\U0001f1e6" <= text[end - 1 - run] <= "\U0001f1ff":
        run += 1
    return run % 2 == 1 and "\U0001f1e6" <= text[end] <= "\U0001f1ff"
