"""Bounds of the road between agencies, each with its reason. The house's other bounds are in limits.py."""

from __future__ import annotations

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

ROAD_PURPOSE_CHARACTERS: Final = 64  # of a purpose code in a header: the register's are under 40

# Nation: operations behind the road.
REMOTE_ANSWER_BYTES: Final = 16 * MIB  # an operation's answer from a peer, held whole to be decoded
ROAD_UPKEEP_S: Final = 300.0  # between looks at whether a certificate is due for renewal: it has thirty days
DOCTOR_WAIT_S: Final = 5.0  # for a gateway to answer the doctor: one on another continent needs less than one
DOCTOR_HANDS: Final = 8  # gateways that the doctor calls at once
ROAD_TEND_S: Final = 5.0  # between turns of the centre's gateway with the centre's folder, where officers write
EXCHANGE_GRANTS: Final = 20_000  # grants of one node's members, ended ones among them: read whole at each change
EXCHANGE_ACTS: Final = 80_000  # on them: three each, and some that came about at two gateways at once
EXCHANGE_ACT_BYTES: Final = 32 * 1024  # of one act: 50 endpoints, 20 purposes, and a thousand ends that it has seen
EXCHANGE_CALLS: Final = 200  # newest calls that the console shows, and as many questions about services
EXCHANGE_LETTERS: Final = 200  # messages of the queue that the console shows at once

# Siblings: the gateways of one member (kernel/exchange/siblings)
SIBLINGS_ROUND_S: Final = 10.0  # between meetings without news; news is told at once
SIBLINGS_ASK_S: Final = 10.0  # for one answer: a page of acts over a slow line
SIBLINGS_MEET_S: Final = 120.0  # for a meeting: a new gateway takes 80,000 acts in less
SIBLINGS_QUIET_S: Final = 5.0  # before officers hear that a sibling was not told: one that is up has heard by then
SIBLINGS_PAGE_ACTS: Final = 100  # told at once, each way
SIBLINGS_PAGE_BYTES: Final = 8 * MIB  # so many of EXCHANGE_ACT_BYTES in base64 with a signature, and the offers
SIBLINGS_OFFERS: Final = 10_000  # services of one member at one gateway
SIBLINGS_TURNS: Final = 2_000  # pages in one meeting: all of EXCHANGE_ACTS both ways

# Admission: who runs now, who waits, who is sent away (kernel/exchange/road/admission*.py)
ADMISSION_LEAST: Final = 32  # calls that run at once whatever the lag: providers that take 1 s still serve 32/s
ADMISSION_MOST: Final = (
    256  # and at most: each holds two bodies and two sockets; more only lengthen the round of the loop
)
ADMISSION_START: Final = 64  # before anything was seen: two per connection of the 32 that the bench keeps busy
ADMISSION_WAITING: Final = 1_024  # calls that wait in one class: at 2,000 calls/s half a second, and 4 KiB of head each
ADMISSION_CLIENTS: Final = 4_096  # idle ones whose entry is kept: 600 bytes each; made anew at each call costs 0.5 us
ADMISSION_WEIGHTS: Final = {"crisis": 16, "normal": 4, "bulk": 1}  # of places that come free: 76 %, 19 %, 5 % at least
ADMISSION_RESERVED: Final = {"crisis": 0.0, "normal": 0.125, "bulk": 0.5}  # of all places, kept free of this class
ADMISSION_LAG_S: Final = 0.05  # the loop comes this late: the gateway itself is what makes calls wait
ADMISSION_TICK_S: Final = 0.1  # how often the lag is looked at; a cut takes that long to show in it
ADMISSION_CUT: Final = 0.8  # of the bound, when late: it halves in three ticks
ADMISSION_STEP: Final = 4  # added to the bound each tick while it is what holds calls up: from 32 to 256 in 6 s
ADMISSION_RETRY_MOST_S: Final = 60  # of Retry-After: a quota is full again in a minute, and no rush is guessed longer
ADMISSION_MARGIN: Final = 1.15  # on the estimate of a wait: without it one in ten waits in vain, with it one in thirty
ADMISSION_HOLD_CALLS: Final = 256  # over which the mean time that calls hold a place is taken: it is then within 6 %

