"""The feeds of one board: its packs, its deltas, and who reads them live."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterator
from functools import partial
from itertools import chain
from typing import Final
from weakref import WeakKeyDictionary

import msgspec

from banyan.errors import Limit, NotFound, Unavailable
from banyan.kernel.events.clock import EpochS
from banyan.kernel.storage import Drawer
from banyan.limits import SSE_CLIENTS
from banyan.limits_supplies import (
    SUPPLIES_BODIES_KEPT,
    SUPPLIES_DELTAS_KEPT,
    SUPPLIES_DELTAS_RECALLED,
    SUPPLIES_DOCUMENTS_KEPT,
    SUPPLIES_FEED_ROWS,
)
from banyan.service.supplies.board import Change
from banyan.service.supplies.feeds import pack
from banyan.service.supplies.feeds.announced import Announcement, FeedName, headers_of
from banyan.service.supplies.feeds.deltas import Deltas
from banyan.service.supplies.feeds.past import Past
from banyan.service.supplies.feeds.shelf import Encoded, Shelf
from banyan.service.supplies.feeds.view import View, view_of
from banyan.service.supplies.feeds.wording import refusal
from banyan.service.supplies.keeping import Kept, kept_of
from banyan.service.supplies.model import BoardEvent, ItemsSet, NoticesChanged, PlacesChanged, ReservedSet, StockTick
from banyan.wire import sse

RETRY_MS: Final = 3_000
HEARTBEAT_S: Final = 15.0
"""Proxies cut streams that stay silent for 30."""
FULL_RETRY_S: Final = 10
_encode: Final = msgspec.json.Encoder().encode


class BoardFeeds:
    """Everything sent of a board, encoded once for each of its states."""

    def __init__(self, kept: Kept) -> None:
        self.board = kept.board
        self.deltas = Deltas(kept.board)
        self.past = Past(kept)
        self.shelf = Shelf(SUPPLIES_BODIES_KEPT)
        self._changes = Shelf(SUPPLIES_DELTAS_KEPT)
        self.announced: tuple[Announcement, ...] = ()
        self.readers = 0
        self.sent = 0
        """Events taken by live readers since the start."""
        self._view: View | None = None
        self._size = kept.board.size
        self._places_seq = self._notices_seq = kept.board.seq
        self._documents: OrderedDict[str, Encoded] = OrderedDict()
        self._recall(kept)
        kept.listeners.append(self._hear)

    def view(self) -> View:
        """A copy of the board as it is now, one for all that is encoded of this state. Raises Limit when the board is
        too large for a feed of all of it."""
        if self.board.size > SUPPLIES_FEED_ROWS:
            raise refusal(Limit, "too_many_outlets", most=SUPPLIES_FEED_ROWS)
        if self._view is None or self._view.seq != self.board.seq:
            self._view = view_of(self.board, places_seq=self._places_seq, notices_seq=self._notices_seq)
        return self._view

    def told(self, feed: FeedName, now: EpochS) -> tuple[tuple[str, str], ...]:
        """Headers of an announced change of a feed; empty without one."""
        return headers_of(self.announced, feed, now) if self.announced else ()

    def marked(self, feed: FeedName, made: Encoded, now: EpochS) -> Encoded:
        """The body with the headers of an announced change, if there is one."""
        headers = self.told(feed, now)
        return msgspec.structs.replace(made, headers=headers) if headers else made

    async def stock(self) -> Encoded:
        """The small part, with links to the other two."""
        view = self.view()
        places, notices = await self._two(view)
        return await self.shelf.take("stock", view.seq, partial(pack.stock_pack, view, places.tag, notices.tag))

    async def whole(self) -> Encoded:
        """All in one."""
        view = self.view()
        places, notices = await self._two(view)
        parts = (places.tag, places.body), (notices.tag, notices.body)
        return await self.shelf.take("pack", view.seq, partial(pack.whole_pack, view, *parts))

    async def changes(self, after: int) -> Encoded:
        """What changed after `after`. Raises Problem (410) when that is no longer kept."""
        name, seq = str(after), self.board.seq
        known = self._changes.known(name, seq)
        if known is None:
            known = await self._changes.take(name, seq, partial(_encode, self.deltas.since(after)))
        return known

    async def document(self, kind: str, content: str) -> Encoded:
        """The places or notices document with that hash: the one in use, or one that was lately. Raises NotFound."""
        known = self._documents.get(f"{kind}/{content}")
        if known is None:
            await self._two(self.view())
            known = self._documents.get(f"{kind}/{content}")
        if known is None:
            raise refusal(NotFound, "document_unknown", hash=content)
        return known

    async def _two(self, view: View) -> tuple[Encoded, Encoded]:
        """The places and notices documents of a view. They are remade only when something in them may differ."""
        places = await self._document("places", view.places_seq, partial(pack.places_pack, view))
        notices = await self._document("notices", view.notices_seq, partial(pack.notices_pack, view))
        return places, notices

    async def _document(self, kind: str, stamp: int, make: partial[bytes]) -> Encoded:
        made = await self.shelf.take(kind, stamp, make)
        self._documents[f"{kind}/{made.tag}"] = made
        self._documents.move_to_end(f"{kind}/{made.tag}")
        while len(self._documents) > SUPPLIES_DOCUMENTS_KEPT:
            self._documents.popitem(last=False)
        return made

    def live(self, after: int) -> AsyncGenerator[bytes]:
        """Server-sent events of every change after `after`. Raises Unavailable when SSE_CLIENTS read already."""
        if self.readers >= SSE_CLIENTS:
            raise refusal(Unavailable, "streams_taken", retry_after_s=FULL_RETRY_S)
        return self._live(after)

    async def _live(self, after: int) -> AsyncGenerator[bytes]:
        """A reader holds its number only; the bytes are shared. One that does not read is closed by the door after
        SEND_IDLE_S and resumes with Last-Event-ID."""
        self.readers += 1
        try:
            yield sse.retry(RETRY_MS)
            while not self.deltas.is_closed:
                if await self.deltas.news(after, HEARTBEAT_S):
                    event, after = self.deltas.event(after), self.deltas.seq
                    yield event
                    self.sent += 1
                elif not self.deltas.is_closed:
                    yield sse.HEARTBEAT
        finally:
            self.readers -= 1

    def _recall(self, kept: Kept) -> None:
        """The latest changes of before the start, so that a reader who was there then need not begin anew."""
        first = max(kept.journal.first_seq - 1, self.board.seq - SUPPLIES_DELTAS_RECALLED)
        for seq, event in kept.events(first):
            rows = tuple(self.board.row_of[code] for code in codes_of(event) if code in self.board.row_of)
            is_places, is_notices = isinstance(event, PlacesChanged), isinstance(event, NoticesChanged)
            self.deltas.hear(event, Change(seq, rows), places=is_places, notices=is_notices)

    def _hear(self, event: BoardEvent, change: Change) -> None:
        is_places = isinstance(event, PlacesChanged) or self.board.size != self._size
        is_notices = isinstance(event, NoticesChanged)
        self._size = self.board.size
        if is_places:
            self._places_seq = change.seq
        if is_notices:
            self._notices_seq = change.seq
        self.deltas.hear(event, change, places=is_places, notices=is_notices)


def codes_of(event: BoardEvent) -> Iterator[str]:
    """Every outlet an event is about."""
    match event:
        case ItemsSet():
            return iter(())
        case ReservedSet():
            return iter(event.codes)
        case StockTick():
            return chain(event.codes, event.gone)
        case PlacesChanged() | NoticesChanged():
            return chain((one.code for one in event.upsert), event.gone)


_feeds: WeakKeyDictionary[object, BoardFeeds] = WeakKeyDictionary()


def feeds_of(db: Drawer) -> BoardFeeds:
    """The feeds of a drawer's board; from the first call on its changes are kept for readers that come back."""
    known = _feeds.get(db.sql)
    if known is None:
        known = _feeds[db.sql] = BoardFeeds(kept_of(db))
    return known
