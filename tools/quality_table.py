"""What frictionless calls valid beside what our content checks find, on the real files, as a Markdown table.

    .venv/bin/python tools/quality_table.py --shared ../shared/data

Deterministic: the same files give the same table. docs/quality.md holds its output.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

from banyan.kernel.events.clock import EpochS
from banyan.service.opendata.ingest import Options, ingest
from banyan.service.opendata.model import Check, Version
from banyan.service.opendata.quality import content, scan
from banyan.service.opendata.quality.explain import MESSAGES

FILES = (
    "opendata/dirty/education_2013_first900_utf16.csv",
    "opendata/dirty/education_2020_first900.csv",
    "opendata/dirty/taichung_catalog_2018.csv",
    "opendata/dirty/tainan_catalog_2018.csv",
    "opendata/dirty/taipei_catalog_2018_big5.csv",
    "opendata/dirty/taitung_shelters_2017.csv",
    "opendata/geo/village_population_2021-02.csv",
)
DECLARED = {"taipei_catalog_2018_big5.csv": "cp950", "education_2013_first900_utf16.csv": "utf-16"}
"""frictionless must be told these; the table shows its verdict without and with."""
PEER = Path(__file__).parents[1] / ".venv-peers" / "bin" / "frictionless"


def peer_verdict(path: Path, encoding: str) -> str:
    """frictionless's verdict: `valid`, or the kinds of its errors."""
    command = [PEER, "validate", path.name, "--json", *(["--encoding", encoding] if encoding else [])]
    done = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    if report["valid"]:
        return "valid"
    errors = [error["type"] for task in report["tasks"] for error in task["errors"]]
    errors += [error["type"] for error in report["errors"]]
    return ", ".join(f"{kind} ×{errors.count(kind)}" for kind in sorted(set(errors)))


def our_checks(path: Path) -> list[Check]:
    with tempfile.TemporaryDirectory() as work:
        (table,) = ingest(
            path,
            path.name,
            options=Options(),
            work=Path(work),
            progress=lambda _: None,
            cancelled=lambda: False,
        )
        version = Version(
            resource_id="",
            number=1,
            at=EpochS(0),
            as_of=EpochS(0),
            rows=table.rows,
            columns=table.columns,
            source=table.source,
            parquet="",
            findings=table.findings,
        )
        seen = scan.scan(table.parquet, table.columns, key=table.key)
    return [check for check in content.judge(version, seen) if check.count]


def row(path: Path) -> str:
    checks = our_checks(path)
    said = {
        mark: "<br>".join(
            f"{MESSAGES.text(f'check.{check.code}.title', 'zh-Hant')} {check.count}"
            for check in checks
            if check.passed is passed
        )
        for mark, passed in (("faults", False), ("notices", None))
    }
    verdict = peer_verdict(path, DECLARED.get(path.name, ""))
    plain = peer_verdict(path, "") if path.name in DECLARED else verdict
    both = verdict if plain == verdict else f"{plain}; told the encoding: {verdict}"
    return f"| `{path.name}` | {both} | {said['faults'] or '—'} | {said['notices'] or '—'} |"


def run() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    options = parser.parse_args()
    print("| file | frictionless 5.21 | our content checks: faults (cells) | notices |")
    print("|---|---|---|---|")
    for name in FILES:
        print(row(options.shared / name), flush=True)


if __name__ == "__main__":
    run()
