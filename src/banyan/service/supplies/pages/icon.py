"""The application's icon as PNG, drawn by us: a white pin with a leaf on the house's green. No file of others.

Source: PNG (ISO/IEC 15948) s11: IHDR, IDAT, IEND; colour type 6, 8 bits, filter 0.
"""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache

import numpy as np
import numpy.typing as npt

SIZES = (192, 512)
_FINER = 4
"""Drawn this many times larger and averaged, for smooth edges."""
_GREEN, _WHITE, _GOLD = (15, 61, 46), (255, 255, 255), (242, 197, 124)
Plane = npt.NDArray[np.float64]


@lru_cache(maxsize=4)
def icon(size: int, *, is_maskable: bool = False) -> bytes:
    """A square PNG of `size` pixels. A maskable one fills the square and keeps its mark within the safe zone (a circle
    of 40 % radius, W3C Web App Manifest s2.6)."""
    side = size * _FINER
    y, x = (np.mgrid[0:side, 0:side] + 0.5) / side - 0.5
    scale = 1.35 if is_maskable else 1.0
    u, v = x * scale, y * scale
    ground = np.ones_like(u, dtype=bool) if is_maskable else _rounded(x, y)
    pin = (u**2 + (v + 0.09) ** 2 < 0.235**2) | ((v > 0.04) & (np.abs(u) < (0.36 - v) * 0.62) & (v < 0.36))
    hole = (u**2 + (v + 0.09) ** 2) < 0.135**2
    cross = ((np.abs(u) < 0.034) & (np.abs(v + 0.09) < 0.098)) | ((np.abs(v + 0.09) < 0.034) & (np.abs(u) < 0.098))
    picture = np.zeros((side, side, 4))
    for mask, colour in ((ground, _GREEN), (pin, _WHITE), (hole, _GREEN), (cross, _GOLD)):
        picture[mask] = (*colour, 255)
    small = picture.reshape(size, _FINER, size, _FINER, 4).mean(axis=(1, 3)).round().astype(np.uint8)
    return _png(small)


def _rounded(x: Plane, y: Plane) -> npt.NDArray[np.bool_]:
    """A square with round corners."""
    corner = 0.14
    far_x, far_y = np.maximum(np.abs(x) - (0.5 - corner), 0), np.maximum(np.abs(y) - (0.5 - corner), 0)
    inside: npt.NDArray[np.bool_] = np.hypot(far_x, far_y) <= corner
    return inside


def _png(pixels: npt.NDArray[np.uint8]) -> bytes:
    height, width, _ = pixels.shape
    lines = np.concatenate((np.zeros((height, 1), np.uint8), pixels.reshape(height, width * 4)), axis=1)
    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    body = zlib.compress(lines.tobytes(), 9)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
