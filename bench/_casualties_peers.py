"""The peers of bench/casualties.py: rapidfuzz by brute force, and Person Finder's rules restated.

`python _casualties_peers.py NAMES QUESTIONS`: runs rapidfuzz (in .venv-peers) and prints, a line a question, the
microseconds of CPU and the places of its 50 best. Person Finder ran on App Engine; `PersonFinder` restates what its
ranking did (field notes s6): ideographs are words, all words must be there (letters by prefix), then ranks 10 to 5.
"""

from __future__ import annotations

import json
import sys
import time
import unicodedata
from collections import defaultdict
from pathlib import Path

MOST = 50


def tokens(name: str) -> list[str]:
    """Person Finder's words: upper case without accents and apostrophes, each ideograph one."""
    plain = "".join(c for c in unicodedata.normalize("NFD", name).upper() if not unicodedata.combining(c) and c != "'")
    found = "".join(f" {c} " if "\u3400" <= c <= "\u9fff" else c if c.isalnum() else " " for c in plain)
    return found.split()


class PersonFinder:
    """`read`: how it romanised a Chinese name, surname first (Hanyu, by unidecode): words of it count too."""

    def __init__(self, names: list[str], read: list[str]) -> None:
        self.names, self.read = names, read
        places: defaultdict[str, list[int]] = defaultdict(list)
        for place, (name, said) in enumerate(zip(names, read, strict=True)):
            for token in {*tokens(name), *tokens(said)}:
                places[token].append(place)
        self.places = {token: frozenset(found) for token, found in places.items()}

    def find(self, question: str) -> list[int]:
        asked = tokens(question)
        lists = sorted((self.places.get(one, frozenset()) for one in asked), key=len)
        if not lists:
            return []
        left = set(lists[0])
        for other in lists[1:]:
            left &= other
        ranked = sorted(
            left,
            key=lambda place: (-max(self._rank(asked, self.names[place]), self._rank(asked, self.read[place])), place),
        )
        return ranked[:MOST]

    def _rank(self, asked: list[str], name: str) -> float:
        own = tokens(name)
        if asked == own:
            return 10
        if own and (asked == own[1:] + own[:1]):
            return 9
        if sorted(asked) == sorted(own):
            return 8
        if set(asked) <= set(own):
            return 6
        return 5 if set(asked) & set(own) else 0


def main() -> None:
    from rapidfuzz import fuzz, process

    names = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    for question in json.loads(Path(sys.argv[2]).read_text("utf-8")):
        started = time.process_time()
        found = process.extract(question, names, scorer=fuzz.token_sort_ratio, processor=None, limit=MOST)
        print(json.dumps([(time.process_time() - started) * 1e6, [place for _, _, place in found]]))


if __name__ == "__main__":
    main()
