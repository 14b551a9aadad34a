"""Find a person among many by a name as somebody heard, typed or remembers it; the likeliest first.

Every two syllables of a name are a token: a name that shares one with the question (any order, any script, misheard
alike) is a candidate. So a name with one wrong character of three, a second surname by marriage (陳林美玉 for 林美玉)
or swapped parts is found, and a list of a million is never read through. Candidates are then compared place by place.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import combinations, pairwise, permutations, product
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from banyan.craft.match.syllables import Syllable, syllables_of
from banyan.limits_casualties import NAME_CANDIDATES, NAME_FOUND, NAME_SPELLINGS

SAME: Final = 1.0
SOUNDS: Final = 0.9
"""Another character or spelling of one sound."""
BLURS: Final = 0.75
NEAR: Final = 0.7
"""Words of letters that differ by one letter."""
SWAPPED: Final = 0.03
"""What the given name before the surname costs."""
SHUFFLED: Final = 0.06
"""What any other order costs."""
MORE: Final = 0.08
"""What each place costs that only one of the names has."""
MARRIED: Final = 0.03
LEAST: Final = 0.55
_WEIGHED: Final = 96
"""Candidates compared place by place: those that share most tokens."""
_SHORT: Final = 4
"""A word of fewer letters is not looked at for a wrong one."""
_EVERY: Final = 5
"""Places up to which all orders are tried."""


class Found(msgspec.Struct, frozen=True):
    """`place`: of the name in the list the index was built of; `score`: 0 to 1."""

    place: int
    score: float


class Index:
    """The tokens of a list of names, sorted: per token the places of the names that have it. It does not change."""

    __slots__ = ("_heard", "_names", "_numbers", "_places", "_signs", "_starts", "_tokens")

    def __init__(
        self,
        names: Sequence[str],
        numbers: dict[str, int],
        pairs: npt.NDArray[np.uint64],
        *,
        signs: npt.NDArray[np.uint32],
        heard: npt.NDArray[np.uint32],
    ) -> None:
        """`pairs`: token in the upper half, place in the lower, sorted; `signs`: each name's first ideographs; `heard`:
        the numbers of their sounds."""
        self._signs, self._heard = signs, heard
        tokens = (pairs >> np.uint64(32)).astype(np.uint32)
        self._names = names
        self._numbers = numbers
        self._tokens, self._starts = np.unique(tokens, return_index=True)
        self._places = (pairs & np.uint64(0xFFFFFFFF)).astype(np.uint32)

    def find(self, name: str, most: int = NAME_FOUND) -> list[Found]:
        """The names that may be meant, the likeliest first, then as listed; none for a name of one syllable."""
        asked = syllables_of(name)
        places = self._candidates(asked)
        weighed = [Found(place, likeness(asked, syllables_of(self._names[place]))) for place in places]
        likely = [one for one in weighed if one.score >= LEAST]
        return sorted(likely, key=lambda one: (-one.score, one.place))[:most]

    def _candidates(self, asked: Sequence[Syllable]) -> list[int]:
        wanted = {self._numbers[one] for one in _tokens(asked) if one in self._numbers}
        lists = [self._of(number) for number in sorted(wanted)]
        if not lists:
            return []
        places, counts = np.unique(np.concatenate(lists), return_counts=True)
        order = np.argsort(-counts, kind="stable")
        kept = places[order[:NAME_CANDIDATES]]
        if len(kept) > _WEIGHED:
            alike = counts[order[:NAME_CANDIDATES]].astype(np.int64)
            signs = self._signs[kept]
            for sign in {_number(one) for one in asked} - {0}:
                alike += 2 * (signs == sign).any(axis=1)
            heard = self._heard[kept]
            for one in asked:
                known = [self._numbers[sound] for sound in sorted(one.sounds) if sound in self._numbers]
                alike += np.isin(heard, known).any(axis=1)
            kept = kept[np.lexsort((kept, -alike))[:_WEIGHED]]
        return [int(one) for one in kept]

    def _of(self, number: int) -> npt.NDArray[np.uint32]:
        at = int(np.searchsorted(self._tokens, number))
        end = int(self._starts[at + 1]) if at + 1 < len(self._starts) else len(self._places)
        return self._places[int(self._starts[at]) : end]


def build(names: Sequence[str]) -> Index:
    """The index of these names; 24 us of CPU a name (bench/casualties.py)."""
    numbers: dict[str, int] = {}
    found = array("Q")
    signs, heard = (np.zeros((len(names), _EVERY), np.uint32) for _ in range(2))
    for place, name in enumerate(names):
        said = syllables_of(name)
        for at, one in enumerate(said[:_EVERY]):
            signs[place, at] = _number(one)
            heard[place, at] = numbers.setdefault(min(one.sounds), len(numbers) + 1)
        for token in _tokens(said):
            found.append(numbers.setdefault(token, len(numbers) + 1) << 32 | place)
    return Index(names, numbers, np.sort(np.frombuffer(found, np.uint64)), signs=signs, heard=heard)


def _number(one: Syllable) -> int:
    """An ideograph's; 0 for a word."""
    return ord(one.sign) if len(one.sign) == 1 else 0


