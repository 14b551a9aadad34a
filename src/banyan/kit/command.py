"""`./banyan kit check URL`: exit code 0 the app conforms, 1 it does not, 2 it could not be checked."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Final

import msgspec

from banyan.kit.wording import MESSAGES
from banyan.limits import KIT_SAMPLE, KIT_SAMPLE_MOST

ROOT: Final = Path(__file__).parents[3]
ADDRESS_FILE: Final = "node.json"
DEFAULT: Final = "http://localhost:8000"


class _Here(msgspec.Struct, frozen=True):
    url: str


def add_kit_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the verb's options; `run` is set to `kit_command`."""
    lang = language()
    parser = verbs.add_parser("kit", help=MESSAGES.text("help.kit", lang))
    tools = parser.add_subparsers(dest="tool", required=True, metavar="TOOL")
    one = tools.add_parser(
        "check", help=MESSAGES.text("help.check", lang), description=MESSAGES.text("help.more", lang)
    )
    one.add_argument("url", metavar="URL", help=MESSAGES.text("help.url", lang))
    one.add_argument("--reference", default="", metavar="URL", help=MESSAGES.text("help.reference", lang))
    one.add_argument("--sample", type=_sample, default=KIT_SAMPLE, metavar="N", help=MESSAGES.text("help.sample", lang))
    one.add_argument("--json", action="store_true", help=MESSAGES.text("help.json", lang))
    one.add_argument("--data", type=Path, default=ROOT / "data", metavar="DIR", help=MESSAGES.text("help.data", lang))
    one.set_defaults(run=kit_command)


def kit_command(options: argparse.Namespace) -> int:
    """Check and print the report; 0 conforms, 1 does not. Raises Problem for what cannot be checked."""
    from banyan.kit.check import check  # it brings the board with it, which no other verb needs
    from banyan.kit.fetching import taker
    from banyan.kit.report import as_text

    reference = (options.reference or running(options.data) or DEFAULT).rstrip("/")
    report = check(options.url, reference, take=taker(time.time), clock=time.time, sample=options.sample)
    if options.json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(report)).decode() + "\n")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in as_text(report, language())))
    sys.stdout.flush()
    return 0 if report.conforms else 1


def running(data: Path) -> str:
    """The address of the server that has this data folder open; empty when none does."""
    try:
        return msgspec.json.decode((data / ADDRESS_FILE).read_bytes(), type=_Here).url
    except (OSError, msgspec.DecodeError):
        return ""


def language() -> str:
    """The person's, by the usual variables; zh-Hant for any Chinese."""
    said = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return "zh-Hant" if said.startswith("zh") else "en"


def _sample(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= KIT_SAMPLE_MOST):
        raise argparse.ArgumentTypeError(f"1 … {KIT_SAMPLE_MOST}")
    return int(text)