# Routing: which gateway of several (kernel/exchange/road/routing.py, hedging.py)
ROUTES_TRIED: Final = 8  # addresses of one subsystem that a call tries: at 0.3 s each the last is tried after 2 s
ROUTE_STAGGER_S: Final = (
    0.3  # before the next address is tried beside one that is silent: RFC 8305 s8 says 0.25, to 2 s
)
ROUTE_FAILURES: Final = 2  # in a row, and an address rests: one alone may be a restart
ROUTE_REST_S: Final = 1.0  # the first rest; each further failure doubles it
ROUTE_REST_MOST_S: Final = 60.0  # and at most: a gateway that is back has calls again within a minute
ROUTES_REMEMBERED: Final = 4_096  # addresses with a past; older ones are forgotten, that is, trusted again

# CORE: listeners, connections, bodies
ROAD_BODY_BYTES: Final = 4096 * MIB  # of one message: an image study or a land survey; it is spooled, never held
ROAD_MEMORY_BYTES: Final = 1 * MIB  # of one body in memory; more goes to a file
ROAD_MEMORY_ALL_BYTES: Final = 64 * MIB  # of all bodies together in memory; beyond it each goes to a file sooner
ROAD_MEMORY_LEAST_BYTES: Final = 32 * KIB  # what a body may always keep in memory
ROAD_FILES_ALL_BYTES: Final = 32_768 * MIB  # of all bodies of a gateway in files; its folder should have that room
ROAD_PAGE_BYTES: Final = 1 * MIB  # a body that a gateway's own page takes unless it says otherwise
ROAD_PIECE_BYTES: Final = 256 * KIB  # read from a file and written to a socket at once
ROAD_HEAD_BYTES: Final = 40 * KIB  # HEADER_BYTES of fields and XROAD_TARGET_BYTES of address
ROAD_HEAD_S: Final = 10.0  # a peer or client that has not sent its head by then holds a socket for nothing
ROAD_BODY_IDLE_S: Final = 20.0  # a body may take an hour, but not pause longer
ROAD_BODY_MOST_S: Final = 3_600.0  # to send or to take one body: 4 GiB over 10 Mbit/s
ROAD_IDLE_S: Final = 75.0  # a connection between two calls, at a listener
ROAD_POOL_IDLE_S: Final = 20.0  # the same in a pool: shorter, so that a call seldom meets a connection being closed
ROAD_SERVICE_IDLE_S: Final = 1.5  # the same to a service: gunicorn closes after 2 s, uvicorn, Node and Apache after 5
ROAD_CONNECTIONS: Final = 4_096  # at one listener
ROAD_POOL_PER_PLACE: Final = 256  # idle connections kept to one address
ROAD_BUNDLES: Final = 2  # TLS connections to one gateway, that calls share: while one is filled another is read
ROAD_BUNDLE_SHARE: Final = 8  # strands in one before another is begun
ROAD_BUNDLE_STRANDS: Final = 256  # in one: 64 MB of STRAND_BYTES, if a peer sends all that it may and nobody reads
ROAD_BUNDLE_OWED: Final = 4_096  # frames without data to who does not read: an honest peer's strands need 1,000
ROAD_SILENT_S: Final = 5.0  # nothing came while an answer was due: new calls connect anew, as CONNECT_S finds out
ROAD_BUNDLE_TURN: Final = 16  # messages that wait for the end of a turn of the loop; more are written at once
ROAD_STRAND_BYTES: Final = 256 * KIB  # sent before the other side has taken them: 25 MB/s at 10 ms there and back
ROAD_CALL_S: Final = 60.0  # how long a client waits unless it says X-Banyan-Timeout
ROAD_CALL_MOST_S: Final = 300.0  # the longest it may say
ROAD_CONNECT_S: Final = 5.0  # to one address; three round trips take 1 s around the world
ROAD_HANDSHAKE_S: Final = 10.0  # TLS, from the first byte
ROAD_SWEEP_S: Final = 0.25  # how often late connections are looked for
ROAD_NONCES: Final = 2_000_000  # remembered at most, 60 s of 30,000 calls/s; more than that is refused
GC_THRESHOLDS: Final = (20_000, 20, 50)  # new objects that live before a look for cycles: 700 come with two calls
ROAD_GATHER_CALLS: Final = 8  # run at once before a gateway waits for company; fewer are answered without delay
ROAD_GATHER_ENOUGH: Final = 12  # messages in one turn: with more than that, little is won
ROAD_GATHER_S: Final = 0.001  # a call passes some six turns; at 32 calls at once it may wait 6 ms of 50
ROAD_LINES_KEPT: Final = 2_048  # header lines that come again as they were: a client's name, a host, a type
ROAD_LINE_KEPT_BYTES: Final = 128  # of such a line; 2,048 of them are half a megabyte with what was read of them
ROAD_SHAPES_KEPT: Final = 256  # orders of field names; a program has a handful
ROAD_SHAPE_NAMES: Final = 40  # names in one that is kept: messages on the road have about 15
ROAD_FORMS: Final = 8  # of heads of one kind that the straight way reads: two programs a client, two releases of a peer
ROAD_FORMS_COUNTED: Final = 256  # orders of names that are counted until they make a form
ROAD_FORM_AFTER: Final = 8  # calls before a form is made: its pattern costs as much as two, so it pays no attacker
ROAD_STRAIGHT_BYTES: Final = 32 * KIB  # of a body on the straight way: what a body may always keep in memory
ROAD_LANES: Final = 4_096  # pairs of client and service that are kept ready: some 4 MB
ROAD_CHUNK_LINE_BYTES: Final = 256  # the size line of a chunk, extensions included
ROAD_TRAILER_BYTES: Final = 8 * KIB  # fields after a chunked body; they are read and dropped
ROAD_LINGER_S: Final = 2.0  # for which that is done
ROAD_ATTEMPTS: Final = 3  # to send one call: another gateway of the member, or a connection that was just closed
ROAD_SIGNED_S: Final = 60  # a message says that it holds so long; PEER_AGE_S refuses it then anyway
ROAD_LINGER_BYTES: Final = 1 * MIB  # read and dropped of a refused body, so that the refusal arrives before the close

