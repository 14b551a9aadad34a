"""`./banyan trace notice`: the list of an offline trace, sealed for the node that tells its persons first.

An officer of the second agency gives it to tracing.vouch with the word: the persons' own lists of uses then tell of it,
and only such a word lets `trace names` write a number. Nobody on the way can read the box.
"""

from __future__ import annotations

import argparse
import sys
from base64 import b64encode
from pathlib import Path
from secrets import token_bytes
from typing import Any

from banyan.craft.tracing.notice import sealed_for
from banyan.errors import Denied, Invalid
from banyan.kernel.storage.durable import write_secret
from banyan.log_keys import log_keys, witness_keys
from banyan.trace_counting import add_delivery_arguments, counted, listed_of, preset_of
from banyan.trace_names import add_log_arguments, check_count, read_release


def add_trace_notice_parser(kinds: Any) -> None:
    """`./banyan trace notice FILES… --cases FILE --release A --keys log.vkeys --out FILE`."""
    notice = kinds.add_parser(
        "notice", help="seal the list for the node, so that its persons are told before it is let go"
    )
    add_delivery_arguments(notice)
    notice.add_argument("--release", type=Path, required=True, metavar="FILE", help="the first agency's receipt")
    add_log_arguments(notice)
    notice.add_argument("--out", type=Path, required=True, metavar="FILE", help="a new file")
    notice.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Raises Invalid or Denied, in one sentence; then nothing is written."""
    logs, witnesses = log_keys(options.log, options.keys), witness_keys(options.witness)
    if options.out.exists():
        raise Invalid(f"{options.out} is there already.", remedy="Name a new file.")
    found = counted(options.files, options.cases, preset_of(options.preset))
    first = read_release(options.release, logs=logs, witnesses=witnesses, quorum=options.quorum)
    if first.word.question != found.question:
        raise Denied(
            f"{options.release} releases another question: other files, cases or rule.",
            remedy=f"An officer calls tracing.vouch with the question {found.question}.",
        )
    check_count(found)
    try:
        box = sealed_for(bytes.fromhex(first.word.key), listed_of(found), found.question, random=token_bytes)
    except ValueError as error:
        raise Invalid(f"The list cannot be sealed: {error}.", remedy="Trace fewer files at once.") from error
    write_secret(options.out, b64encode(box))
    sys.stdout.write(f"{options.out} is sealed: the second agency gives it to tracing.vouch as `notice`.\n")
    return 0
