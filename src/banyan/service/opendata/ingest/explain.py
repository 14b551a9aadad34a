"""A finding as sentences, in a reader's language."""

from __future__ import annotations

from banyan.service.opendata.ingest.refusal import messages
from banyan.service.opendata.model import Finding


def explain(finding: Finding, lang: str) -> tuple[str, str]:
    """What was found, and how to mend it (empty when there is nothing to mend), in zh-Hant or en."""
    values: dict[str, object] = {**finding.values, "count": f"{finding.count:,}", "column": finding.column}
    if evidence := finding.values.get("evidence"):
        values["evidence"] = messages().text(f"evidence.{evidence}", lang)
    key = f"finding.{finding.code}"
    return messages().text(f"{key}.title", lang, **values), messages().text(f"{key}.mend", lang, **values)
