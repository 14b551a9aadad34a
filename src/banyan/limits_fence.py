"""Bounds of positions and the electronic fence, each with its reason. The house's other bounds are in limits.py."""

from __future__ import annotations

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

# Cells (craft/cells).
CELL_ROWS: Final = 2_000_000  # of one table: Taiwan's operators together have some 400,000 cells
CELL_FILE_BYTES: Final = 256 * MIB  # of one table's file: two million rows of 90 bytes, with room
CELL_LINE: Final = 2_000  # characters of a row: an operator's site list names the address and the permit
CELL_FAULTS: Final = 100  # bad rows that are named; beyond that the file is of another kind
CELL_RANGE_M: Final = 50_000.0  # a cell's reach that is believed: GSM's timing advance ends at 35 km
AREA_POINTS: Final = 20_000  # of an area's outline: a county's coast has some 5,000
AREA_RINGS: Final = 2_000  # of an area: a county's islets

# Fixes (craft/cells).
FIX_ROWS: Final = 500_000  # of one batch: a minute of the whole nation's is 2.3 million, and goes as five
FIX_BATCH_BYTES: Final = 32 * MIB  # of one batch's body: 64 bytes a row
FIX_UNPACKED_BYTES: Final = 256 * MIB  # of one batch's columns once unpacked: half a kilobyte a row
FIX_FAULTS: Final = 100  # bad rows of a batch that are named
FIX_AHEAD_S: Final = 300  # a fix from the future beyond this is a wrong clock: operators keep time by NTP
REPLAY_ROWS: Final = 20_000_000  # of one file that is replayed on this machine: 10,000 phones for two weeks, 0.5 GB
FIX_PHONES: Final = 30_000_000  # slots: the nation with room

# The fence's service (service/fence).
FENCE_PEOPLE: Final = 200_000  # cases read at once: 88,000 were in home quarantine together in 2020
FENCE_LIST: Final = 200  # steps, alarms, messages or appeals of one case shown: 28 days of two calls and some alarms
FENCE_ROWS: Final = 2_000  # of one imported list: the arrivals of ten aeroplanes
FENCE_TEXT: Final = 1 * MIB  # of one imported list: 2,000 rows of 500 bytes
FENCE_FIELD: Final = 200  # characters of a name, address or note
FENCE_CODE_TRIES: Final = 5  # of six digits: one guess in 200,000
FENCE_SHOWN: Final = 50  # alarms and calls on a page at once; the sorted head of the worklist
FENCE_SIGNALS: Final = 20_000  # of one batch of signals: a whole operator's outage at once
FENCE_SWEEP_S: Final = 60.0  # between looks for what ended: data outlives its end by so much at most
FENCE_FORGET_S: Final = 60.0  # until the journal lets go of who left: leavers of a minute share one snapshot
FENCE_ADMIT_S: Final = 30.0  # between looks at a register when it says nothing: an order may have begun
FENCE_ADMIT_ROUNDS: Final = 10  # in which one entry fails for reasons of the machine: five minutes
FENCE_ADMIT_TRIES: Final = 3  # of one entry while officers are at the same case; then it stands on their list
FENCE_CHAT_CODE_S: Final = 600.0  # a code that links a chat: long enough to change from one app to another
FENCE_CHAT_CASES: Final = 10  # of one chat: a mother with her children
FENCE_CHAT_WHY_S: Final = 600.0  # after "I am not home" words are taken as the reason
FENCE_CHAT_TIME_S: Final = 10.0  # of one push to LINE: it answers within a second; the timer tries again

# The fence (craft/fencing).
FENCE_ALARMS: Final = 100_000  # not yet acted upon: a tenth of a million phones, all at once
FENCE_EVENTS: Final = 100  # watched at a time: a county's mass events of a day
FENCE_PAST_S: Final = 7 * 86_400  # a new fence may be fed so much of the past: a thousand slots
FENCE_SNAPSHOT_FRAMES: Final = 10_000  # between two snapshots: replayed in some seconds
FENCE_SNAPSHOT_FIXES: Final = 20_000_000  # between two snapshots: a nation's ten minutes, 240 MB of journal
FENCE_SITES_SIMULATED: Final = 20_000  # masts of one simulation: Taiwan's three operators have some 30,000 each
FENCE_PHONES_SIMULATED: Final = 20_000  # phones of one simulation: a minute and 1 GB at 2,000
FENCE_DAYS_SIMULATED: Final = 60
