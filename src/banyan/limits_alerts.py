"""Bounds of alerting (CAP, feeds, channels), each with its reason. The house's other bounds are in limits.py."""

from __future__ import annotations

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

# CAP documents (wire/cap).
CAP_BYTES: Final = 1 * MIB  # of one alert: the largest seen (Canada, two languages, 60 polygons) has 24 KiB
CAP_ELEMENTS: Final = 20_000  # of one alert, signature included
CAP_INFOS: Final = 64  # blocks: one a language and an area class; Canada's largest has 20
CAP_AREAS: Final = 2_000  # of one block: more than Taiwan's 368 districts five times
CAP_POLYGON_POINTS: Final = 20_000  # of one polygon: a county's coast has some 5,000
CAP_REFERENCES: Final = 500  # earlier messages one message names: a typhoon's chain has some 60
CAP_UNENDING_S: Final = 86_400  # from `sent`: an alert without `expires` is taken down after a day, unless renewed
CAP_SENDERS: Final = 1_000  # pinned: Taiwan has 38 units; WMO's register some 150 authorities
CAP_FINDINGS: Final = 200  # named of one document; beyond that it is of another kind

# Feeds of alerts (wire/cap/feeds, wire/cap/ingest).
FEED_BYTES: Final = 4 * MIB  # of one feed: NCDR's with 500 entries has 700 KiB
FEED_ENTRIES: Final = 2_000  # read of one feed
FOLLOW_FETCHES: Final = 50  # alerts fetched of one feed in one round, one after another: the rest waits a minute
FOLLOW_FETCH_S: Final = 20.0  # for one document: a megabyte over a poor line takes ten

# The alert object (service/alerts).
ALERT_VERSIONS: Final = 15  # messages of one chain: a cell broadcast's update number has 4 bits (TS 23.041 s9.4.1.2.1)
ALERT_LONGEST_S: Final = 14 * 86_400.0  # from now to its end: the NCDR's guide lets none run longer
ALERT_KEY_CHARACTERS: Final = 64  # of an idempotency key: a UUID has 36
ALERT_SHOWN: Final = 500  # alerts in force that one answer or feed holds: a typhoon's worst day had some 200
ALERT_ARCHIVE: Final = 100  # ended alerts that a page of the archive shows
ALERT_DESK: Final = 100  # alerts on an officer's worklist
ALERT_WARRANTS: Final = 5_000  # who may warn of what and where: 38 units, 61 kinds, 22 counties
ALERT_CELLS: Final = 200_000  # of one broadcast: more than all of one operator's in Taiwan
ALERT_SEND_S: Final = 10.0  # one channel may take so long in one turn; it comes again
ALERT_LEASE_S: Final = 30.0  # of a claimed effect: longer than a turn, short enough after kill -9
ALERT_TURN: Final = 40  # effects of one turn: ten alerts on four channels
ALERT_SMS_SLICE: Final = 5_000  # numbers given at once to the notifier: 1.5 MB of messages

# The hub (WebSub).
HUB_SUBSCRIPTIONS: Final = 2_000  # of all topics; beyond them a reader polls, which is what ETags are for
HUB_OF_ONE_HOST: Final = 20  # subscriptions whose callbacks are at one host: nobody floods another through us
HUB_CALLBACK_CHARACTERS: Final = 500
HUB_SECRET_BYTES: Final = 199  # WebSub s5.1: less than 200 bytes
HUB_LEASE_S: Final = (300, 10 * 86_400)  # least and most; WebSub s5.1 recommends ten days
HUB_TIME_S: Final = 5.0  # a callback may take so long
HUB_AT_ONCE: Final = 16  # callbacks asked side by side in one turn
HUB_TRIES: Final = 12  # deliveries that failed in a row end a subscription: half a day
HUB_BODY: Final = 4 * KIB  # read of a callback's answer: a challenge has 43 characters

# SMPP (wire/smpp).
SMPP_PDU_BYTES: Final = 70_000  # of one PDU: message_payload alone may have 64 KiB
SMPP_TLVS: Final = 32  # optional parameters of one PDU: SMPP 3.4 has 44 kinds, a message uses five
SMS_PARTS: Final = 10  # of one text: 660 characters of Chinese; who says more writes a page

