"""Write docs/tour/guessed.md: what was guessed, mended and kept for each real file, as the ingest reports it.

`python tools/guessed.py [--check]`; the files are `../shared/data` beside the checkout. Deterministic: counts, codes
and sentences of our own catalogue only.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from banyan.service.opendata.ingest import Table, explain, ingest
from banyan.service.opendata.model import Finding

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
TARGET = ROOT / "docs" / "tour" / "guessed.md"
FOLDERS = (
    ("supplies/raw", "*.csv.gz"),
    ("supplies", "outlets.csv.gz"),
    ("supplies", "service_hours_*.csv"),
    ("opendata/dirty", "*.csv"),
    ("opendata/geo", "*.csv"),
    ("flood", "*.csv.gz"),
    ("flood", "*.geojson"),
)
KINDS = {"guess": "判斷 guessed", "mended": "修整 mended", "kept_raw": "留原文 kept raw", "problem": "問題 problem"}
HEAD = """# 每個檔案判斷與修整了什麼 What was guessed and mended

由 `python tools/guessed.py` 產生；每一項都能用發布選項改變。
Written by `python tools/guessed.py`; every guess can be decided otherwise with a publish option.
"""


def main() -> int:
    """Write the page, or with --check say whether it is as it would be written."""
    page = "".join(_page())
    if "--check" in sys.argv:
        same = TARGET.is_file() and TARGET.read_text(encoding="utf-8") == page
        print("docs/tour/guessed.md", "is current" if same else "is stale: run tools/guessed.py")
        return 0 if same else 1
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(page, encoding="utf-8")
    print(f"{TARGET.relative_to(ROOT)}: {len(page):,} characters")
    return 0


def _page() -> Iterator[str]:
    yield HEAD
    tables = [(path, table) for path in _files() for table in _tables(path)]
    yield "\n| 檔案 file | 編碼 encoding | 標題列 header | 列 rows | 欄 columns | 鍵 key | 地圖 map |\n"
    yield "|---|---|--:|--:|--:|---|---|\n"
    for path, table in tables:
        source = table.source
        yield (
            f"| {path.name} | {source.encoding} | {source.header_rows} | {table.rows:,} | {len(table.columns)} "
            f"| {', '.join(table.key)} | {table.geometry} |\n"
        )
    for path, table in tables:
        yield f"\n## {path.relative_to(DATA)}\n\n"
        yield "| 類別 kind | 欄 column | 發現 finding | 改變 override |\n|---|---|---|---|\n"
        for one in table.findings:
            yield _row(one)


def _row(one: Finding) -> str:
    chinese, english = explain(one, "zh-Hant")[0], explain(one, "en")[0]
    override = f"`{one.override}`" if one.override else ""
    return f"| {KINDS[one.kind]} | {_cell(one.column)} | {_cell(chinese)}<br>{_cell(english)} | {_cell(override)} |\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _files() -> list[Path]:
    return [path for folder, pattern in FOLDERS for path in sorted((DATA / folder).glob(pattern))]


def _tables(path: Path) -> list[Table]:
    with tempfile.TemporaryDirectory(prefix="guessed-") as work:
        return ingest(path, path.name, work=Path(work))


if __name__ == "__main__":
    sys.exit(main())
