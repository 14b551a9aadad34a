"""One search over a shelf: read the query, evaluate, order, count facets. Runs inside one read of the records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set

import msgspec

from banyan.errors import FieldError, Invalid, NotFound
from banyan.kernel.catalogue.messages import load_messages
from banyan.kernel.storage import TextIndex
from banyan.service.opendata.find.card import POSTED, Card
from banyan.service.opendata.find.evaluate import Evaluation, Matches, UnknownField
from banyan.service.opendata.find.shelf import Shelf
from banyan.wire.ckan.solr import And, Everything, Node, SolrSyntax, Term, parse, words

MESSAGES = load_messages("banyan.service.opendata.find")
DEFAULT_SORT = "score desc, metadata_modified desc"
_MANY = 2_000
"""Above this many matches counting by set intersection is faster than looking at each card (measured)."""


class Wanted(msgspec.Struct, frozen=True):
    """What to find. `filters` are Solr queries that must hold and do not rank; `hidden` includes what is not public."""

    q: str
    filters: tuple[str, ...]
    sort: str
    hidden: bool
    now: float


class Ordered(msgspec.Struct, frozen=True):
    """Every match in order; `scores` of those a text decided."""

    ids: list[str]
    scores: Mapping[str, float]


def search(shelf: Shelf, index: TextIndex, wanted: Wanted) -> Ordered:
    """Raises Invalid for a filter or a sort that cannot be read. A `q` that is no query is read as plain words."""
    key = (wanted.q, wanted.filters, wanted.sort, wanted.hidden, wanted.now // 60)
    kept = shelf.kept(key)
    if kept is not None:
        return Ordered(*kept)
    scope: Set[str] = shelf.cards.keys() if wanted.hidden else shelf.public
    evaluation = Evaluation(shelf, index, scope=scope, now=wanted.now)
    filters = [_filtered(evaluation, text) for text in wanted.filters if text.strip()]
    found = _ranked(evaluation, wanted.q, Evaluation(shelf, index, scope=scope, now=wanted.now))
    ids = set(found.ids).intersection(*(one.ids for one in filters)) if filters else found.ids
    ordered = order(shelf.cards, ids, found.scores, wanted.sort or DEFAULT_SORT)
    shelf.keep(key, ordered, found.scores)
    return Ordered(ordered, found.scores)


def _ranked(evaluation: Evaluation, q: str, of_words: Evaluation) -> Matches:
    """`of_words` counts its looks anew: plain words are one look, however many the query had."""
    try:
        return evaluation.run(parse(q))
    except (SolrSyntax, UnknownField):
        return of_words.run(_bare(words(q)))


def _bare(node: Node) -> Node:
    """Words that hold only punctuation find nothing in the index and are left out."""
    if not isinstance(node, And):
        return node
    parts = tuple(part for part in node.parts if isinstance(part, Term) and any(map(str.isalnum, part.text)))
    return And(parts) if parts else Everything()


def _filtered(evaluation: Evaluation, text: str) -> Matches:
    try:
        return evaluation.run(parse(text))
    except (SolrSyntax, UnknownField) as error:
        raise refused("filter", field="filters", reason=str(error)) from error


def order(cards: Mapping[str, Card], ids: Set[str], scores: Mapping[str, float], sort: str) -> list[str]:
    """The ids sorted by `field asc|desc, ...`; ties by id, so that pages never overlap."""
    found = sorted(ids)
    for field, descending in reversed(_sort_keys(sort)):
        if field == "score":
            if scores:
                found.sort(key=lambda id: scores.get(id, 0.0), reverse=descending)
        else:
            values = {id: _sort_value(cards[id], field) for id in found}
            found.sort(key=values.__getitem__, reverse=descending)
    return found


_SORTS = {
    "title_string": "title",
    "metadata_created": "created",
    "metadata_modified": "modified",
    "organization": "agency",
}
_SORTABLE = frozenset({"score", "id", "name", "title", "created", "modified", "agency"})


def _sort_keys(sort: str) -> list[tuple[str, bool]]:
    keys = []
    for part in sort.split(",")[:8]:
        field, _, way = part.strip().partition(" ")
        field = _SORTS.get(field, field)
        way = way.strip().lower()
        if field in ("views_recent", "views_total", "relevance"):
            field = "score"
        if field not in _SORTABLE or way not in ("", "asc", "desc"):
            raise refused("sort", field="sort", reason=part.strip())
        keys.append((field, way == "desc" or (field == "score" and not way)))
    return keys


def _sort_value(card: Card, field: str) -> str | float:
    match field:
        case "created":
            return card.created
        case "modified":
            return card.modified
        case "name":
            return card.name
        case "agency":
            return card.agency
        case "id":
            return card.id
        case _:
            return card.title


def facet_counts(shelf: Shelf, ids: Sequence[str], field: str) -> list[tuple[str, int]]:
    """How many of the matches carry each value of the field; most first, then by value. Raises NotFound."""
    if field not in POSTED:
        raise NotFound(f"facet {field}")
    if len(ids) > _MANY:
        found = set(ids)
        counts = Counter({value: len(found & holders) for value, holders in shelf.posts[field].items()})
    else:
        values = POSTED[field]
        counts = Counter(value for id in ids for value in values(shelf.cards[id]))
    return sorted(((value, n) for value, n in counts.items() if n), key=lambda pair: (-pair[1], pair[0]))


def refused(key: str, *, field: str, reason: str) -> Invalid:
    """A query that cannot be read: said in both languages, `fix` in the words of the syntax."""
    zh, en = (MESSAGES.text(f"{key}.title", lang, reason=reason) for lang in ("zh-Hant", "en"))
    remedy = f"{MESSAGES.text(f'{key}.remedy', 'zh-Hant')} {MESSAGES.text(f'{key}.remedy', 'en')}"
    return Invalid(f"{zh} {en}", remedy=remedy, fields=(FieldError(field, reason),), kind=f"search-{key}", status=400)
