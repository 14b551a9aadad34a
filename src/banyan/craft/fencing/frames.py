"""Frames of the fence's journal: what was asked and when, and doing it again.

A fix takes 12 bytes: phone, seconds since 1970 (32 bits: until 2106), cell.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
import numpy as np

from banyan.craft.cells.model import CellTable, Fixes, fixes
from banyan.craft.fencing.model import Alarm
from banyan.craft.fencing.rule import Rule
from banyan.craft.fencing.state import State
from banyan.limits_fence import FENCE_PAST_S


class Begin(msgspec.Struct, frozen=True, array_like=True, tag=0):
    now: int
    print: bytes


class Enrol(msgspec.Struct, frozen=True, array_like=True, tag=1):
    now: int
    phone: int
    watched_for: int
    at: int


class Leave(msgspec.Struct, frozen=True, array_like=True, tag=2):
    now: int
    phones: bytes


class OpenEvent(msgspec.Struct, frozen=True, array_like=True, tag=3):
    now: int
    event: int
    cells: bytes
    since: int
    until: int


class CloseEvent(msgspec.Struct, frozen=True, array_like=True, tag=4):
    now: int
    event: int


class Feed(msgspec.Struct, frozen=True, array_like=True, tag=5):
    now: int
    complete_until: int
    phone: bytes
    at: bytes
    cell: bytes


class Tick(msgspec.Struct, frozen=True, array_like=True, tag=6):
    now: int


class Told(msgspec.Struct, frozen=True, array_like=True, tag=7):
    now: int
    upto: int


Frame = Begin | Enrol | Leave | OpenEvent | CloseEvent | Feed | Tick | Told
_decoder: msgspec.msgpack.Decoder[Frame] = msgspec.msgpack.Decoder(Frame)
_encoder = msgspec.msgpack.Encoder()


def encode(frame: Frame) -> bytes:
    return _encoder.encode(frame)


def decode(payload: bytes) -> Frame:
    return _decoder.decode(payload)


def feed(now: int, complete_until: int, batch: Fixes) -> Feed:
    at = np.clip(batch.at, 0, (1 << 32) - 1).astype(np.uint32)
    return Feed(now, complete_until, batch.phone.tobytes(), at.tobytes(), batch.cell.tobytes())


def apply(state: State, frame: Frame) -> tuple[Any, list[Alarm]]:
    """Do what the frame says; its answer, and the alarms of the slots that it closed."""
    if isinstance(frame, Enrol):
        state.enrol(frame.phone, frame.watched_for, frame.at)
        state.begin(max(min(frame.now, frame.at + state.rule.grace_s), frame.now - FENCE_PAST_S))
    elif isinstance(frame, Leave):
        return state.leave(np.frombuffer(frame.phones, np.int64)), []
    elif isinstance(frame, OpenEvent):
        cells = frozenset(np.frombuffer(frame.cells, np.int32).tolist())
        state.events[frame.event] = frame.since, frame.until, cells
    elif isinstance(frame, CloseEvent):
        state.events.pop(frame.event, None)
        state.entered = {one for one in state.entered if one[0] != frame.event}
    elif isinstance(frame, Feed):
        if frame.complete_until:  # the operator's word instead of the clock's, so that a day past can be fed again
            skipped = _closed(state, state.ahead_of_room(frame.complete_until))  # after hours without a batch
            fed = state.feed(_fixes(frame), frame.now)
            return fed, skipped + _closed(state, state.complete(frame.complete_until))
        alarms = _closed(state, state.due(frame.now))  # first, so that room is for what may still come
        return state.feed(_fixes(frame), frame.now), alarms
    elif isinstance(frame, Tick):
        return None, _closed(state, state.due(frame.now))
    elif isinstance(frame, Told):
        state.alarms = [one for one in state.alarms if one.number > frame.upto]
    return None, []


def fingerprint(table: CellTable, rule: Rule) -> bytes:
    """Of what the journal's numbers mean."""
    digest = hashlib.sha256(msgspec.msgpack.encode((table.ids, rule)))
    for column in (table.lon, table.lat, table.site):
        digest.update(column.tobytes())
    return digest.digest()


def _fixes(frame: Feed) -> Fixes:
    phone, at = np.frombuffer(frame.phone, np.uint32), np.frombuffer(frame.at, np.uint32)
    return fixes(phone, at.astype(np.int64), np.frombuffer(frame.cell, np.int32))


def _closed(state: State, slots: int) -> list[Alarm]:
    return [alarm for _ in range(slots) for alarm in state.close()]
