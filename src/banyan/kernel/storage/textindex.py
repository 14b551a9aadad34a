"""Text search over a service's documents: derived from its records, so it may be deleted and is built again.

Chinese is found by substring with nothing lost (bigrams, `grams.py`), after folding (`fold.py`); ranked by BM25 with
weights; filtered and counted by facets. `followed` says how far in its source the index is, for catching up at start.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Final, TypeVar, cast

import apsw
import msgspec
import numpy as np

from banyan.errors import Unavailable
from banyan.kernel.storage.facets import Facets, Mask
from banyan.kernel.storage.grams import grams, match_query
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Row, SqlValue
from banyan.limits import INDEX_BATCH_DOCUMENTS

SQL: Final = load_statements("banyan.kernel.storage", "textindex.sql", is_portable=False)
FORM: Final = 1
"""Raised when folding, bigrams or tables change: an index of another form is built anew."""
RANKS: Final = MappingProxyType(
    {
        "title": "a",
        **dict.fromkeys(("name", "tags", "keywords", "agency", "theme", "organization", "groups"), "b"),
        **dict.fromkeys(("notes", "description", "columns"), "c"),
    }
)
"""Rank class of each field's name, a (12x) b (6x) c (2x); any other field is d (1x)."""
T = TypeVar("T")
Where = Mapping[str, Sequence[str]]
NOTHING: Final[Where] = MappingProxyType({})


class Document(msgspec.Struct, frozen=True):
    """What is indexed of one thing. Field names choose the rank (`RANKS`); facet values are compared as they are."""

    id: str
    fields: Mapping[str, str]
    facets: Mapping[str, Sequence[str]] = {}


class Hit(msgspec.Struct, frozen=True):
    """A found document; a higher score is better, 0.0 without a query."""

    id: str
    score: float


