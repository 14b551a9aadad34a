"""`./banyan notify status` and `./banyan notify stop CAMPAIGN`: how SMS campaigns go, and the stop button."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Final

from banyan.craft.notify.model import Progress
from banyan.errors import NotFound
from banyan.sms_control import Order, Told, asked

BAR: Final = 20


def add_notify_parser(verbs: argparse._SubParsersAction[argparse.ArgumentParser], data: Path) -> None:
    parser = verbs.add_parser("notify", help="how SMS campaigns go; stop one")
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    status = kinds.add_parser("status", help="campaigns with their progress, binds with their figures")
    stop = kinds.add_parser("stop", help="send nothing more of a campaign, at once and for ever")
    stop.add_argument("campaign", metavar="CAMPAIGN", help="its id, as status shows it")
    for one in (status, stop):
        one.add_argument("--data", type=Path, default=data, metavar="DIR", help="the running node's folder")
    parser.set_defaults(run=notify_command)


def notify_command(options: argparse.Namespace) -> int:
    """Raises Unavailable without a running node, NotFound without such a campaign."""
    if options.kind == "status":
        said = asyncio.run(asked(options.data, Order("status")))
        print(status_text(said))  # noqa: T201 - the verb's answer
        return 0
    said = asyncio.run(asked(options.data, Order("stop", options.campaign)))
    if said.stopped is None:
        raise NotFound("No such campaign.", remedy="./banyan notify status shows them.")
    print(f"Stopped: {said.stopped:,} messages will not be sent.")  # noqa: T201
    return 0


def status_text(said: Told) -> str:
    """A line for each campaign and each bind."""
    lines = [_campaign(one) for one in said.campaigns] or ["No campaign yet."]
    for bind in said.binds:
        state = "bound" if bind.is_bound else f"not bound{f' ({bind.trouble})' if bind.trouble else ''}"
        lines.append(
            f"bind {bind.name}: {state}, {bind.taken:,} SMS taken, {bind.refused:,} refused "
            f"({bind.throttled:,} for now), {bind.receipts:,} receipts, {bind.in_flight:,} under way"
        )
    return "\n".join(lines)


def _campaign(one: Progress) -> str:
    done = one.total - one.left
    filled = BAR * done // one.total if one.total else BAR
    state = "forgotten" if one.is_forgotten else "stopped" if one.is_stopped else ""
    return (
        f"[{'#' * filled}{'.' * (BAR - filled)}] {one.campaign} ({one.lane.name.lower()}): {done:,} of {one.total:,}; "
        f"{one.delivered:,} delivered, {one.failed:,} failed, {one.expired:,} expired, {one.stopped:,} stopped"
        f"{f'; {state}' if state else ''}"
    )
