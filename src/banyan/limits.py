"""The bounds that many share, named, with their reasons; those of one field stand in limits_FIELD.py beside this file.
Units are in the names; bytes are plain integers."""

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB
GIB: Final = 1024 * MIB

# HTTP door
JSON_BODY_BYTES: Final = 1 * MIB  # an operation's request; larger data goes through an upload
UPLOAD_BYTES: Final = 8 * GIB  # a national register with history; streamed to disk, never to memory
HEADER_COUNT: Final = 100  # browsers send about 20
QUERY_BYTES: Final = 16 * KIB  # a long CKAN filter; more belongs in a POST body
QUERY_TEXT: Final = 4_000  # characters of one text in a query; in percent-encoded ASCII it still fits QUERY_BYTES
REQUEST_TIME_S: Final = 30.0  # after this a caller has given up
PAGE_ROWS: Final = 1_000  # one page of an operation's list
LIST_DEFAULT_ROWS: Final = 100
HEADER_BYTES: Final = 32 * KIB  # all header lines together; browsers with many cookies stay under 16 KiB
HOT_HEAD_BYTES: Final = 8 * KIB  # of a request answered before the ASGI cycle; a longer head is not a plain one
HEADER_NAME_BYTES: Final = 256  # of one name from a peer gateway; the longest in use have about 40
HEADER_NAMES_KEPT: Final = 1_024  # names checked once; messages on the road have some 50 in all
HEADER_TIME_S: Final = 10.0  # a client that has not sent its head by then holds a socket for nothing
PATH_BYTES: Final = 2 * KIB  # a dataset name in percent-encoded Chinese is 9 bytes a character
BODY_IDLE_S: Final = 20.0  # an upload may take an hour, but not pause longer
SEND_IDLE_S: Final = 60.0  # a reader on a train may stall, but not hold a query's memory for ever
DEADLINE_TICK_S: Final = 0.25  # how late a time limit may strike
FORM_FIELD_BYTES: Final = 1 * MIB
FORM_FILES: Final = 20
FORM_PARTS: Final = 1_000
FORM_PART_HEADER_BYTES: Final = 8 * KIB
FILE_CHUNK_BYTES: Final = 256 * KIB
KEEP_ALIVE_S: Final = 15
OPEN_CONNECTIONS: Final = 10_000
OPEN_FILES: Final = 1_000  # beside connections: stores, Parquet files, uploads, downloads
SESSION_TIME_S: Final = 8 * 3_600.0  # an officer's working day
SESSION_BYTES: Final = 2 * KIB
RATES: Final = {  # class: (tokens a second, burst). A mobile carrier puts thousands behind one address.
    "page": (40.0, 400),
    "read": (200.0, 2_000),
    "query": (20.0, 200),  # runs on the analytics engine
    "write": (20.0, 200),
    "upload": (0.5, 30),
    "login": (0.1, 10),  # 256-bit tokens cannot be guessed; this keeps the log readable
    "stream": (2.0, 50),
    "bulk": (500.0, 5_000),  # one key: a mirror of the whole list each second, and its own users' look-ups
}
KEY_DAYS: Final = 730  # the longest life of a bulk key; an app nobody looks after loses it
KEY_BYTES: Final = 512  # of a key as sent; one of ours has about 140
KEYS: Final = 10_000  # names with a key; the mask map had 140 apps
RATE_ADDRESSES: Final = 100_000  # buckets kept a class; full ones are forgotten first
ACCESS_BUFFER_LINES: Final = 256
ACCESS_FLUSH_S: Final = 1.0  # what a crash may lose of the access record
LOG_FILE_BYTES: Final = 64 * MIB
LOG_FILES: Final = 8  # kept after rotation
ROUTES_MEASURED: Final = 2_000  # label sets of the metrics; routes are declared, so this is never met
READY_TIME_S: Final = 2.0
TOUCHPOINTS_KEPT: Final = 10_000  # in memory; older ones are in the access record
REMOTE_TIME_S: Final = 10.0  # a peer that has not answered by then is down for this request

