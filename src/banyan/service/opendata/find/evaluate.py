"""A query tree over the shelf and the text index: which datasets, and how well each fits.

Words side by side go to the text index together, so that it ranks them as one question. Everything else is set
algebra. Times are seconds; `scope` is what the caller may see.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Set

import msgspec

from banyan.kernel.storage import TextIndex, fold
from banyan.limits import SEARCH_LOOKS
from banyan.service.opendata.find.card import EXACT, POSTED, TIMES, WHOLE_TEXT, WORDED, Card, Values, extra
from banyan.service.opendata.find.shelf import Shelf
from banyan.wire.ckan.moments import read_moment
from banyan.wire.ckan.solr import And, Everything, Node, Not, Or, Range, Term, pattern_regex


class UnknownField(ValueError):
    """The query asks for a field that datasets do not have, for a time that is none, or for too much; it says so."""


class Matches(msgspec.Struct, frozen=True):
    """The ids that match; `scores` only where a text decided, higher is better."""

    ids: Set[str]
    scores: dict[str, float] = {}


class Evaluation:
    """One search: the shelf and index it reads, the time it is asked at."""

    def __init__(self, shelf: Shelf, index: TextIndex, *, scope: Set[str], now: float) -> None:
        self._shelf = shelf
        self._index = index
        self._scope = scope
        self._now = now
        self._looks = 0

    def run(self, node: Node) -> Matches:
        """Raises UnknownField, and Invalid when a text is longer than the index takes."""
        match node:
            case Everything(field=field):
                return Matches(self._scope if not field or field == "*" else self._with_any(field))
            case Term():
                return self._term(node)
            case Range():
                return Matches(self._range(node))
            case Not(part=part):
                return Matches(self._scope - self.run(part).ids)
            case And(parts=parts):
                return self._all(parts)
            case Or(parts=parts):
                return self._any(parts)

    def _all(self, parts: tuple[Node, ...]) -> Matches:
        texts = [part for part in parts if _is_text(part)]
        found = [self._text(" ".join(_as_words(text) for text in texts))] if texts else []
        found += [self.run(part) for part in parts if part not in texts]
        ids = set.intersection(*(set(one.ids) for one in found)) if len(found) > 1 else found[0].ids
        return Matches(ids, _added(found))

    def _any(self, parts: tuple[Node, ...]) -> Matches:
        found = [self.run(part) for part in parts]
        return Matches(set().union(*(one.ids for one in found)), _added(found))

    def _term(self, term: Term) -> Matches:
        if term.field in WHOLE_TEXT and not term.is_pattern:
            return self._text(_as_words(term))
        if term.field in WHOLE_TEXT:
            # The index finds any part of a word, so the pattern's own letters are enough.
            return self._text(" ".join(re.split(r"[*?]+", term.text)))
        if term.field in POSTED and not term.is_pattern:
            return Matches(self._shelf.carrying(term.field, fold(term.text)) & self._scope)
        if term.field in TIMES:
            return Matches(self._range(Range(term.field, term.text, term.text)))
        if term.is_pattern:
            pattern = _folded_pattern(term.text) if term.field in WORDED else term.text
            regex = re.compile(pattern_regex(pattern), re.IGNORECASE | re.DOTALL)
            return Matches(self._scan(_values(term.field), lambda value: regex.fullmatch(value) is not None))
        if term.field in WORDED:
            wanted = fold(term.text)
            return Matches(self._scan(WORDED[term.field], lambda value: wanted in value))
        return Matches(self._whole(term.field).get(fold(term.text), frozenset[str]()))

    def _whole(self, field: str) -> dict[str, set[str]]:
        """Ids by the folded value of a field: made once a change, so that a list of a thousand ids is one look."""
        key = (field, len(self._scope) == len(self._shelf.cards))
        found = self._shelf.whole.get(key)
        if found is None:
            values = _values(field)
            self._look()
            found = {}
            for id in self._scope:
                for value in values(self._shelf.cards[id]):
                    found.setdefault(fold(value), set()).add(id)
            if field in EXACT:
                self._shelf.whole[key] = found
        return found

    def _look(self) -> None:
        self._looks += 1
        if self._looks > SEARCH_LOOKS:
            raise UnknownField(f"more than {SEARCH_LOOKS} texts, patterns and ranges in one query")

    def _text(self, words: str) -> Matches:
        if not words.strip():
            return Matches(self._scope)
        self._look()
        scores = {hit.id: hit.score for hit in self._index.search(words) if hit.id in self._scope}
        hidden = self._scope - self._shelf.public
        if hidden:  # what is not public is not in the index: its few cards carry their text
            parts = fold(words).split()
            cards = (self._shelf.cards[id] for id in hidden)
            scores |= {card.id: 0.0 for card in cards if all(part in card.text for part in parts)}
        return Matches(scores.keys(), scores)

    def _range(self, span: Range) -> Set[str]:
        if span.field not in TIMES:
            return self._scan(_values(span.field), _between(span))
        try:
            low = read_moment(span.low, self._now) if span.low else float("-inf")
            high = read_moment(span.high, self._now) if span.high else float("inf")
        except ValueError as error:
            raise UnknownField(f"Invalid date: {span.low} TO {span.high}") from error
        self._look()
        moment = TIMES[span.field]
        low_in, high_in = span.with_low, span.with_high

        def holds(card: Card) -> bool:
            at = moment(card)
            return (low < at or (low_in and at == low)) and (at < high or (high_in and at == high))

        return {id for id in self._scope if holds(self._shelf.cards[id])}

    def _with_any(self, field: str) -> Set[str]:
        if field in TIMES or field in WHOLE_TEXT:
            return self._scope
        return self._scan(_values(field), lambda value: True)

    def _scan(self, values: Values, test: Callable[[str], bool]) -> set[str]:
        self._look()
        cards = self._shelf.cards
        return {id for id in self._scope if any(test(value) for value in values(cards[id]))}


def _values(field: str) -> Values:
    for known in (POSTED, EXACT, WORDED):
        if field in known:
            return known[field]
    if field.startswith("extras_"):
        return extra(field.removeprefix("extras_"))
    if field.startswith("vocab_"):
        return lambda card: ()
    raise UnknownField(f"undefined field {field}")


def _between(span: Range) -> Callable[[str], bool]:
    def holds(value: str) -> bool:
        above = not span.low or span.low < value or (span.with_low and span.low == value)
        return above and (not span.high or value < span.high or (span.with_high and value == span.high))

    return holds


def _folded_pattern(pattern: str) -> str:
    return "".join(piece if piece in ("*", "?") else fold(piece) for piece in re.split(r"([*?])", pattern))


def _is_text(node: Node) -> bool:
    return isinstance(node, Term) and node.field in WHOLE_TEXT and not node.is_pattern


def _as_words(term: Node) -> str:
    assert isinstance(term, Term), "only terms are words"
    return '"' + term.text.replace('"', " ") + '"' if term.is_phrase else term.text.replace('"', " ")


def _added(found: list[Matches]) -> dict[str, float]:
    """The scores of all parts together; the usual single scored part is taken as it is."""
    scored = [one.scores for one in found if one.scores]
    if len(scored) < 2:
        return scored[0] if scored else {}
    total = dict(scored[0])
    for scores in scored[1:]:
        for id, score in scores.items():
            total[id] = total.get(id, 0.0) + score
    return total
