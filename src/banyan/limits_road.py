"""Bounds of the road between agencies, each with its reason. The house's other bounds are in limits.py."""

from __future__ import annotations

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

ROAD_PURPOSE_CHARACTERS: Final = 64  # of a purpose code in a header: the register's are under 40

# Nation: operations behind the road.
REMOTE_ANSWER_BYTES: Final = 16 * MIB  # an operation's answer from a peer, held whole to be decoded

# Admission: who runs now, who waits, who is sent away (kernel/exchange/road/admission*.py)
ADMISSION_LEAST: Final = (
    8  # calls that run at once whatever the lag: fewer leave a 2-core gateway idle on slow providers
)
ADMISSION_MOST: Final = 256  # and at most: each may hold a body of 1 MiB in memory on both legs, so 512 MiB
ADMISSION_START: Final = 64  # before anything was seen: two per connection of the 32 that the bench keeps busy
ADMISSION_WAITING: Final = 1_024  # calls that wait in one class: at 2,000 calls/s half a second, and 4 KiB of head each
ADMISSION_WEIGHTS: Final = {"crisis": 16, "normal": 4, "bulk": 1}  # of places that come free: 76 %, 19 %, 5 % at least
ADMISSION_RESERVED: Final = {"crisis": 0.0, "normal": 0.125, "bulk": 0.5}  # of all places, kept free of this class
ADMISSION_LAG_S: Final = 0.05  # the loop comes this late: the gateway itself is what makes calls wait
ADMISSION_TICK_S: Final = 0.1  # how often the lag is looked at; a cut takes that long to show in it
ADMISSION_CUT: Final = 0.8  # of the bound, when late: between TCP's 0.5 and 0.9, with 8 as the least
ADMISSION_RETRY_MOST_S: Final = 60  # of Retry-After: a quota is full again in a minute, and no rush is guessed longer
ADMISSION_HOLD_WEIGHT: Final = 1 / 32  # of the newest call in the mean time that calls hold a place

# CORE: listeners, connections, bodies
ROAD_BODY_BYTES: Final = 4096 * MIB  # of one message: an image study or a land survey; it is spooled, never held
ROAD_MEMORY_BYTES: Final = 1 * MIB  # of one body in memory; more goes to a file
ROAD_MEMORY_ALL_BYTES: Final = 64 * MIB  # of all bodies together in memory; beyond it each goes to a file sooner
ROAD_MEMORY_LEAST_BYTES: Final = 32 * KIB  # what a body may always keep in memory
ROAD_PAGE_BYTES: Final = 1 * MIB  # a body that a gateway's own page takes unless it says otherwise
ROAD_PIECE_BYTES: Final = 256 * KIB  # read from a file and written to a socket at once
ROAD_HEAD_BYTES: Final = 40 * KIB  # HEADER_BYTES of fields and XROAD_TARGET_BYTES of address
ROAD_HEAD_S: Final = 10.0  # a peer or client that has not sent its head by then holds a socket for nothing
ROAD_BODY_IDLE_S: Final = 20.0  # a body may take an hour, but not pause longer
ROAD_IDLE_S: Final = 75.0  # a connection between two calls, at a listener
ROAD_POOL_IDLE_S: Final = 20.0  # the same in a pool: shorter, so that a call seldom meets a connection being closed
ROAD_CONNECTIONS: Final = 4_096  # at one listener
ROAD_POOL_PER_PLACE: Final = 256  # idle connections kept to one address
ROAD_CALL_S: Final = 60.0  # how long a client waits unless it says X-Banyan-Timeout
ROAD_CALL_MOST_S: Final = 300.0  # the longest it may say
ROAD_CONNECT_S: Final = 5.0  # to one address; three round trips take 1 s around the world
ROAD_HANDSHAKE_S: Final = 10.0  # TLS, from the first byte
ROAD_SWEEP_S: Final = 0.25  # how often late connections are looked for
ROAD_NONCES: Final = 2_000_000  # remembered at most, 60 s of 30,000 calls/s; more than that is refused
ROAD_CHUNK_LINE_BYTES: Final = 256  # the size line of a chunk, extensions included
ROAD_TRAILER_BYTES: Final = 8 * KIB  # fields after a chunked body; they are read and dropped
ROAD_LINGER_BYTES: Final = 1 * MIB  # read and dropped of a refused body, so that the refusal arrives before the close
