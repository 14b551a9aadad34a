"""Fail when a lock misses a package its source names, lacks a hash, or holds an address."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def names(text: str) -> set[str]:
    found = re.findall(r"^([A-Za-z0-9][A-Za-z0-9._-]*)", text, re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower() for name in found}


def faults(source: Path) -> list[str]:
    lock = source.with_suffix(".lock")
    if not lock.exists():
        return [f"{lock.name} is missing: run ./tools/lock"]
    text = lock.read_text()
    found = [f"{lock.name} lacks {name}: run ./tools/lock" for name in sorted(names(source.read_text()) - names(text))]
    pins, hashed = (
        len(re.findall(r"^\S+==", text, re.MULTILINE)),
        len(re.findall(r"^\S+==\S+.*\\\n\s+--hash", text, re.M)),
    )
    if pins != hashed:
        found.append(f"{lock.name}: {pins - hashed} packages have no hash")
    if re.search(r"https?://|file://", text):
        found.append(f"{lock.name} holds a registry address")
    return found


problems = [fault for source in sorted(ROOT.glob("requirements*.in")) for fault in faults(source)]
web_lock = ROOT / "web" / "package-lock.json"
if web_lock.exists() and '"resolved"' in web_lock.read_text():
    problems.append("web/package-lock.json holds addresses: set omit-lockfile-registry-resolved=true in web/.npmrc")
print("\n".join(problems))
sys.exit(bool(problems))
