"""Facets in memory: which document has which value, as flat arrays that count a whole result in microseconds."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]


class _Facet:
    """One facet's pairs (document number, value code), only ever added to."""

    def __init__(self) -> None:
        self.codes: dict[str, int] = {}
        self.values: list[str] = []
        self.documents = array("i")
        self.pairs = array("i")

    def add(self, n: int, value: str) -> None:
        code = self.codes.setdefault(value, len(self.values))
        if code == len(self.values):
            self.values.append(value)
        self.documents.append(n)
        self.pairs.append(code)


class Facets:
    """Facets of documents by number; a number is used once, a removed one stays dead."""

    def __init__(self) -> None:
        self._facets: dict[str, _Facet] = {}
        self._alive = bytearray()
        self.dead = 0

    def add(self, n: int, facets: Mapping[str, Sequence[str]]) -> None:
        assert n >= len(self._alive), f"document number {n} is used twice"
        self._alive.extend(bytes(n - len(self._alive)))
        self._alive.append(1)
        for name, values in facets.items():
            facet = self._facets.setdefault(name, _Facet())
            for value in dict.fromkeys(values):
                facet.add(n, value)

    def remove(self, n: int) -> None:
        self._alive[n] = 0
        self.dead += 1

    def alive(self) -> Mask:
        """Which numbers are documents."""
        return np.frombuffer(self._alive, dtype=np.bool_).copy()

    def any_of(self, name: str, values: Sequence[str]) -> Mask:
        """Which documents have at least one of the values."""
        mask = np.zeros(len(self._alive), dtype=np.bool_)
        facet = self._facets.get(name)
        codes = [facet.codes[value] for value in values if value in facet.codes] if facet else []
        if facet and codes:
            pairs = np.frombuffer(facet.pairs, dtype=np.int32)
            documents = np.frombuffer(facet.documents, dtype=np.int32)
            mask[documents[np.isin(pairs, codes)]] = True
        return mask

    def counts(self, name: str, mask: Mask) -> list[tuple[str, int]]:
        """(value, documents in `mask`) of a facet, most first, then by value."""
        facet = self._facets.get(name)
        if facet is None:
            return []
        documents = np.frombuffer(facet.documents, dtype=np.int32)
        pairs = np.frombuffer(facet.pairs, dtype=np.int32)
        found = np.bincount(pairs[mask[documents]], minlength=len(facet.values))
        counted = [(facet.values[code], int(found[code])) for code in np.flatnonzero(found)]
        return sorted(counted, key=lambda pair: (-pair[1], pair[0]))
