"""The bounds of the stock map: outlets, feeds, the sources that it follows, what it believes of them."""

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

SUPPLIES_NEAREST: Final = 50  # outlets of one answer; people choose among ten
SUPPLIES_RADIUS_M: Final = 1_000_000  # longer than the country
SUPPLIES_TOWN_OUTLETS: Final = 2_000  # of one town's list; 板橋區 had 180 pharmacies
SUPPLIES_NAMES: Final = 8  # outlets that a part of a name may mean; more is no name but a word
SUPPLIES_NOTICE_SHOWN: Final = 80  # characters of an outlet's own words on a card; the page has them all
SUPPLIES_FOUND: Final = 2_000  # outlets of one page of the map's list: a whole town, to print
SUPPLIES_FOUND_DEEPEST: Final = 10_000  # how far one may page; beyond it, choose a town
SUPPLIES_POINTS: Final = 10_000  # points of one map; the nation had 6,700 outlets
SUPPLIES_TEXT_ROWS: Final = 50_000  # outlets looked through for a word; 50,000 take 15 ms
SUPPLIES_FORECAST_SAMPLE: Final = 2_048  # rows of an item whose forecasts are checked; 72 times a day
SUPPLIES_FORECAST_DROPS: Final = 2_000  # sales remembered to tell how many a person takes
SUPPLIES_FORECAST_STRIDE: Final = 512  # events gone back at once to find where the day begins; 4 h of one each 30 s
SUPPLIES_FORECAST_PART: Final = 8  # events of today replayed between two turns of the event loop; about 5 ms
SUPPLIES_DELTA_EVENTS: Final = 1_024  # changes of the board kept for readers that come back: 8 hours of one each 30 s
SUPPLIES_DELTAS_RECALLED: Final = 256  # of them read from the journal at a start, so that readers resume over it
SUPPLIES_DELTA_ROWS: Final = 4_000  # of one delta; with more stock.json is shorter: 26 KB gzip for 6,823 outlets
SUPPLIES_DELTAS_KEPT: Final = 64  # encoded deltas by reader's number; readers that keep up share one
SUPPLIES_BODIES_KEPT: Final = 64  # encoded feeds of the newest state, by name
SUPPLIES_DOCUMENTS_KEPT: Final = 8  # places and notices documents; a client asks within seconds of reading the hash
SUPPLIES_FEED_ROWS: Final = 200_000  # outlets of a feed of the whole board: a pack of 30 MB, made in half a second
SUPPLIES_FEED_AGE_S: Final = 10  # how long a cache may give a feed unasked; the official list comes every 30 s
SUPPLIES_FEED_STALE_S: Final = 30  # and how long more while it asks
SUPPLIES_REGISTER_ROWS: Final = 2_000_000  # of one followed register; the nation had 6,700 outlets, tests go to 1M
SUPPLIES_SOURCES: Final = 50  # registers one board follows; the mask map had five
SUPPLIES_CELL_MOST: Final = 1_000_000  # of one item at one outlet; the most real one was 18,198, a phone is more
SUPPLIES_EXAMPLES: Final = 5  # cells shown of those that could not be read
SUPPLIES_AGREE_M: Final = 500.0  # two geocodings this near are one place; 31 real ones lie over 1 km apart
SUPPLIES_VANISHED_SHARE: Final = 0.1  # of listed outlets missing at once; the most real was 3.6 %, in 102 minutes
SUPPLIES_VANISHED_DAY_SHARE: Final = 0.5  # after more than a day without a look; 27 % from March 2020 to June 2021
SUPPLIES_VANISHED_FEW: Final = 3  # outlets of a short list may leave, rise or be unreadable whatever their share
SUPPLIES_MALFORMED_SHARE: Final = 0.01  # rows without a code, twice with two numbers, or of tomorrow; really none
SUPPLIES_UNREAD_SHARE: Final = 0.2  # rows whose number is none; beyond it the column is another one
SUPPLIES_LOOK_NEAR_S: Final = 1_800  # numbers of two looks this near are compared; deliveries come within hours
SUPPLIES_RISEN_SHARE: Final = 0.3  # of outlets with more than half an hour before; really 6 %, rows moved by one 48 %
SUPPLIES_FELL_SHARE: Final = 0.5  # of all stock sold within half an hour; the most real was 9 %, 60 % in a day
SUPPLIES_JUMP_TIMES: Final = 20.0  # the total against the one before; really 14.5 in 18 days, phone numbers 30,000
SUPPLIES_JUMP_MEAN: Final = 2_000.0  # an outlet may have so many after none at all; the mean of June 2021 was 2,968
SUPPLIES_LOOKS_AGREE: Final = 2  # later looks that say the same as a held one, until it is believed
SUPPLIES_FRAGMENTS: Final = 250_000  # outlets kept encoded, about 700 bytes each; then begun anew
SUPPLIES_SHARED: Final = (
    50_000  # texts kept once, then begun anew: a nation has some hundred towns, each with patterns of hours
)
SUPPLIES_EVENT_ROWS: Final = 25_000  # of one record of the journal, which is 16 MiB at most; the nation's are 6,700
SUPPLIES_SNAPSHOT_EVENTS: Final = 1_000  # after which the board is written down: a restart replays fewer, in 0.1 s
SUPPLIES_SNAPSHOT_LEAST: Final = 100  # at a stop with fewer events since the last one it is not: replay takes 10 ms
SUPPLIES_REPLAY_EVENTS: Final = 10_000  # that can be replayed: three days of one look each 30 s, 50 MB
SUPPLIES_CHANGES_ANNOUNCED: Final = 200  # announced changes kept in sight: years of them
SUPPLIES_HISTORY_WINDOW_S: Final = 86_400.0  # of one question about the past; a longer time is asked for in parts
SUPPLIES_HISTORY_EVENTS: Final = 1_000  # lines of one page of the history: 8 hours of one each 30 s
SUPPLIES_HISTORY_BYTES: Final = 8 * MIB  # and their size; a change of every place is 2 MB
