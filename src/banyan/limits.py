"""Every bound of the house, named, with its reason. Units are in the names; bytes are plain integers."""

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB
GIB: Final = 1024 * MIB

# HTTP door
JSON_BODY_BYTES: Final = 1 * MIB  # an operation's request; larger data goes through an upload
UPLOAD_BYTES: Final = 8 * GIB  # a national register with history; streamed to disk, never to memory
HEADER_COUNT: Final = 100  # browsers send about 20
QUERY_BYTES: Final = 16 * KIB  # a long CKAN filter; more belongs in a POST body
REQUEST_TIME_S: Final = 30.0  # after this a caller has given up
PAGE_ROWS: Final = 1_000  # one page of an operation's list
LIST_DEFAULT_ROWS: Final = 100

# Storage
WRITE_QUEUE_JOBS: Final = 10_000  # beyond this a writer is told to come back, not to wait in memory
GROUP_COMMIT_JOBS: Final = 64  # measured: 51k durable writes/s; larger groups only add latency
SQL_BUSY_S: Final = 5.0
JOURNAL_FRAME_BYTES: Final = 16 * MIB  # one event; a length beyond it in a file is damage, not data
JOURNAL_SEGMENT_BYTES: Final = 64 * MIB  # rotation: replay reads whole segments

# Events
FEED_PAGE_EVENTS: Final = 1_000
SSE_CLIENTS: Final = 5_000  # open streams a process holds; one costs about 10 KB
SSE_QUEUE_EVENTS: Final = 256  # a slow reader is closed and comes back with Last-Event-ID
OUTBOX_BATCH: Final = 100
OUTBOX_TRIES: Final = 20
EVENT_BYTES: Final = 64 * KIB

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
LIVE_MIN_S: Final = 5  # polling a source faster is an attack on it
FETCH_TIME_S: Final = 60.0