# Dialogue
UTTERANCE_CHARACTERS: Final = 300  # a question; longer text is a letter for a person
CHAT_TABLES: Final = 2_000  # tables whose titles and columns a question is compared with, newest first
CHAT_PROBES: Final = 12  # tables whose rows are searched for one question; each costs about 3 ms
CHAT_NAME_COLUMNS: Final = 4  # of a table, in which a question's words are looked for
CHAT_ROWS: Final = 10
TALK_STATE_BYTES: Final = 8 * KIB  # a form half filled, signed, in a hidden field
TALK_TIME_S: Final = 3_600.0  # a dialogue left for an hour starts anew
FORM_ANSWER_CHARACTERS: Final = 4_000
ANSWER_SCORE: Final = 0.6  # below it a dialogue says that it does not know; measured on tests/channel/talk
MISSES_BEFORE_HUMAN: Final = 2
CHAT_FIELDS: Final = 12
CARDS: Final = 10  # of one answer; people choose among ten, and LINE's carousel ends at 12
CARD_LINES: Final = 8  # of one card; more is a page
CARD_ACTIONS: Final = 4
MCP_ANSWER_BYTES: Final = 256 * KIB  # what a model can read at once; a program takes the API

# LINE
LINE_BODY_BYTES: Final = 512 * KIB  # a webhook of 100 events with texts of 5,000 characters stays under it
LINE_EVENTS: Final = 100  # of one webhook
LINE_SEEN_S: Final = 7 * 86_400  # how long an answered event is remembered; LINE gives up redelivering within days
LINE_DIALOGUES: Final = 50_000  # conversations remembered, about 1 KB each
LINE_WAIT_S: Final = 1.5  # LINE drops a webhook that takes 2 s; what takes longer is finished after the 200
LINE_AT_ONCE: Final = 16  # conversations answered side by side, and connections to LINE
LINE_WAITING: Final = 5_000  # events taken and not answered; more are refused, so that LINE delivers them again
LINE_TOKEN_S: Final = 50.0  # a reply token lives a minute
LINE_REPLY_TIME_S: Final = 5.0  # one try to send a reply
LINE_REPLY_TRIES: Final = 4
LINE_REPLY_WAIT_S: Final = 0.5  # before the second try, doubling; or what Retry-After says
LINE_STOP_S: Final = 10.0  # a stop waits so long for answers under way
LINE_LINE_UNITS: Final = 200  # of one line of a card; ten cards stay within a carousel's bytes

# Storage
WRITE_QUEUE_JOBS: Final = 10_000  # beyond this a writer is told to come back, not to wait in memory
GROUP_COMMIT_JOBS: Final = 64  # measured: 51k durable writes/s; larger groups only add latency
SQL_BUSY_S: Final = 5.0
WRITE_AHEAD_BYTES: Final = 64 * MIB  # of the log kept after a checkpoint: one huge write must not keep the disk
SQL_STATEMENTS_CACHED: Final = 500  # prepared statements a connection keeps; a service has about 100
READ_THREADS: Final = 2  # long reads beside the event loop; measured: more threads only contend for the interpreter
POSTGRES_READERS: Final = 8  # connections for reads; each costs the server about 10 MB
POSTGRES_CONNECT_S: Final = 10.0
JOURNAL_FRAME_BYTES: Final = 16 * MIB  # one event; a length beyond it in a file is damage, not data
JOURNAL_SEGMENT_BYTES: Final = 64 * MIB  # rotation: replay reads whole segments
JOURNAL_GROUP_FRAMES: Final = 1_024  # events that share one flush; 64 would leave the disk idle at 100k events/s
JOURNAL_AHEAD_BYTES: Final = 1 * MIB  # of zeros at once: 300 calls by road; 4 MB would hold up one flush for 2 ms
JOURNAL_AHEAD_LEAST_BYTES: Final = 16 * KIB  # the same in a journal that is smaller than this
JOURNAL_SNAPSHOTS: Final = 2  # the newest, and the one before it should the newest be damaged
LAKE_KEY_BYTES: Final = 1_000  # of a path below the lake; file systems stop at 4,096 in all
LAKE_NAME_BYTES: Final = 255  # of one part of it: what file systems allow
INDEX_BATCH_DOCUMENTS: Final = 200  # indexed under one lock: a search waits about 5 ms for it
QUERY_TERMS: Final = 32  # of one text search; more is not a question
QUERY_CHARACTERS: Final = 512

