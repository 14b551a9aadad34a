"""Bounds of rationing, each with its reason. The house's other bounds are in limits.py."""

from __future__ import annotations

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

# Rules and commands (service/rationing/engine).
RATION_NAME: Final = 40  # characters of an item, an outlet, a reason: an NHI outlet code has 10
RATION_QTY: Final = 255  # units of one sale: a family's largest ration of 2020 was 40; a purchase is kept in 4 bytes
RATION_STOCK: Final = 2_000_000_000  # units of one item at one outlet: a nation's pot of a year
RATION_ITEMS: Final = 250  # kinds of things: 2020 had two
RATION_OUTLETS: Final = 1_000_000  # places that sell
RATION_WINDOW_DAYS: Final = 366  # of one rule: the longest of 2020 had two months
RATION_HISTORY_DAYS: Final = 62  # purchases are kept so long at least: a new rule's longer window looks back so far
RATION_RULES: Final = 200  # of one edition
RATION_EDITIONS: Final = 1_000  # of a rule book: a change a week for twenty years
RATION_PROXIES: Final = 20  # other persons' cards that one may bring: a care home's errand
RATION_BOOK_BYTES: Final = 1 * MIB  # of a rule book's file

# The engine.
RATION_GROUP: Final = 512  # commands written with one flush: 2 ms of work, so that nobody waits long for others
RATION_WAITING: Final = 20_000  # commands that wait for the disk: 0.2 s of a nation's peak times a hundred

# Preorder (service/rationing/preorder). Money is whole NT$.
PREORDER_TITLE: Final = 60  # characters of a round's name: it stands on a slip of paper
PREORDER_QUANTITY: Final = 255  # units of one order: RATION_QTY
PREORDER_CAPACITY: Final = 30_000_000  # people of one round: the nation with room
PREORDER_PRICE: Final = 100_000  # of one order: goods of a ration are cheap; a slip of the keyboard is not
PREORDER_OUTLETS: Final = 200  # chains or stores named by one round: 2020 had four chains
PREORDER_REMINDERS: Final = 4  # before one payment's end: more is noise, and noise is taken for fraud
PREORDER_ROUNDS: Final = 500  # rounds of a node that are listed: one a week for ten years
PREORDER_BATCH: Final = 500  # orders moved in one commit: the engine's group, and a few milliseconds
PREORDER_TURNS: Final = 40  # batches of one turn of the clock's worker, then others have theirs
PREORDER_CHARGES: Final = 10  # charges of one order: people change their mind about how to pay, not twenty times
PREORDER_MESSAGES: Final = 50  # told about one order and shown: its whole life has about ten
PREORDER_WORD_BYTES: Final = 16 * KIB  # of one word from the provider: it has seven fields
PREORDER_WORD_S: Final = 300  # a word's signature is believed this long: retries are signed anew
PREORDER_WORDS: Final = 50  # words about one charge: a card tried again and again
PREORDER_DRAW_S: Final = 600.0  # from the end of registration to the randomness: the list is made and witnessed
PREORDER_DRAWS: Final = 9  # draws of one round, each after a void one: a number of one digit
PREORDER_COUNTED: Final = 5_000  # orders from which on a round's figures are kept for a moment: counting takes 2 ms
PREORDER_COUNT_S: Final = 10.0  # so long: everybody looks when a draw is out
PREORDER_TELL_S: Final = 600.0  # after an end, for a payment made in time to be told: ATM banks tell within minutes
PREORDER_SILENT_S: Final = 21_600.0  # a provider that does not answer delays an end so long: an outage of six hours
PREORDER_REFUND_TRIES: Final = 5  # then a person pays it out: a closed account stays closed
PREORDER_REFUND_WAIT_S: Final = 3_600.0  # between tries of a refund, growing
PREORDER_CHAT_CODE_S: Final = 600.0  # a code that links a chat: long enough to change from one app to another
PREORDER_KEEP_S: Final = 90 * 86_400.0  # after a round: time to complain and to be paid back; then persons go
PREORDER_HOLD_S: Final = 30 * 86_400.0  # the engine's pledge beyond the pickup: the worker ends it, this is the net