def likeness(asked: Sequence[Syllable], other: Sequence[Syllable]) -> float:
    """How likely two names are one: 1 the same, 0 nothing in common. What is in only one of them counts against it."""
    few, many = sorted((asked, other), key=len)
    if not few:
        return 0.0
    alike = [[_alike(one, other) for other in many] for one in few]
    best = max(
        sum(row[place] for row, place in zip(alike, chosen, strict=True)) / len(few) - cost
        for chosen, cost in _orders(len(few), len(many))
    )
    return max(0.0, best)


@cache
def _orders(few: int, many: int) -> tuple[tuple[tuple[int, ...], float], ...]:
    """Which places of the longer name the shorter one's may stand for, and what each way costs."""
    chosen: Iterable[tuple[int, ...]] = permutations(range(many), few)
    if many > _EVERY:
        chosen = (tuple((start + at) % many for at in range(few)) for start in range(many))
    return tuple((one, _cost(one, many)) for one in chosen)


def _cost(chosen: tuple[int, ...], many: int) -> float:
    """Another order, and what only the longer name has: a surname before it by marriage costs less than another."""
    is_kept = all(before < after for before, after in pairwise(chosen))
    more = many - len(chosen)
    is_married = is_kept and more == 1 and chosen[0] == 1
    is_turned = sum(after <= before for before, after in pairwise((*chosen, chosen[0]))) <= 1
    return (0.0 if is_kept else SWAPPED if is_turned else SHUFFLED) + (MARRIED if is_married else MORE * more)


def _alike(one: Syllable, other: Syllable) -> float:
    if one.sign == other.sign:
        return SAME
    if not one.sounds.isdisjoint(other.sounds):
        return SOUNDS
    if not one.blurs.isdisjoint(other.blurs):
        return BLURS
    return NEAR if _is_near(one.sign, other.sign) else 0.0


def _is_near(one: str, other: str) -> bool:
    """Whether two words differ by one letter: another, one more, one fewer, or two that changed places."""
    if min(len(one), len(other)) < _SHORT or abs(len(one) - len(other)) > 1:
        return False
    start = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    rest, others = one[start:], other[start:]
    is_swapped = rest[:2] == others[1::-1] and rest[2:] == others[2:]
    return rest[1:] == others[1:] or rest[1:] == others or rest == others[1:] or is_swapped


def _tokens(name: Sequence[Syllable]) -> set[str]:
    """Each two places by their blurred sounds, in an order of their own; a word that is no Chinese alone too."""
    pairs = {
        f"{min(a, b)} {max(a, b)}"
        for one, other in combinations(name, 2)
        for a, b in product(sorted(one.blurs)[:NAME_SPELLINGS], sorted(other.blurs)[:NAME_SPELLINGS])
    }
    return pairs | {one.sign for one in name if len(name) > 1 and len(one.sign) >= _SHORT and one.sign in one.blurs}