# Events
FEED_PAGE_EVENTS: Final = 1_000
SSE_CLIENTS: Final = 5_000  # open streams a process holds; one costs about 10 KB
SSE_QUEUE_EVENTS: Final = 256  # a slow reader is closed and comes back with Last-Event-ID
OUTBOX_BATCH: Final = 100
OUTBOX_TRIES: Final = 20
OUTBOX_WAIT_S: Final = 3_600.0  # the longest wait between tries: a peer that was down a day is found within the hour
OUTBOX_ERROR_CHARACTERS: Final = 500
FEED_TAIL_EVENTS: Final = 1_000  # newest events kept in memory for those who follow live
HANDLER_TRIES: Final = 5  # a handler that fails so often is recorded and passed over
HANDLER_WAIT_S: Final = 0.25  # before the second try, doubling
TIMER_LEASE_S: Final = 900.0  # a reader of a large live source may take minutes
TIMER_LOOK_S: Final = 30.0  # the longest sleep between two looks at the clock
EVENT_BYTES: Final = 64 * KIB

# Ledger
LEDGER_GROWTH: Final = 65_536  # entries brought into tiles at a time: about 0.2 s, then the records say so
LEDGER_PUBLISH_S: Final = 1.0  # how long an entry waits for the checkpoint that proves it
LEDGER_MAP_RELEASES: Final = 4_096  # entries whose subjects one write brings into the map: about 0.3 s
WITNESS_BODY_BYTES: Final = 64 * KIB  # a proof is at most 63 lines, a checkpoint a few signatures of 3 KiB
TRANSPARENCY_LIST: Final = 200  # entries, checkpoints, orders or counts in one answer; the rest is in the tiles
WITNESS_ANSWER_BYTES: Final = 64 * KIB  # a witness' answer: a line or two of 100 B to 3.3 KB
WITNESS_WAIT_S: Final = 5.0  # how long dead or slow witnesses may hold up a checkpoint; they are asked at once
WITNESS_CONNECT_S: Final = 2.0  # a witness in the same country answers in milliseconds
WITNESS_CONFLICTS: Final = 2  # 409s followed in one ask: the first tells the size, a second is a race with ourselves
WITNESS_FAILURES: Final = 3  # in a row, after which a witness rests: one may be a restart, three are an outage
WITNESS_REST_S: Final = 30.0  # the first rest; each further one is twice as long
WITNESS_REST_MOST_S: Final = 600.0  # a witness that is back is asked again within ten minutes
WITNESSES: Final = 32  # of one log, and logs of one witness: what the specification asks for at least
WITNESS_CLOCK_S: Final = 300.0  # a cosignature's time may differ so much from ours: clocks of two agencies

# Powers
JUDGING_ANSWERS: Final = 65_536  # remembered answers of Cedar, about 0.5 KB each: every kind of question a day asks
POLICY_LIST: Final = 1_000  # orders, purposes or consents in one list; a person has some tens, a state some hundreds
ORDER_DAYS: Final = 30  # an order, and each extension, lasts at most this long: a month is what a parliament can follow
ORDER_SHELF_S: Final = 3_600  # orders are read anew after this: a review opened since then is due a week later
ORDER_REVIEW_DAYS: Final = 7  # after a use under an order somebody else has looked at it, or the agency's use waits
REASON_CHARS: Final = 500  # why an order is declared or used: a sentence or two that another officer can weigh
REVEAL_DAYS: Final = 3_650  # the longest a notice is deferred: what comes later comes to nobody
EMERGENCY_CELL_LEAST: Final = 5  # smaller counts are not published: one use of a small office points at its patient
EMERGENCY_COUNTS: Final = 3_000  # cells of one answer: a month of a hundred agencies

