"""The phones of the simulator: what each got, its parts put together. Bounded: the newest stay."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

import msgspec

from banyan.wire.smpp.codes import ESM_UDHI
from banyan.wire.smpp.fields import Malformed
from banyan.wire.smpp.pdu import Short
from banyan.wire.smpp.text import split_header, text_of

KEPT: Final = 2_000


class Shown(msgspec.Struct, frozen=True):
    """One text on a phone."""

    to: str
    sender: str
    text: str
    at: float
    parts: int = 1


class Phones:
    """`on_part(number, reference, part)` is told of every part, for tests that count."""

    def __init__(self, *, kept: int = KEPT, on_part: Callable[[str, int, int], None] | None = None) -> None:
        self.newest: deque[Shown] = deque(maxlen=kept)
        self.count = 0
        """Texts that all phones got, whole."""
        self.texts: OrderedDict[str, int] = OrderedDict()
        """How many got each text, the newest last: of a campaign to more phones than are kept too."""
        self._on_part = on_part
        self._open: OrderedDict[tuple[str, str, int, int], dict[int, str]] = OrderedDict()

    def take(self, number: str, short: Short, at: float) -> None:
        """A part arrived. One that cannot be read is not shown."""
        part, octets = None, short.text
        if short.esm_class & ESM_UDHI:
            try:
                part, octets = split_header(short.text)
            except Malformed:
                return
        text, sender = text_of(octets, short.data_coding), short.source.digits
        if self._on_part is not None:
            self._on_part(number, part.reference if part else 0, part.number if part else 1)
        if part is None:
            self._show(Shown(number, sender, text, at))
            return
        key = (number, sender, part.reference, part.total)
        found = self._open.setdefault(key, {})
        found[part.number] = text
        if len(found) == part.total:
            del self._open[key]
            self._show(Shown(number, sender, "".join(found[one] for one in sorted(found)), at, part.total))
        elif len(self._open) > KEPT:
            self._open.popitem(last=False)

    def of(self, number: str) -> list[Shown]:
        """What one phone got, the newest first."""
        return [one for one in reversed(self.newest) if one.to == number]

    def _show(self, shown: Shown) -> None:
        self.newest.append(shown)
        self.count += 1
        self.texts[shown.text] = self.texts.get(shown.text, 0) + 1
        self.texts.move_to_end(shown.text)
        if len(self.texts) > KEPT:
            self.texts.popitem(last=False)
