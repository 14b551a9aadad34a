"""Bounds of travel history at visits, each with its reason. The house's other bounds are in limits.py."""

from __future__ import annotations

from typing import Final

KIB: Final = 1024

# CDS Hooks.
CDS_BODY: Final = 256 * KIB  # a prefetched Patient has 2-10 KB; clients also send what other services asked for
CDS_TOKEN: Final = 8 * KIB  # of a JSON Web Token: with an RSA-4096 signature it has under 2 KB
CDS_TOKEN_S: Final = 300.0  # the standard: exp no more than five minutes in the future
CDS_SKEW_S: Final = 60.0  # what two clocks that ask NTP may differ by, and a margin
CDS_CLIENTS: Final = 500  # record systems that one service knows: Taiwan has some 470 hospitals
CDS_ORIGINS: Final = 8  # web origins of one record system: production, test, a mirror
CDS_KEYS: Final = 8  # keys of one record system: the one in use, the next, and tests'
CDS_JWKS: Final = 64 * KIB  # of a JWK Set at a hospital's address: eight keys with certificates have under 30 KB
CDS_KEYS_FRESH_S: Final = 300.0  # a key that a hospital withdraws is believed no longer than that
CDS_KEYS_AGAIN_S: Final = 60.0  # between two questions for an unknown kid: anybody may send tokens with one
CDS_KEYS_STALE_S: Final = 30 * 86_400.0  # what was heard last holds while the address is down, as a directory's does
CDS_FEEDBACK: Final = 100  # cards of one feedback: a visit shows a few
CDS_FETCH: Final = 64 * KIB  # of a Patient that is fetched where the prefetch is missing
CDS_FETCH_S: Final = 3.0  # how long a doctor waits for it; then 412

# The register.
TRAVEL_BATCH: Final = 2_000  # persons of one delivery by immigration: an airliner's arrivals, five times
TRAVEL_STAYS: Final = 64  # stays kept of one person: what is older than the longest window is dropped
TRAVEL_WINDOW: Final = 92  # days of the longest window: Hubei of 2020 looked back three months
TRAVEL_PAPERS: Final = 8  # documents of one person: two nationalities, each passport changed, a resident number
TRAVEL_RULES: Final = 200  # rules on record: 2020 went through some 25
TRAVEL_AREAS: Final = 60  # areas of one rule: "Europe" of 19 March 2020 named 42

# Use.
TRAVEL_A_DAY: Final = 20_000  # look-ups of one hospital a day: the largest has 12,000 outpatients
TRAVEL_AN_HOUR: Final = 300  # look-ups of one clinician an hour: a fever station's fastest clerk has one in 12 s
TRAVEL_STRANGERS: Final = 40  # persons an hour whom no register knows, by one clinician: guessed numbers look like this
TRAVEL_LOOKS: Final = 200  # look-ups that a person's own page shows; the ledger holds all
TRAVEL_CONTESTS: Final = 5  # open contests of one person
TRAVEL_WORDS: Final = 500  # characters of a contest and of its decision
TRAVEL_SHOWN: Final = 100  # contests, clients and rules that an officer's page shows
TRAVEL_FEEDBACK_DAYS: Final = 90  # feedback on cards: a quarter's review of how often they were overridden
TOCC_TEXT: Final = 300  # characters of one answer in words