# Publishing and querying
INGEST_MEMORY_BYTES: Final = 512 * MIB  # DuckDB's share while reading a file; the process stays under 1 GiB
COLUMNS: Final = 2_000  # a wider table is a matrix: ask for it long
CELL_BYTES: Final = 1 * MIB
UNPACKED_BYTES: Final = 16 * GIB  # of a .gz/.zip; with UNPACK_RATIO this stops zip bombs
UNPACK_RATIO: Final = 200  # real CSV compresses 5-30x
ARCHIVE_MEMBERS: Final = 1_000
QUERY_TIME_S: Final = 5.0  # a public query; measured group-by over 1M rows takes 0.01
QUERY_MEMORY_BYTES: Final = 512 * MIB
QUERY_ROWS: Final = 32_000  # CKAN's cap, which its clients expect
VERSION_NUMBER: Final = 2**31 - 1  # of a resource; one a second for 68 years
PAGE_OFFSET: Final = 1_000_000  # rows skipped by a page; further on one asks for less
FILE_NAME_CHARACTERS: Final = 200  # of a published file's name
DATASET_RESOURCES: Final = 1_000  # of one dataset; its document is read whole
DATASET_TAGS: Final = 200
USAGE_FLUSH_S: Final = 3.0  # usage counts lost by a crash; one write for all of them
USAGE_DAYS: Final = 3_660  # ten years of daily counts in one answer
USAGE_LEADERS: Final = 20
READER_BYTES: Final = 896 * MIB  # resident memory of the reading process; over it the publish is refused
READER_KEEP_BYTES: Final = 320 * MIB  # a reader that has grown beyond this is replaced, so that memory comes back
READER_LINE_BYTES: Final = 64 * MIB  # one report: the columns and findings of every table of a file
READER_WATCH_S: Final = 0.2  # how often its memory is looked at: DuckDB grows by less than 128 MB in that time
READER_NICE: Final = 5  # of the large lane: answers to the public go before reading a 2 GB file
READER_IDLE_S: Final = 300.0  # a warm reader saves 0.5 s; after this long nobody is publishing
PROGRESS_EVERY_S: Final = 0.1
DELTA_KEYS: Final = 500  # rows of each kind named in a version's event; the rest are counted
DELTA_BYTES: Final = 48 * KIB  # of them; the event has EVENT_BYTES in all
PUBLISH_JOBS: Final = 100  # waiting and running; a publisher is told to come back
PUBLISH_JOBS_KEPT: Final = 200  # finished ones whose outcome can be asked
PUBLISH_KEY_DAYS: Final = 30  # how long a retry under the same idempotency key finds its answer
SMALL_FILE_BYTES: Final = 32 * MIB  # read in its own lane, so that a live source never waits for a 2 GB upload
JOB_WAIT_S: Final = 20.0  # one long poll of a publish; below REQUEST_TIME_S
FETCH_SILENCE_S: Final = 15.0  # a source that sends nothing for this long is down
FETCH_REDIRECTS: Final = 5
FETCH_CHUNK_BYTES: Final = 256 * KIB
UPLOADS_WAITING: Final = 1_000  # received and not yet published; each is a file in the work folder
REQUEST_CHARACTERS: Final = 4_000  # of a request for data; two pages
REQUESTS_PER_HOUR: Final = 200  # of a node: data.gov.tw takes some 20 a week
LIVE_MIN_S: Final = 5  # polling a source faster is an attack on it
LIVE_MAX_S: Final = 31 * 86_400  # a monthly source
LIVE_SETTLE_S: Final = 2.0  # between the two looks that must see a watched file unchanged
LIVE_AGAIN_S: Final = 300.0  # a look that was cut off by a crash is made again after this long
LIVE_BACKOFF_S: Final = 1_800.0  # a source that keeps failing is looked at this often at least
LIVE_LOSS: Final = 0.5  # share of rows gone above which a live source is held back: a truncated file, not news
KEEP_ALL_S: Final = 3_600  # versions of a live source: all of the last hour,
KEEP_HOURLY_S: Final = 48 * 3_600  # then the last of each hour for two days,
KEEP_DAILY_S: Final = 400 * 86_400  # then the last of each day for a year and a month
FETCH_TIME_S: Final = 60.0
INGEST_RESIDENT_BYTES: Final = 192 * MIB  # a text up to this is staged in memory, a larger one in a file
INGEST_DISK_BYTES: Final = 64 * GIB  # spill of one ingest; a runaway expansion stops here, not when the disk is full
INGEST_POLL_S: Final = 0.05  # how soon a cancel is seen
INGEST_SAMPLE_BYTES: Final = 256 * KIB  # dialect and header are guessed from this much; types from the whole
INGEST_SAMPLE_ROWS: Final = 2_000  # a column's candidate type; then verified over every row
LINE_BYTES: Final = 16 * MIB  # one physical line of text; real ones are under 100 KB
JSON_WHOLE_BYTES: Final = 64 * MIB  # a JSON value that cannot be streamed (an object of arrays)
JSON_RECORD_BYTES: Final = 16 * MIB  # one record of a JSON array
WORKBOOK_BYTES: Final = 256 * MIB  # XML of one workbook, unpacked; Excel itself stops at 1,048,576 rows
WORKBOOK_CELLS: Final = 24_000_000  # a workbook is read whole into memory: about 20 bytes a cell
TABLE_ROWS: Final = 1_000_000_000  # one table; a Parquet bomb claims more

