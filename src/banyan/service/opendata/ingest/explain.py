"""A finding as sentences, in a reader's language."""

from __future__ import annotations

from banyan.service.opendata.ingest.refusal import MESSAGES
from banyan.service.opendata.model import Finding


def explain(finding: Finding, lang: str) -> tuple[str, str]:
    """What was found, and how to mend it (empty when there is nothing to mend), in zh-Hant or en."""
    values: dict[str, object] = {**finding.values, "count": f"{finding.count:,}", "column": finding.column}
    if evidence := finding.values.get("evidence"):
        values["evidence"] = MESSAGES.text(f"evidence.{evidence}", lang)
    key = f"finding.{finding.code}"
    return MESSAGES.text(f"{key}.title", lang, **values), MESSAGES.text(f"{key}.mend", lang, **values)