# Directory: the snapshot, its log, gossip, certificates (kernel/exchange/directory)
DIRECTORY_MEMBERS: Final = 10_000  # a nation's agencies, hospitals and schools districts; issue 5 measures up to it
DIRECTORY_DOCUMENT_BYTES: Final = 64 * MIB  # 10,000 members with a post-quantum key each are under 40
DIRECTORY_SUBSYSTEMS: Final = 200  # of a member
DIRECTORY_SERVICES: Final = 500  # of a subsystem
DIRECTORY_ENDPOINTS: Final = 200  # of a service
DIRECTORY_KEYS: Final = 8  # of a member: the one in use, the next, and a few HSM partitions
DIRECTORY_GATEWAYS: Final = 16  # of a member
DIRECTORY_ADDRESSES: Final = 8  # of a gateway
DIRECTORY_CERTIFICATES: Final = 4  # of a gateway: the one in use, the next, and one left over from a broken renewal
DIRECTORY_SERVED: Final = 1_000  # subsystems behind one gateway
DIRECTORY_GROUPS: Final = 1_000
DIRECTORY_NAME_CHARACTERS: Final = 200  # of a name people read
DIRECTORY_HOST_CHARACTERS: Final = 253  # of a DNS name
DIRECTORY_ROOTS: Final = 32  # certificates of CAs that TLS trusts
DIRECTORY_KEY_BYTES: Final = 4 * KIB  # of a public key in DER; ML-DSA-87's has 2,614
DIRECTORY_REVOCATIONS: Final = 20_000  # two for each member
DIRECTORY_NOTE_BYTES: Final = 8 * KIB  # of one entry of the directory's log; a change of keys has about 2,200
DIRECTORY_ENTRIES: Final = 1_000_000  # of the log: a change every 5 minutes for nine years
DIRECTORY_PAGE_ENTRIES: Final = 1_000  # of the log in one answer
DIRECTORY_PAGE_BYTES: Final = 9 * MIB  # as many entries of the longest
DIRECTORY_PAGES_AT_ONCE: Final = 2  # threads that read its pages for members; strangers have one: six is all of a node
DIRECTORY_PAGES_WAITING: Final = 128  # readers of either kind that wait for a thread: some seconds of work
DIRECTORY_HEAD_BYTES: Final = 512 * KIB  # a checkpoint with 32 witnesses, and 64 handovers of 5 KiB
DIRECTORY_HANDOVERS: Final = 64  # changes of the authority's keys: one a year for a lifetime
DIRECTORY_EVIDENCE: Final = 16  # proofs of a split view kept; one is enough to act on
DIRECTORY_EVIDENCE_BYTES: Final = 64 * KIB  # of one: two signed notes and a path
DIRECTORY_FRESH_S: Final = 3_600  # the authority spoke within the hour (field note 3.6)
DIRECTORY_USABLE_S: Final = 30 * 86_400  # how long a silent authority is survived (law 5)
DIRECTORY_AHEAD_S: Final = 300  # how far the authority's clock may run ahead of ours
DIRECTORY_BEAT_S: Final = 600  # how often the authority signs its checkpoint anew; six times within the hour
DIRECTORY_ROUND_S: Final = 20.0  # between two rounds of gossip: three within the 60 s of convergence
DIRECTORY_REST_S: Final = 1.0  # at least, between two rounds, however often somebody says that there is news
DIRECTORY_JITTER: Final = 0.25  # of a round, so that ten thousand gateways do not ask in one second
DIRECTORY_PEERS_ASKED: Final = 2  # at random in each round, beside the centre: news doubles each round without it
DIRECTORY_ASK_S: Final = 10.0  # for one answer of a peer; a document has its own bound
DIRECTORY_LEARN_S: Final = 300.0  # for all that one peer tells at once: a long log and a large document
DIRECTORY_DOCUMENT_S: Final = 60.0  # 40 MB over a line of 8 Mbit/s
DIRECTORY_WARN_S: Final = 30 * 86_400  # before a certificate or key ends: issue 5 asks for 30 days
DIRECTORY_RENEW_S: Final = 40 * 86_400  # before its end a certificate is renewed: ten days of tries before a warning
DIRECTORY_TLS_DAYS: Final = 90  # a TLS certificate's life; renewed by itself from the 50th day on
DIRECTORY_KEY_DAYS: Final = 3 * 365  # a signing key's
DIRECTORY_ROOT_DAYS: Final = 10 * 365  # the built-in CA's own certificate
DIRECTORY_SETTLE_S: Final = 600  # a next certificate is shown this long after it entered the directory
DIRECTORY_REQUEST_BYTES: Final = 32 * KIB  # of an agency's request to be let in
DIRECTORY_REQUESTS: Final = 1_000  # waiting for officers
DIRECTORY_REQUEST_AGE_S: Final = 30 * 86_400  # an older request is made anew
DIRECTORY_OFFICERS: Final = 100