# The sender of notices (craft/notify).
NOTIFY_SLICE: Final = 20_000  # messages made durable at once: 3 MB, a fifth of a second
NOTIFY_CLAIM: Final = 500  # messages given to one bind with one flush; never more than its window
NOTIFY_SHOWN: Final = 200  # campaigns that one page shows
NOTIFY_CHANGES: Final = 10_000  # receipts or replies that one answer holds
NOTIFY_TRIES: Final = 20  # refusals "not now" of one message before it is a failure: with the pauses over an hour
NOTIFY_PAUSE_S: Final = (0.5, 30.0)  # after ESME_RTHROTTLED or RMSGQFUL: first and longest; doubled in between
NOTIFY_RECONNECT_S: Final = (1.0, 60.0)  # after a lost connection: first and longest; doubled, half of it by chance
NOTIFY_LINK_S: Final = 30.0  # of silence before enquire_link
NOTIFY_ANSWER_S: Final = 20.0  # an SMSC may take so long to answer; then the bind is made anew
NOTIFY_DOUBT_S: Final = 60.0  # unanswered messages wait so long for a receipt after a restart before they go again
NOTIFY_WINDOW: Final = 1_000  # messages of one bind that may be without answer
NOTIFY_KEPT_DAYS: Final = 28  # a campaign's numbers live so long after it was accepted: the fence's own term
NOTIFY_REPLY_CHARACTERS: Final = 500  # kept of one reply
NOTIFY_QUIET: Final = 1_000_000  # numbers that opted out

# Cell broadcast (wire/cbsp, craft/notify/cells).
CBSP_FRAME_BYTES: Final = 256 * KIB  # three lists of 64 KiB, the most that their lengths can say, and 15 pages
CBC_BSCS: Final = 200  # base station controllers of one centre: an operator of Taiwan has some 60
CBC_BSC_CELLS: Final = 16_000  # cells of one: what one cell list of CBSP names by area and cell
CBC_ON_AIR: Final = 250  # broadcasts at once: a cell's channel has room for some 15 pages a half minute
CBC_ENDED: Final = 500  # broadcasts that are over and still told of: a year of warnings of one county
CBC_AT_ONCE: Final = 8  # messages asked of one BSC and not answered yet
CBC_WRONG: Final = 20  # unreadable frames of one connection; then it is closed
CBC_EVENTS: Final = 2_000  # between two snapshots: a start replays them in a blink
CBC_REFERENCE: Final = 100  # characters of a caller's own name for a broadcast
CBC_KEEP_ALIVE_S: Final = 30.0  # between two keep-alives: a dead BSC is known within 40 s
CBC_ANSWER_S: Final = 10.0  # a BSC may take so long: writing to a thousand cells takes it a second
CBC_RETRY_S: Final = (5.0, 300.0)  # first and longest pause before a cell or a BSC is tried again
CBC_AUDIT_S: Final = 60.0  # between looks at what a BSC still has: so long a restarted base station may be silent
ECBE_CONNECTIONS: Final = 16  # at once at that door: a few programs of one machine
ECBE_SECRET_CHARACTERS: Final = 16  # an app's secret at the least: it is a program's, nobody types it
ECBE_BYTES: Final = 16 * KIB  # of one request at the ECBE door: 15 pages as hexadecimal digits have 2.5 KB

LINE_WARNING_TIME_S: Final = 20.0  # one try to hand a warning to LINE; it is tried again under the same retry key
LINE_WARNING_FOLLOWERS_S: Final = 6 * 3_600.0  # between two questions how many follow the account; LINE counts daily
LINE_WARNING_FOLLOWERS_BYTES: Final = 4 * 1_024  # of the answer: four numbers

OTHERS_KEPT: Final = (
    500  # messages of one feed that are looked at for what stands: Taiwan has some 200 in force in a typhoon
)
OTHERS_KEPT_S: Final = 7 * 86_400  # after its end a message is kept for what refers to it, then deleted
OTHERS_SHOWN: Final = 100  # of all feeds on one page and the map
OTHERS_SKEW_S: Final = 300  # a clock elsewhere may be so much ahead of ours
FOLLOW_EVERY_S: Final = (30, 86_400)  # seconds between two rounds that node.toml may ask for

# SMS by area on an operator's own node (craft/subscribers, service/areasms).
AREA_TABLE_BYTES: Final = 8 * 1_024 * MIB  # of one table: 30 million subscriptions as CSV have 1.2 GB
AREA_TABLE_MEMORY: Final = "512MB"  # that reading one takes: a pass over it and the list of cells, whatever its size
AREA_TABLES: Final = 50  # tables of one operator: one a county, twice
AREA_NUMBERS: Final = 15_000_000  # that one table gives for one message: Taiwan's largest operator has 13 million lines
AREA_TOLD: Final = 10  # counts are told in tens: a polygon about one house must not tell whether somebody is in
AREA_KEPT_S: Final = 28 * 86_400.0  # a message's row after its end: as long as its campaign has a key
AREA_OPERATORS: Final = 20  # that one alert is sent through: Taiwan has three, and some resellers with their own SMSC