# Metadata and quality
NATIONAL_DATASETS: Final = 1_000  # one import of the 38-field JSON; the national portal takes one at a time
NATIONAL_RESOURCES: Final = 1_000  # resource numbers have three digits
NATIONAL_TEXT_CHARACTERS: Final = 20_000  # the longest real 主要欄位說明 seen is 6,000
NATIONAL_BODY_BYTES: Final = 32 * MIB
CATALOGUE_PAGE_DATASETS: Final = 500  # one page of DCAT: about 2 MB, 0.1 s
FEED_PAGE_ENTRIES: Final = 100  # one page of the Atom feed
SITEMAP_URLS: Final = 10_000  # the protocol allows 50,000; a page of ours is read in one database view
QUALITY_ROWS: Final = 250_000  # content checks read this many rows, evenly spread, of a larger table
QUALITY_COLUMNS: Final = 300  # columns looked into; wider tables are matrices whose columns are alike
QUALITY_LOUD_ROWS: Final = 200_000  # the quick look for people's numbers before a table is public
QUALITY_TIME_S: Final = 60.0  # all content checks of one table; then what was found so far stands, and says so
QUALITY_MEMORY_BYTES: Final = 256 * MIB  # one table is looked through at a time, beside the query engine
QUALITY_EXAMPLES: Final = 5
QUALITY_CANDIDATES: Final = 20_000  # cells that look like a person's number, checked by their check digit
LINKS_PER_DATASET: Final = 100
LINK_TIME_S: Final = 10.0  # one HEAD or GET of a link check
LINK_BYTES: Final = 64 * KIB  # read of a link's body before closing
LINK_REDIRECTS: Final = 5
LINKS_AT_ONCE: Final = 4
QUALITY_EVERY_S: Final = 86_400  # freshness and links are looked at again

