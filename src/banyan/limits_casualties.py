"""Bounds of the casualty look-up, each with its reason. The house's other bounds are in limits.py."""

from __future__ import annotations

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

# PFIF documents.
PFIF_RECORDS: Final = 2_000  # persons and notes of one document; Person Finder asked for 100 persons a post
PFIF_FIELD_CHARACTERS: Final = 20_000  # of one field: a note's text is a few sentences
PFIF_RESULTS: Final = 200  # of one search or feed page: Person Finder's own hard bound
PFIF_FAULTS: Final = 200  # faults told of one document: who sends more has a broken programme, not a typing error

# Names.
NAME_CHARACTERS: Final = 200  # of one written name: the longest on an identity card here has under 50
NAME_WORDS: Final = 12  # words of one name that are compared
NAME_SPELLINGS: Final = 12  # readings of one word that are compared
NAME_CANDIDATES: Final = 4_000  # records that one ranked search weighs: a common surname in a city's disaster has fewer
NAME_FOUND: Final = 50  # records that a ranked search shows
