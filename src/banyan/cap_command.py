"""`./banyan cap check` and `./banyan cap verify`: is this a right alert, and is it by whom it says?"""

from __future__ import annotations

import argparse
from pathlib import Path

from banyan.errors import Invalid
from banyan.limits_alerts import CAP_BYTES, CAP_SENDERS, MIB

PEM_BYTES = 1 * MIB


def add_cap_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    cap = verbs.add_parser("cap", help="judge alerts of the Common Alerting Protocol, and their signatures")
    kinds = cap.add_subparsers(dest="kind", required=True, metavar="KIND")
    check = kinds.add_parser("check", help="what is wrong with each alert, and the fix; exit 2 when any is invalid")
    check.add_argument("files", nargs="+", type=Path, metavar="FILE")
    check.set_defaults(run=check_command)
    verify = kinds.add_parser("verify", help="was it signed by the sender it names, when it was sent? exit 2 when not")
    verify.add_argument("file", type=Path, metavar="FILE")
    verify.add_argument(
        "--register", type=Path, required=True, metavar="FOLDER", help="senders.toml and the PEM files it names"
    )
    verify.set_defaults(run=verify_command)


def check_command(options: argparse.Namespace) -> int:
    """Raises Invalid for a file that cannot be opened."""
    from banyan.wire.cap.reading import judge

    is_good = True
    for path in options.files:
        verdict = judge(_bytes(path, CAP_BYTES + 1)).verdict
        is_good = is_good and verdict.is_valid
        said = "valid" if verdict.is_valid else "invalid" if verdict.is_structured else "no valid structure"
        print(f"{path}: CAP {verdict.version or 'none'}: {said}")  # noqa: T201 - what the verb is for
        for each in verdict.findings:
            print(f"  {each.severity.value} {each.code} {each.path or 'document'}: {each.fix}")  # noqa: T201
    return 0 if is_good else 2


def verify_command(options: argparse.Namespace) -> int:
    """Raises Invalid for a register that cannot be read."""
    from banyan.wire.cap import register, signing

    if not options.register.is_dir():
        raise Invalid.at("--register", f"{options.register} is no folder")
    paths = [path for path in sorted(options.register.iterdir()) if path.is_file()][: CAP_SENDERS + 1]
    pinned = register.read({path.name: _bytes(path, PEM_BYTES) for path in paths})
    seals = signing.verify(_bytes(options.file, CAP_BYTES + 1), pinned)
    for each in seals:
        print(f"{options.file}: {each.seal.value}: {each.says}")  # noqa: T201
    return 0 if any(each.is_good for each in seals) else 2


def _bytes(path: Path, at_most: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(at_most)
    except OSError as error:
        raise Invalid.at(str(path), f"it cannot be read ({error.strerror})") from error
