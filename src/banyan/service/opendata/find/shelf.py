"""The shelf: a card of every dataset in memory, kept true by the change feed.

It is brought up to date at the start of each search, in the same read of the records, so a dataset saved a moment ago
is found. Used by several reading threads, one at a time (`lock`).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Set
from weakref import WeakKeyDictionary

import msgspec

from banyan.errors import Limit
from banyan.kernel.events import feed
from banyan.kernel.storage import TextIndex, Tx, fold
from banyan.limits import FEED_PAGE_EVENTS, SEARCH_DATASETS, SEARCH_ORDERS
from banyan.service.opendata import registry
from banyan.service.opendata.find.card import POSTED, Card, card_of
from banyan.service.opendata.model import Dataset

_SHELVES: WeakKeyDictionary[TextIndex, Shelf] = WeakKeyDictionary()
WHOLE = ("agency.saved",)
"""Topics after which many cards may differ: an agency's name stands on each of its datasets' cards."""


class _Subject(msgspec.Struct):
    """The dataset id in an event's data: `id` of a dataset's own events, `dataset` of its versions'."""

    id: str = ""
    dataset: str = ""


class Shelf:
    """`cards` by id; `posts[field][value]` the ids that carry the value; `folded[field][fold(value)]` its spellings.
    `orders` and `whole` are finished work, good until something changes."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.seq = -1
        self.revision = 0
        self.orders: OrderedDict[object, tuple[int, list[str], dict[str, float]]] = OrderedDict()
        self.whole: dict[tuple[str, bool], dict[str, set[str]]] = {}
        self._clear()

    def _clear(self) -> None:
        self.cards: dict[str, Card] = {}
        self.public: set[str] = set()
        self.posts: dict[str, dict[str, set[str]]] = {field: {} for field in POSTED}
        self.folded: dict[str, dict[str, set[str]]] = {field: {} for field in POSTED}

    def catch_up(self, tx: Tx) -> None:
        """Read what changed since the last search; everything at first, or when the feed no longer reaches back."""
        newest = feed.newest(tx)
        if newest == self.seq:
            return
        events = feed.page(tx, self.seq) if self.seq >= 0 else []
        reaches = self.seq >= 0 and newest - self.seq <= FEED_PAGE_EVENTS and len(events) == newest - self.seq
        if not reaches or any(event.topic in WHOLE for event in events):
            self._load(tx)
        else:
            subjects = [msgspec.json.decode(event.data, type=_Subject) for event in events if _is_about(event.topic)]
            self._renew(tx, {subject.dataset or subject.id for subject in subjects})
        self.seq = newest
        self.revision += 1
        self.whole.clear()

    def keep(self, key: object, ordered: list[str], scores: dict[str, float]) -> None:
        """Remember a finished search until something changes."""
        self.orders[key] = (self.revision, ordered, scores)
        while len(self.orders) > SEARCH_ORDERS:
            self.orders.popitem(last=False)

    def kept(self, key: object) -> tuple[list[str], dict[str, float]] | None:
        found = self.orders.get(key)
        return found[1:] if found is not None and found[0] == self.revision else None

    def carrying(self, field: str, folded_value: str) -> Set[str]:
        """Ids of the cards that carry the value in any spelling."""
        spellings = self.folded[field].get(folded_value, ())
        return set().union(*(self.posts[field][value] for value in spellings))

    def _load(self, tx: Tx) -> None:
        self._clear()
        agencies = {agency.id: agency.name for agency, _ in registry.all_agencies(tx)}
        medals: dict[str, str] = {quality.dataset_id: quality.medal for quality in registry.latest_qualities(tx)}
        for dataset in registry.all_datasets(tx):
            self._put(card_of(dataset, agency=agencies.get(dataset.agency_id, ""), medal=medals.get(dataset.id, "")))
        if len(self.cards) > SEARCH_DATASETS:
            raise Limit(f"The catalogue holds more than {SEARCH_DATASETS} datasets.", kind="search-datasets")

    def _renew(self, tx: Tx, ids: Iterable[str]) -> None:
        for id in ids:
            self._drop(id)
            dataset = registry.dataset_by(tx, id) if id else None
            if dataset is not None and dataset.id == id:
                self._put(_card(tx, dataset))

    def _put(self, card: Card) -> None:
        self.cards[card.id] = card
        if card.is_public:
            self.public.add(card.id)
        for field, values in POSTED.items():
            for value in values(card):
                self.posts[field].setdefault(value, set()).add(card.id)
                self.folded[field].setdefault(fold(value), set()).add(value)

    def _drop(self, id: str) -> None:
        card = self.cards.pop(id, None)
        self.public.discard(id)
        if card is None:
            return
        for field, values in POSTED.items():
            for value in values(card):
                holders = self.posts[field][value]
                holders.discard(id)
                if not holders:
                    del self.posts[field][value]
                    self.folded[field][fold(value)].discard(value)


def shelf_of(index: TextIndex) -> Shelf:
    """The one shelf beside a drawer's text index."""
    return _SHELVES.setdefault(index, Shelf())


def _is_about(topic: str) -> bool:
    return topic.startswith(("dataset.", "version.", "quality."))


def _card(tx: Tx, dataset: Dataset) -> Card:
    agency = registry.agency_by(tx, dataset.agency_id) if dataset.agency_id else None
    quality = next(iter(registry.quality_series(tx, dataset.id)), None)
    return card_of(dataset, agency=agency.name if agency else "", medal=quality.medal if quality else "")