# CKAN face and catalogue search
CKAN_PARAMETERS: Final = 200  # parameters of one action call; the widest real one (package_search) knows 25
CKAN_JSON_DEPTH: Final = 32  # nesting of a request body; CKAN's deepest (filters) stops at 10
CKAN_CALLBACK_CHARS: Final = 128
CKAN_SEARCH_ROWS: Final = 1_000  # CKAN's cap of package_search rows, which harvesters page by
CKAN_ACTION_S: Final = 900.0  # resource_create answers when its upload is served; a 2 GB CSV takes minutes
DATASTORE_ROWS: Final = 200_000  # a table written row by row; each write makes a whole version (about 2 s here)
CKAN_DUMP_ROWS: Final = 10_000  # rows of one step of a dump: a few MB
CKAN_BODY_BYTES: Final = 32 * MIB  # a datastore_upsert batch: ckanapi sends 250 rows, xloader up to 16 MB
SEARCH_ORDERS: Final = 16  # finished searches kept, so that a harvester's next page costs nothing
SOLR_CHARS: Final = 16 * KIB  # a query's text: as long as a URL may be here
SOLR_DEPTH: Final = 20
SOLR_CLAUSES: Final = 1_024  # Solr's own maxBooleanClauses
SEARCH_DATASETS: Final = 1_000_000  # catalogue kept in memory for search: about 1 KB each; the nation has 52,442
RESOURCE_SEARCH_DATASETS: Final = 5_000  # datasets read for one resource_search (about 0.2 s)
SEARCH_LOOKS: Final = 32  # texts, patterns and ranges of one search; each may look at every dataset (10 ms)

# Tables
FILTER_DEPTH: Final = 10  # CKAN 2.12's own bounds of a filter
FILTER_OPERATIONS: Final = 100
FILTER_LIST_VALUES: Final = 1_000  # values of one `in`
QUERY_WORKERS: Final = 3  # measured on 2 cores: 8 threads were 0.75x as fast
QUERY_QUEUE: Final = 256  # questions waiting for a worker; beyond it a caller is told to come back
TABLE_THREADS: Final = 2  # DuckDB's own threads for one question
TABLE_MEMORY_BYTES: Final = 1 * GIB  # DuckDB's buffers for all questions together
TABLE_SPILL_BYTES: Final = 8 * GIB  # a sort of a national register that does not fit in memory
HOT_BYTES: Final = 8 * GIB  # disk for copies of the versions in use; about 35 bytes a row
ANSWER_CACHE_BYTES: Final = 64 * MIB  # answers of immutable versions, by question
AGGREGATE_FIELDS: Final = 20  # columns of one group-by or facet list; a wider one is a download
FACET_VALUES: Final = 1_000  # values of one facet; the count of the rest is given
NAME_CHARACTERS: Final = 200  # a table's name or a key in a request
SQL_BYTES: Final = 16 * KIB  # the text of one public query
SQL_NODES: Final = 2_000  # of its syntax tree
SQL_JOINS: Final = 20
SQL_ROWS_ASKED: Final = QUERY_ROWS + 1  # one more, to know that there are more
SQL_PROCESSES: Final = 2  # sandboxes at work at once
SQL_PROCESS_BYTES: Final = 3 * GIB  # address space of a sandbox; a query that takes more ends it, not the node
SQL_ANSWER_BYTES: Final = 32 * MIB
SQL_GRACE_S: Final = 1.0  # after QUERY_TIME_S a sandbox that did not stop by itself is killed
SQL_START_S: Final = 20.0
EXPORTS: Final = 32  # downloads open at once; a slow reader holds one
EXPORT_WORKERS: Final = 2
EXPORT_ROWS_A_CHUNK: Final = 2_000  # about 200 KB of text a step
EXPORT_CACHE_BYTES: Final = 4 * GIB  # Parquet files made for download, kept for range requests
XLSX_ROWS: Final = 1_048_575  # of a sheet, without its header
XLSX_CELL_CHARACTERS: Final = 32_767
WORDS: Final = 20  # of one question
WORD_CHARACTERS: Final = 200  # each is widened to a pattern ten times as long
POSTING_VALUES: Final = 10_000  # a column of more values is not what people count by
POSTING_ROWS: Final = 50_000_000  # positions are 32-bit, and building takes 0.15 s a million rows
POSTING_ROWS_INLINE: Final = 300_000  # counting over a larger table may take over 1 ms: in a thread
RECORD_CELLS_INLINE: Final = 20_000  # writing more cells as JSON values takes over 5 ms: in a thread
POSTINGS_BYTES: Final = 512 * MIB  # 6 bytes a row and column: 8 columns of 10 million rows
NEAREST: Final = 1_000  # places of one answer
POINTS_BYTES: Final = 512 * MIB  # unit vectors of the tables with points, 32 bytes a point: 10 million are 320 MB
SHAPES_KEPT: Final = 2_000  # column lists and totals of versions; a few KB each
XML_BYTES: Final = 16 * MIB  # XML from outside; a national catalogue record is under 1 MB
XML_DEPTH: Final = 64
QUALITY_KEPT: Final = 60  # reports kept of a dataset: the history its page draws
QUALITY_LIVE_S: Final = 600  # a live dataset's new versions are looked through this often at most
QUALITY_SOONEST_S: Final = 3_600  # however fresh a dataset promises to be, its quality is measured hourly at most
QUALITY_BOARD_S: Final = 21_600  # the trend keeps one standing a day; four looks make sure there is one
QUALITY_BOARD_PROBLEMS: Final = 10

