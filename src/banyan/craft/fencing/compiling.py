"""The kernel compiled, in a thread, once a process: about 1 s, up to 10 s the first time. Until then, and where numba
cannot be loaded, the same loops run as Python, fast enough for a county's quarantined."""

from __future__ import annotations

import threading
from typing import Any, Final

from banyan.craft.fencing import kernel
from banyan.craft.place.compiled import own_folder


class _Loops:
    """What runs now."""

    def __init__(self) -> None:
        self.scatter: Any = kernel.scatter
        self.weigh: Any = kernel.weigh
        self.move: Any = kernel.move
        self.warming: threading.Thread | None = None


loops: Final = _Loops()
_gate: Final = threading.Lock()
_SCATTER: Final = (
    "void(Tuple((Array(u4, 1, 'C', readonly=True), Array(i8, 1, 'C', readonly=True), Array(i4, 1, 'C', readonly=True)))"
    ", i8[::1], Tuple((u1[::1], i8[::1])), Tuple((i8[:, ::1], i4[:, ::1])), i8[::1])"
)
_WEIGH: Final = (
    "void(Tuple((i8[::1], i8[::1], i4[::1], b1[::1])), Array(i4, 1, 'C', readonly=True), f8[::1],"
    " Tuple((u1[::1], i8[::1], i8[::1], i8[::1], i4[:, ::1], u2[:, ::1])), f8[::1])"
)
_MOVE: Final = "i8(i8[::1], f8[::1], f8[::1], Tuple((f8[::1], u1[::1], u1[::1])), i8[:, ::1])"
"""Given, so that each is compiled when asked, and never while somebody waits."""


def warm() -> threading.Thread:
    """Begin; join the thread to be sure."""
    with _gate:
        if loops.warming is None:
            # Not a daemon: a process that ends while LLVM is compiling would abort.
            loops.warming = threading.Thread(target=_load, name="compiling the fence")
            loops.warming.start()
        return loops.warming


def is_compiled() -> bool:
    return loops.move is not kernel.move


def _load() -> None:
    try:
        import numba
    except ImportError:
        return
    folder = own_folder()
    vars(numba.config)["CACHE_DIR"] = folder  # its names are made at run time: types know none of them
    made = [
        numba.njit(signature, cache=bool(folder), nogil=True)(loop)
        for signature, loop in ((_SCATTER, kernel.scatter), (_WEIGH, kernel.weigh), (_MOVE, kernel.move))
    ]
    loops.scatter, loops.weigh, loops.move = made