class TextIndex:
    """The index in the file `path`; made anew when absent, damaged, or of another form.

    `where` filters: a document passes when, for every facet named, it has at least one of the values.
    `every` is stricter: it has all of the values.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._gate = threading.RLock()
        try:
            self._open()
        except (apsw.CorruptError, apsw.NotADBError, apsw.SQLError, _OtherForm):
            self._start_anew()

    def put(self, id: str, fields: Mapping[str, str], facets: Mapping[str, Sequence[str]] = NOTHING) -> None:
        """Add a document, or replace the one with this id."""
        self.put_many([Document(id, fields, facets)])

    def put_many(self, documents: Iterable[Document]) -> None:
        """Add or replace many (35,000 titles: a second). In small transactions, so that searches go on meanwhile."""
        waiting = iter(documents)
        while chunk := tuple(islice(waiting, INDEX_BATCH_DOCUMENTS)):
            with self._writing():
                for document in chunk:
                    self._put(document)
        self._pack_when_wasteful()

    def remove(self, id: str) -> None:
        """Forget a document. Absent is fine."""
        with self._writing():
            self._remove(id)

    def clear(self) -> None:
        """Forget everything, before building again."""
        with self._gate:
            self._start_anew()

    def search(
        self, q: str, *, where: Where = NOTHING, every: Where = NOTHING, limit: int | None = None, offset: int = 0
    ) -> list[Hit]:
        """The documents that hold every word of `q` (all when it is empty), best first, `limit` from `offset` on."""
        with self._gate:
            if not q.strip():
                numbers = np.flatnonzero(self._passing(where, every))
                return [Hit(self._ids[n], 0.0) for n in _page(numbers.tolist(), limit, offset)]
            query = match_query(q)
            if not query:
                return []
            if not where and not every:
                most = -1 if limit is None else limit
                pairs = _scored(self._ask("best", query=query, limit=most, offset=offset))
                return [Hit(self._ids[n], -score) for n, score in pairs]
            mask = self._passing(where, every)
            found = sorted((score, n) for n, score in _scored(self._ask("scored", query=query)) if mask[n])
            return [Hit(self._ids[n], -score) for score, n in _page(found, limit, offset)]

    def count(self, q: str, *, where: Where = NOTHING, every: Where = NOTHING) -> int:
        """How many documents `search` finds in all."""
        with self._gate:
            return int(np.count_nonzero(self._found(q, where, every)))

    def facets(
        self, q: str, names: Sequence[str], *, where: Where = NOTHING, every: Where = NOTHING
    ) -> dict[str, list[tuple[str, int]]]:
        """For each facet named: (value, number of found documents), most first."""
        with self._gate:
            mask = self._found(q, where, every)
            return {name: self._facets.counts(name, mask) for name in names}

    @property
    def followed(self) -> int:
        """The position in its source (a feed's seq) that the index has reached; 0 when it must be built."""
        with self._gate:
            return next(_numbers(self._run("get_meta", key="followed")), 0)

    def follow(self, position: int) -> None:
        """Remember the position reached."""
        with self._gate:
            self._run("set_meta", key="followed", value=position)

    def __len__(self) -> int:
        return len(self._numbers)

    def close(self) -> None:
        with self._gate:
            self._connection.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._gate:
            try:
                with self._connection:
                    yield
            except apsw.CorruptError as error:
                raise self._made_anew() from error
            except BaseException:
                self._load()  # the transaction went back, so what memory knows must too
                raise

    def _found(self, q: str, where: Where, every: Where) -> Mask:
        mask = self._passing(where, every)
        if not q.strip():
            return mask
        query = match_query(q)
        hits = np.zeros(len(mask), dtype=np.bool_)
        if query:
            hits[list(_numbers(self._ask("matching", query=query)))] = True
        return mask & hits

    def _passing(self, where: Where, every: Where) -> Mask:
        mask = self._facets.alive()
        for name, values in where.items():
            mask &= self._facets.any_of(name, values)
        for name, values in every.items():
            for value in values:
                mask &= self._facets.any_of(name, [value])
        return mask

    def _put(self, document: Document) -> None:
        self._remove(document.id)
        n = self._next
        self._next += 1
        texts: dict[str, list[str]] = {"a": [], "b": [], "c": [], "d": []}
        for field, text in document.fields.items():
            texts[RANKS.get(field, "d")].append(text)
        facets = msgspec.json.encode({name: list(values) for name, values in document.facets.items()}).decode()
        self._run("put_document", n=n, id=document.id, facets=facets)
        self._run("put_words", n=n, **{rank: grams("\n".join(parts)) for rank, parts in texts.items()})
        self._remember(n, document.id, document.facets)

    def _remove(self, id: str) -> None:
        n = self._numbers.pop(id, None)
        if n is not None:
            self._run("remove_document", n=n)
            self._run("remove_words", n=n)
            self._facets.remove(n)
            del self._ids[n]

    def _remember(self, n: int, id: str, facets: Mapping[str, Sequence[str]]) -> None:
        self._ids[n] = id
        self._numbers[id] = n
        self._facets.add(n, facets)

    def _run(self, name: str, **values: SqlValue) -> list[Row]:
        return self._connection.execute(SQL[name].text, values).fetchall()

    def _ask(self, name: str, **values: SqlValue) -> list[Row]:
        """A search. A file that rotted under us is made anew; its owner finds `followed` at 0 and builds it."""
        try:
            return self._run(name, **values)
        except apsw.CorruptError as error:
            raise self._made_anew() from error

    def _made_anew(self) -> Unavailable:
        self._start_anew()
        return Unavailable(
            "The search index was damaged.", remedy="Restart the node: it builds the index again.", kind="index-damaged"
        )

    def _open(self) -> None:
        self._connection = apsw.Connection(os.fspath(self._path))
        # Derived data: a power cut may cost the last moments, which `followed` lets the owner put back.
        self._connection.execute("pragma journal_mode=wal; pragma synchronous=normal")
        for name in ("make_meta", "make_documents", "make_words"):
            self._run(name)
        if self._run("get_meta", key="form") != [(FORM,)]:
            if self._run("all_documents"):
                raise _OtherForm
            self._run("set_meta", key="form", value=FORM)
        self._load()

    def _load(self) -> None:
        self._ids: dict[int, str] = {}
        self._numbers: dict[str, int] = {}
        self._facets = Facets()
        self._next = 1
        for n, id, facets in cast("list[tuple[int, str, str]]", self._run("all_documents")):
            self._remember(n, id, msgspec.json.decode(facets, type=dict[str, list[str]]))
            self._next = n + 1

    def _start_anew(self) -> None:
        self._connection.close()
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self._path}{suffix}").unlink(missing_ok=True)
        self._open()

    def _pack_when_wasteful(self) -> None:
        """Removed documents leave holes in the facet arrays; make them again when holes are the greater part."""
        with self._gate:
            if self._facets.dead > 1_000 + len(self._numbers):
                self._load()


class _OtherForm(Exception):
    """The file was made by another version of folding, bigrams or tables."""


def _scored(rows: list[Row]) -> list[tuple[int, float]]:
    return cast("list[tuple[int, float]]", rows)


def _numbers(rows: list[Row]) -> Iterator[int]:
    return (cast(int, value) for (value,) in rows)


def _page(found: list[T], limit: int | None, offset: int) -> list[T]:
    return found[offset : None if limit is None else offset + limit]
