"""Fail when a dependency has no line in docs/dependencies.md (STYLE rule 13)."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
explained = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8").lower()
problems = []
for source in sorted(ROOT.glob("requirements*.in")):
    for name in re.findall(r"^([A-Za-z0-9][A-Za-z0-9._-]*)", source.read_text(), re.MULTILINE):
        if f"`{name.lower()}`" not in explained:
            problems.append(f"{source.name}: {name} has no line in docs/dependencies.md")
print("\n".join(problems))
sys.exit(bool(problems))
