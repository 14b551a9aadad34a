"""Bounds of tracing, each with its reason. The house's other bounds are in limits.py."""

from __future__ import annotations

from typing import Final

# The kernel (craft/tracing).
TRACE_PHONES: Final = 40_000_000  # slots: the nation's 30 million numbers with visitors'
TRACE_RADIUS_M: Final = (1.0, 20_000.0)  # beyond, the flat estimate's margin (1e-4) is no longer proven
TRACE_BUCKET_S: Final = (60, 3_600)  # an hour's buckets are the bits of one 64-bit word
TRACE_NEAR_S: Final = 3_600  # how far apart in time two fixes may be and still meet: one hour to each side is looked at
TRACE_CASE_PINGS: Final = 4_000_000  # 4,000 passengers at a fix a minute for half a day
TRACE_GRID_CELLS: Final = 2_000_000  # of one bucket: 250 KB of bits, so that an hour's stay in the second-level cache
TRACE_FINE_CELLS: Final = 8_388_608  # small cells of an hour (craft/tracing/crowded.py): 32 MB a worker
TRACE_FINE_ITEMS: Final = 16_777_216  # of their lists: 64 MB; what is beyond is answered by rows, slower and the same
TRACE_WINDOW_H: Final = 24 * 21  # hours of one question: three weeks, longer than any incubation so far used

# The lake (craft/tracing).
LAKE_GROUP_ROWS: Final = 131_072  # of a row group: 0.67 MB, what one sealed read brings; a block of zstd an octet
LAKE_BATCH_ROWS: Final = 5_000_000  # of one import: 60 MB of columns
LAKE_BLOCK: Final = 65_536  # octets sealed together: a pruned read opens few too many
LAKE_FILE_BYTES: Final = 2 << 30  # of one delivered file
LAKE_FAULTS: Final = 100  # bad rows that are named; beyond that the file is of another kind
LAKE_LINE: Final = 4_096  # characters of a delivered row
LAKE_DAYS: Final = 28  # a day of positions is kept no longer than 2020's promise, whatever the basis says
LAKE_AHEAD_S: Final = 300  # a ping from the future beyond this is a wrong clock

# The service.
TRACE_CASES: Final = 500  # cases of one request: beyond, it is no longer a trace but a survey
TRACE_LEAST: Final = 10  # phones: a smaller count is not told
TRACE_ROUND: Final = 10  # counts are told to this multiple, so that two of them do not differ by one phone
TRACE_COUNTS_A_DAY: Final = 20  # different questions under an order and day: differencing needs many
TRACE_HOT_SPOTS: Final = 60  # places of one request's map: 2020's had 51
TRACE_GATHERINGS: Final = 40  # shapes of a quarter hour's crowds: each may become an alert
TRACE_EVIDENCE: Final = 40  # meetings that are kept of one contact: a day has 96 quarter hours
TRACE_REQUESTS: Final = 200  # shown in the desk's list
TRACE_VOUCH_S: Final = 86_400.0  # a word that numbers may be written: an order that ends early is not heard offline
TRACE_NOTICE: Final = 200_000  # numbers of a list that is let go elsewhere: three octets each, in a call's 1 MiB
TRACE_NOTICE_CHARS: Final = 1_000_000  # of its box in base64
TRACE_CLOCK_S: Final = 300  # a machine without a network may be behind by so much
TRACE_AWAIT_S: Final = 3 * 86_400.0  # a request that nobody released by then is dropped with all it found