# DELIVERY: calls accepted now and carried out later, rooms of events (kernel/exchange/delivery)
DELIVERY_INLINE_BYTES: Final = 64 * KIB  # of a body in its row, so that it shares one flush with others; more is a blob
DELIVERY_LIFE_S: Final = 7 * 86_400.0  # until a message is a dead letter, unless its client says less: a long holiday
DELIVERY_LIFE_MOST_S: Final = 30 * 86_400.0  # as long as a directory stays usable without its centre
DELIVERY_REVIVE_S: Final = 60 * 86_400.0  # since it was accepted: how long an officer may send a dead letter again
DELIVERY_WINDOW_S: Final = 90 * 86_400.0  # how long a provider's gateway knows a message whose sender never said it has
# the answer: REVIVE + LIFE_MOST, so that no attempt comes after it was forgotten
DELIVERY_REMEMBERED_S: Final = 86_400.0  # a message that is over is answered the same for a day (field note 3.5)
DELIVERY_ANSWER_KEPT_S: Final = 7 * 86_400.0  # an answer that its client does not fetch
DELIVERY_PEER_WAITING: Final = 20_000  # messages under way to one member: 2 minutes of a gateway's full rate
DELIVERY_CLIENT_WAITING: Final = 20_000  # of one client at the provider's gateway: the same seen from there
DELIVERY_BYTES: Final = 16 * 1024 * MIB  # of all bodies kept, before a disk is full for everybody
DELIVERY_FLYING: Final = 32  # messages at once to one peer or one service: what keeps group commits full
DELIVERY_PAGE: Final = 100  # messages listed in one answer
DELIVERY_SWEEP_S: Final = 30.0  # how often what is over is put away
DELIVERY_SWEEP_ROWS: Final = 500  # in one transaction, so that a writer waits some milliseconds at most
DELIVERY_BACKOFF_S: Final = 1.0  # the first wait after a failure; it doubles
DELIVERY_BACKOFF_MOST_S: Final = 300.0  # a peer that is back is found within five minutes, the breaker finds it sooner
DELIVERY_FAILURES: Final = 5  # in a row open the breaker of a peer
DELIVERY_REST_S: Final = 1.0  # the breaker's first rest; it doubles
DELIVERY_REST_MOST_S: Final = 60.0  # one probe a minute costs nobody anything
DELIVERY_HANDINGS: Final = 5  # times a provider may break off under one message before it is set aside
DELIVERY_HAND_S: Final = 300.0  # a provider that has not answered by then has broken off
DELIVERY_ASK_S: Final = 60.0  # after this A asks for an answer that B should have brought; it doubles
DELIVERY_ASK_MOST_S: Final = 3_600.0
DELIVERY_REASON_CHARACTERS: Final = 200  # of why, for an officer
DELIVERY_RECEIPT_CHARACTERS: Final = 8_000  # of a receipt from a peer: ours have some 900, with ML-DSA-87 some 7,000
DELIVERY_IDEMPOTENCY_CHARACTERS: Final = 256  # of an Idempotency-Key: the draft's examples are UUIDs
ROOM_TYPES: Final = 1_000  # event types of one room
ROOM_SUBSCRIBERS: Final = 1_000  # of one event type: every agency of a nation
ROOM_EVENTS: Final = 1_000_000  # of one event type that are kept: births of a country in seven years
ROOM_NAME_CHARACTERS: Final = 128  # of an event type
ROOM_EVENT_BYTES: Final = 256 * KIB  # an event tells that something happened; documents are fetched
ROOM_SCHEMA_BYTES: Final = 64 * KIB
ROOM_SCHEMA_DEPTH: Final = 32  # of a schema and of an event: deeper is an attack on the reader
ROOM_SCHEMA_STEPS: Final = 100_000  # of checking one event; a 256 KiB list of numbers against one rule takes 60,000
ROOM_KEPT_S: Final = 7 * 86_400.0  # of an event, whatever its subscribers say
ROOM_TTL_S: Final = 3_600  # unless the subscriber says otherwise (GovStack IM PubSub 2.0.0, SubscriptionItem)

