"""`./banyan kit check URL`: exit code 0 the app conforms, 1 it does not, 2 it could not be checked."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Final

import msgspec

from banyan.kit.wording import MESSAGES
from banyan.limits import KIT_SAMPLE, KIT_SAMPLE_MOST
from banyan.running import ROOT, running
from banyan.terminal import language

DEFAULT: Final = "http://localhost:8000"


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

    here = None if options.reference else running(options.data)
    reference = (options.reference or (here.url if here else DEFAULT)).rstrip("/")
    report = check(options.url, reference, take=taker(time.time), clock=time.time, sample=options.sample)
    if options.json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(report)).decode() + "\n")
    else:
        sys.stdout.write("".join(f"{line}\n" for line in as_text(report, language())))
    sys.stdout.flush()
    return 0 if report.conforms else 1


def _sample(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= KIT_SAMPLE_MOST):
        raise argparse.ArgumentTypeError(f"1 … {KIT_SAMPLE_MOST}")
    return int(text)