# Selling without a network (service/rationing/offline). Reasons of the sizes: docs/decisions/0116.
OFFLINE_LEASE_S: Final = 24 * 3_600  # of a lease: a day's sale, and the night in which a cable is mended
OFFLINE_GRACE_S: Final = 72 * 3_600  # after it, for receipts to come: longer than any typhoon's blackout of 2015-2024
OFFLINE_SNAPSHOT_S: Final = 24 * 3_600  # a snapshot's life: it is of no use to a thief the day after
OFFLINE_ASKED_S: Final = 600  # a terminal's clock may differ so much when it asks for a lease
OFFLINE_LEASES: Final = 20  # open ones of a terminal: two items, topped up through a long day
OFFLINE_LEASE_QTY: Final = 5_000  # units of one lease: eight days of a pharmacy's 600 masks
OFFLINE_RESERVE: Final = 0.03  # of a lease, for persons whom a filter takes for served: three times its 1 % of others
OFFLINE_RECEIPTS: Final = 200  # of one merge: a pharmacy's day in 2020
OFFLINE_RECEIPT: Final = 2_000  # characters of one receipt: about 1,000 with its sealed card
OFFLINE_FILTER_BITS: Final = 16 * 8 * MIB  # 13 million persons at 1 %: past that a filter gets coarser, not longer
OFFLINE_EPOCH_S: Final = 7 * 86_400  # marks are keyed anew each week
OFFLINE_EPOCHS: Final = 6  # weeks of marks that a snapshot looks back: the longest window of a counter in 2020 is 2
OFFLINE_NOTES: Final = 2_000  # sales online whose marks are written together: ten seconds of a nation's peak
OFFLINE_EVIDENCE_S: Final = 60 * 86_400  # sealed cards are kept after a merge: the time to object to what it found
OFFLINE_MISSING: Final = 50  # missing receipts of a chain that are named
OFFLINE_SWEEP: Final = 500  # leases or receipts of one turn of the sweep
OFFLINE_SWEEP_S: Final = 300.0  # between turns: unsold goods wait so long past their grace
OFFLINE_TERMINALS: Final = 50  # of one outlet that are listed

# The counter (service/rationing/counter).
COUNTER_OUTLETS: Final = (
    100  # outlets of one agency: a chain's pharmacists stand at one, a county's health centres are 30
)
COUNTER_ITEMS: Final = 50  # items of one outlet on its sheet: 2020 had two
COUNTER_NOTICE: Final = 200  # characters of an outlet's own words: they stand beside its name on a map
COUNTER_PLATES: Final = 2_000  # numbers of one outlet on a day: the busiest of 2020 served 200
COUNTER_PLATE_S: Final = 3 * 3_600.0  # a number waits so long before it is called: a morning's queue
COUNTER_CALLED_S: Final = 15 * 60.0  # after it is called it is kept so long: the walk from home
COUNTER_CONFIRM_S: Final = 480.0  # a count that did not change is told anew: the map doubts what is ten minutes old
COUNTER_TOLD: Final = 200  # rows of one event on the feed: 60 bytes each, far below EVENT_BYTES

# Draws (service/rationing/draw).
DRAW_TITLE: Final = 60  # characters of a draw's or a body's name: PREORDER_TITLE
DRAW_PLACES: Final = 30_000_000  # people that may win: the nation with room
DRAW_STRATA: Final = 20  # of one draw: few enough to be told on one page
DRAW_SOURCE: Final = 120  # characters that name a public draw of numbers
DRAW_CLOSE_BEFORE_S: Final = 60  # the list stands so long before its randomness can be known: a witness's turn twice
DRAW_LISTED: Final = 100  # draws of a node that are listed: two years of one a week
DRAW_PASTED: Final = 20_000  # entries that an officer sends at once, 1.4 MB; a preorder's list never leaves the node
DRAW_TIME_S: Final = 120.0  # an act over a list of millions: 1,178,156 tickets take some 5 s here
DRAW_WHY: Final = 500  # characters of why a draw was given up
RATION_SNAPSHOT: Final = 1_000_000  # commands between two snapshots: so many are replayed in some seconds
RATION_FORWARDED: Final = 200  # sales of one message: what a front system gathers in a tenth of a second at the peak
RATION_TICK_S: Final = 10.0  # how often time is looked at when nobody buys: what expired is back by then
RATION_SLICE: Final = 2_000  # persons looked through before others have their turn: a millisecond

# Waiting rooms (service/rationing/waiting). Reasons of the sizes: docs/decisions/0117.
WAITING_ROOMS: Final = 20  # of a node: each request of a guarded address looks through them
WAITING_PATHS: Final = 10  # addresses that one room guards
WAITING_HOURS: Final = 24  # of one room: a round's first day; its windows' seeds take 0.3 MB
WAITING_PACE: Final = 20_000  # people let in a second: three times a whole nation in one hour
WAITING_PASS_S: Final = 3_600  # a pass lasts at most so long
WAITING_SAVE_S: Final = 1.0  # between writes of how far a room has come: a crash loses the count of one second
WAITING_PAGE_S: Final = 60.0  # a rendered page is used so long; a new release of the portal shows within a minute
WAITING_STATE_S: Final = 5  # any cache may keep a room's state so long