# Conformance kit
KIT_BODY_BYTES: Final = 32 * MIB  # of an app's document; the nation's GeoJSON is 4 MB
KIT_FETCH_S: Final = 30.0  # of one document
KIT_SAMPLE: Final = 100  # outlets compared in all they show, ten of each case
KIT_SAMPLE_MOST: Final = 5_000  # an app with a page an outlet is asked so many times
KIT_STALE_S: Final = 3_600.0  # older numbers must be marked; the stock map's own word for old
KIT_APART_M: Final = 300.0  # between an app's point of an outlet and ours: a street's length
KIT_KEEP_S: Final = 600.0  # the longest a cache may keep stock

# Structured fields and signatures of HTTP messages (the road between agencies)
STRUCTURED_CHARS: Final = 24 * KIB  # of one structured field; RFC 9651 asks readers for a byte sequence of 16 KiB
STRUCTURED_MEMBERS: Final = 1_024  # of one list, dictionary or item's parameters: the least RFC 9651 asks for
HTTPSIG_FIELD_CHARS: Final = 8 * KIB  # of Signature or Signature-Input; ML-DSA-87 beside P-256 takes 6.3 KB
HTTPSIG_LABELS: Final = 4  # signatures of one message: ours, the post-quantum one, two of proxies
HTTPSIG_COMPONENTS: Final = 64  # covered by one signature; ours cover about 15
HTTPSIG_LISTS_KEPT: Final = 256  # lists of covered components, read once; the road's optional fields make dozens
PEER_AGE_S: Final = 60  # a signed message this old is refused; its nonce must be remembered as long
PEER_AHEAD_S: Final = 30  # how far a peer's clock may run ahead; a clock kept by NTP is off by less than one
PEER_LIFE_S: Final = 300  # the longest that a signature may say it holds
PEER_NONCE_CHARS: Final = 64  # 16 random bytes are 22; a longer one only fills the memory of nonces
PEER_NONCE_LEAST_CHARS: Final = 16  # 96 bits in base64: two gateways never draw the same
PEER_KEYID_CHARS: Final = 255  # of a key's name in the directory

# The road between agencies (X-Road REST r1)
XROAD_IDENTIFIER_CHARACTERS: Final = 255  # of one part of an identifier: what the field's registers hold
XROAD_IDENTIFIERS_KEPT: Final = 4_096  # read or written once; a nation has some thousands, of 50 characters
XROAD_TEXT_CHARACTERS: Final = 255  # of a message id, a user id or an issue in a header: the same
XROAD_TARGET_BYTES: Final = 8 * KIB  # five Chinese identifiers encoded are under 1 KiB; the rest is path and query
XROAD_ERROR_BYTES: Final = 64 * KIB  # of another gateway's error: three texts
XROAD_GLOB_CHARACTERS: Final = 1_000  # of one path pattern of a grant
XROAD_META_BYTES: Final = 16 * MIB  # of a peer's list of clients or methods: 50,000 subsystems
XROAD_OPENAPI_BYTES: Final = 8 * MIB  # of one service description; the largest public ones have 6 MB
XROAD_CONF_INSTANCES: Final = 100  # federated instances in one verificationconf
