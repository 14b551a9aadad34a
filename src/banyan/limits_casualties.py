"""Bounds of the casualty look-up, each with its reason. The house's other bounds are in limits.py."""

from __future__ import annotations

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

# PFIF documents.
PFIF_RECORDS: Final = 2_000  # persons and notes of one document; Person Finder asked for 100 persons a post
PFIF_FIELD_CHARACTERS: Final = 20_000  # of one field: a note's text is a few sentences
PFIF_SHEET: Final = 4 * MIB  # characters of one imported sheet: 2,000 lines of 2 KB
PFIF_RESULTS: Final = 200  # of one search or feed page: Person Finder's own hard bound
PFIF_FAULTS: Final = 200  # faults told of one document: who sends more has a broken programme, not a typing error

# Names.
NAME_CHARACTERS: Final = 200  # of one written name: the longest on an identity card here has under 50
NAME_WORDS: Final = 12  # words of one name that are compared
NAME_SPELLINGS: Final = 12  # readings of one word that are compared
NAME_CANDIDATES: Final = 4_000  # records that one ranked search weighs: a common surname in a city's disaster has fewer
NAME_FOUND: Final = 50  # records that a ranked search shows

# The register of casualties.
CASUALTY_ROWS: Final = 500  # of one report: the largest emergency room's day
CASUALTY_TEXT: Final = 256 * KIB  # of one pasted sheet: 500 rows of 500 bytes
CASUALTY_FIELD: Final = 100  # characters of one cell
CASUALTY_FAULTS: Final = 50  # faulty lines told at once: more is another sheet
CASUALTY_DAYS: Final = 40  # after the last report: Person Finder's own default, and PDPA asks for an end
CASUALTY_TRIES: Final = (
    30  # questions about one name a day, right or wrong: a family asks a few times, a guesser 10,000
)
CASUALTY_SMALL: Final = 3  # persons; groups of fewer are not told to the press
CASUALTY_MOST: Final = 100_000  # persons of one register that the staff's search reads: 八仙塵爆 had 499
CASUALTY_FOUND: Final = 20  # persons that the staff's search shows
CASUALTY_LOOKS: Final = 200  # looks at one person that her list shows: a day of a family and two agencies
CASUALTY_PAIRS: Final = 50  # proposals shown at once: an officer decides one in a minute
CASUALTY_WEIGHED: Final = 5_000  # records that the search for doubles weighs, the newest: ten times 八仙塵爆
CASUALTY_FILE: Final = 64 * MIB  # of a list given to the command: a nation's hospitals for a week
