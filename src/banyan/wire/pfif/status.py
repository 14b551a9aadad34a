"""The answer to a write: what was parsed, written and skipped, record type by record type (PFIF 1.4 status)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from banyan.wire.pfif.model import Fault
from banyan.wire.pfif.writing import NAMESPACE
from banyan.wire.xmltext import text

STATUS: Final = "http://zesty.ca/pfif/1.4/status"


class Batch(msgspec.Struct, frozen=True):
    """Records of one kind, `person` or `note`; `skipped` among `parsed`, `written` the others."""

    kind: str
    parsed: int
    written: int
    skipped: tuple[Fault, ...] = ()


def status(batches: Iterable[Batch]) -> bytes:
    """The document, as Person Finder answered `/api/write`; the prefixes are bound, which its own did not do."""
    head = f'<?xml version="1.0"?>\n<status:status xmlns:status="{STATUS}" xmlns:pfif="{NAMESPACE}">\n'
    return (head + "".join(_batch(one) for one in batches) + "</status:status>\n").encode()


def _batch(batch: Batch) -> str:
    lines = [
        "  <status:write>",
        f"    <status:record_type>pfif:{batch.kind}</status:record_type>",
        f"    <status:parsed>{batch.parsed}</status:parsed>",
        f"    <status:written>{batch.written}</status:written>",
        "    <status:skipped>",
    ]
    for fault in batch.skipped:
        name = f"pfif:{batch.kind}_record_id"
        lines.append(f"      <{name}>{text(fault.id)}</{name}>")
        lines.append(f"      <status:error>{text(fault.field)}: {text(fault.fix)}</status:error>")
    return "\n".join([*lines, "    </status:skipped>", "  </status:write>"]) + "\n"