# Message log (kernel/exchange/messages): what is kept, for how long, and how it is read
MESSAGES_WAITING: Final = 10_000  # records that wait for the disk: five seconds of 2,000 a second, 30 MB
MESSAGES_BATCH: Final = 512  # records in one frame of the journal: one seal and one flush for all of them
MESSAGES_BATCH_BYTES: Final = 4 * MIB  # of one frame: a quarter of what the journal takes, for two bodies may follow
MESSAGES_GROUP: Final = 24  # exchanges that one flush waits for, while each turn of the loop brings another
MESSAGES_GROUP_S: Final = 0.002  # and so long at most: a turn may be long
MESSAGES_FLUSH_HERE_S: Final = 0.005  # a disk that answers within it is waited for by the loop: a thread costs more
MESSAGES_FLUSH_SHARE: Final = 100  # after a slower one a thread waits so many times as long, then it is tried again
MESSAGES_INLINE_BYTES: Final = 64 * KIB  # a kept body up to this stands in the journal, a larger one in a file
MESSAGES_SEGMENT_BYTES: Final = 16 * MIB  # finding one record reads its segment: about 20 ms
MESSAGES_STRETCH: Final = 4_096  # entries in one row of the index: looking one exchange up reads 600 kB at most
MESSAGES_IDS: Final = 8_192  # ids in one row: 128 KiB, one publication's
MESSAGES_MERGES: Final = 2  # rows of ids taken together at a publication: a quarter would do, so none waits for long
MESSAGES_NAMES: Final = 4_096  # hashes of clients, and of services, that are kept: 1 MB; a further one is made again
MESSAGES_XID_CHARACTERS: Final = 64  # an exchange's id in the open is a UUID; another text is shown as its hash
MESSAGES_RETENTION_S: Final = (
    365 * 86_400
)  # records of what was signed, unless the operator says otherwise: audits are yearly
MESSAGES_KEEP_MOST_S: Final = (
    10 * 365 * 86_400
)  # bodies at the longest: the longest term of Taiwan's medical records act is 7 years
MESSAGES_CHUNK_BYTES: Final = 64 * KIB  # of a body's file, sealed at once
MESSAGES_FOUND: Final = 1_000  # records that one search gives
MESSAGES_WITNESS_WAIT_S: Final = 2.0  # how long other gateways may hold up a checkpoint: receipts wait, calls do not
MESSAGES_WITNESSES: Final = 5  # asked per checkpoint: three of five is a quorum that a faulty one cannot stop
AUDIT_ENTRIES: Final = 20_000_000  # of one log that is joined in memory: about 10 GB, a year of a nation's traffic
AUDIT_SLACK_S: Final = 600.0  # who asked logs when the answer is whole: ROAD_CALL_MOST_S, twice for its body
AUDIT_LISTED: Final = 1_000  # exchanges that the table lists; JSON has all
MONITOR_WAITING: Final = (
    50_000  # calls noted and not written yet: they are written each second, so 25 s of 2,000 a second
)
MONITOR_RECORDS: Final = 1_000_000  # operational records kept, about 700 MB; the oldest go first
MONITOR_KEPT_S: Final = 7 * 86_400  # and for how long: the field's own default
MONITOR_PERIOD_S: Final = 600  # over which health figures are: the field's own default
MONITOR_PAIRS: Final = 2_000  # clients and services that have figures of their own; further ones are counted as "other"
MONITOR_CODES: Final = 200  # fault codes that are counted apart: the field has 113
TELEMETRY_SPANS: Final = 4_096  # that wait to be exported: about 2 MB of JSON; more are dropped and counted
TELEMETRY_EVERY_S: Final = 5.0  # between exports
TELEMETRY_WAIT_S: Final = 4.0  # for a collector to take one

# EDGES: pages beside the calls (kernel/exchange/road/edges)
EDGES_SOAP_BYTES: Final = 256 * KIB  # of a collector's question: one envelope with 40 field names has 4 KiB
EDGES_RECORDS: Final = 10_000  # operational records in one answer: the field's own bound on a payload
EDGES_UNSETTLED_S: Final = 10  # records younger than this may still arrive; the field waits 60 s for its database
EDGES_DOCUMENT_S: Final = 10.0  # to read a provider's description of its service
EDGES_CONTAINERS: Final = 50  # exchanges in one download: an id is to be unique, and a client that reuses one is slow
EDGES_BODY_BYTES: Final = 32 * MIB  # of a kept body inside a container; a larger one is left out, its digest stays
EDGES_CONTAINER_BYTES: Final = 64 * MIB  # of one container that is checked, and of one download
EDGES_DOWNLOADS: Final = 2  # put together at once: each holds its bodies twice in memory, others wait
