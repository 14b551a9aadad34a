"""`./banyan audit A B`: join the message logs of gateways and list what one side hid. Exit 0: they agree; 1: they do
not, or a log contradicts itself.

A and B are folders (`.../messages/log`) or addresses (`https://gw1.nhi.example:5500/log`). Each log is read whole and
checked against its checkpoint, its keys and witnesses (`--quorum` counts those that `--witness` names; cosignatures of
the other sides are told), and every older checkpoint of it that is at hand: those that the other gateways keep as its
witnesses, and those of the audit before (`--state`).
"""

from __future__ import annotations

import argparse
import ssl
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from banyan.errors import Invalid
from banyan.limits_road import AUDIT_LISTED, AUDIT_SLACK_S
from banyan.wire.tlog.checkpoint import verifier_of
from banyan.wire.tlog.note import BadNote, Verifier

if TYPE_CHECKING:
    import urllib3

    from banyan.kernel.exchange.messages.joining import Finding, Joined
    from banyan.kernel.exchange.messages.reading import Log, Read, Trust

WORDS = {
    "hidden": ("隱瞞", "hidden"),
    "differs": ("不一致", "differs"),
    "attempt": ("重送", "sent again"),
    "unreceived": ("答覆未達", "answer not received"),
}
COUNTS = {
    "pairs": ("雙方一致", "alike on both sides"),
    "pending": ("太新，尚不判斷", "too new to judge"),
    "unheard": ("未獲答覆，對方無紀錄", "without an answer, unknown to the other side"),
    "outside": ("與不在此次稽核的機關", "with members whose logs are not here"),
}
PORT_S = 10.0
"""How long a gateway may take to answer an auditor."""


class Told(msgspec.Struct, frozen=True):
    """A log of this audit, as `--json` has it. `fault`: why it does not hold, empty when it does."""

    log: str
    origin: str = ""
    size: int = 0
    at: int = 0
    witnesses: tuple[str, ...] = ()
    compared: int = 0
    """Older checkpoints that were found to be beginnings of it."""
    fault: str = ""
    keys: str = ""
    """Whence its keys came: `given`, or `itself`, which proves nothing to who must not trust it."""


def add_audit_parser(verbs: Any) -> None:
    audit = verbs.add_parser("audit", help="join the message logs of gateways and list what one side hid")
    audit.add_argument("logs", nargs="+", metavar="LOG", help="a folder or an address; all logs of each member")
    audit.add_argument("--log", action="append", default=[], metavar="VKEY", help="a key of a log; both must sign")
    audit.add_argument("--keys", action="append", default=[], type=Path, metavar="FILE", help="keys, one a line")
    audit.add_argument("--witness", action="append", default=[], metavar="VKEY", help="the key of a witness you trust")
    audit.add_argument("--quorum", type=int, default=0, help="how many witnesses must have cosigned each log")
    audit.add_argument(
        "--state", type=Path, default=None, metavar="DIR", help="remember checkpoints for the next audit"
    )
    audit.add_argument("--slack", type=float, default=AUDIT_SLACK_S, metavar="S", help="what is newer is not judged")
    audit.add_argument("--tls", nargs=2, type=Path, default=None, metavar=("CERT", "KEY"), help="shown to gateways")
    audit.add_argument("--trust", type=Path, default=None, metavar="FILE", help="PEM of gateways or their authorities")
    audit.add_argument("--json", action="store_true", help="print one JSON object")
    audit.set_defaults(run=run)


def run(options: argparse.Namespace, clock: Callable[[], float] = time.time) -> int:
    """Print what the logs say of each other. Raises Problem for what cannot be read."""
    from banyan.kernel.exchange.messages.joining import Side, join
    from banyan.kernel.exchange.messages.reading import Faulty, Trust

    reads = [_read(one, options) for one in options.logs]
    given = [_key(text, "--log") for text in (*options.log, *_lines(options.keys))]
    trusted = [_key(text, "--witness") for text in options.witness]
    sides = [_own_witness(read) for read in reads]
    told: list[Told] = []
    logs: list[tuple[Log, Sequence[Verifier]]] = []
    for place, (name, read) in enumerate(zip(options.logs, reads, strict=True)):
        one = Told(name)
        others = [key for at, side in enumerate(sides) if at != place for key in side]
        trust = Trust(trusted, options.quorum, [key for key in others if (key.name, key.key_id) not in _ids(trusted)])
        try:
            log, keys, whence = _opened(read, given, trust, clock())
            one = Told(name, log.checkpoint.origin, log.checkpoint.size, log.at, log.witnesses, keys=whence)
            logs.append((log, keys))
            compared = _compare(log, keys, reads, options.state)
            told.append(msgspec.structs.replace(one, compared=compared))
        except Faulty as error:
            told.append(msgspec.structs.replace(one, fault=str(error)))
    joined = join([Side(log.checkpoint.origin, log.at, log.entries) for log, _ in logs], slack_s=options.slack)
    is_good = not joined.findings and not any(one.fault for one in told)
    if options.state is not None and is_good:
        _remember(options.state, [log for log, _ in logs])
    if options.json:
        print(msgspec.json.encode({"logs": told, "joined": joined, "agree": is_good}).decode())  # noqa: T201
    else:
        _say(told, joined, is_good)
    return 0 if is_good else 1


def _opened(read: Read, given: Sequence[Verifier], trust: Trust, now: float) -> tuple[Log, Sequence[Verifier], str]:
    from banyan.kernel.exchange.messages.reading import origin_said, read_log

    origin = origin_said(read)
    keys, whence = [one for one in given if one.name == origin], "given"
    if not keys:
        keys, whence = [one for one in _own_keys(read) if one.name == origin], "itself"
    if not keys:
        raise Invalid.at("--log", f"name the keys of {origin}: they are in log.vkeys, or at /log/keys of its gateway")
    return read_log(read, keys, trust, now=now), keys, whence


def _own_keys(read: Read) -> list[Verifier]:
    """What the log says of itself: in its folder, or at its address."""
    from banyan.kernel.exchange.messages.keysheet import parse_sheet

    kept = read("log.vkeys")
    if kept is not None:
        return [_key(line, "log.vkeys") for line in kept.decode("utf-8", "replace").splitlines()]
    said = read("keys")
    try:
        return list(parse_sheet(said).verifiers) if said is not None else []
    except BadNote as error:
        raise Invalid.at("--log", f"the keys that the log says cannot be read: {error}") from error


def _own_witness(read: Read) -> list[Verifier]:
    """The key by which the gateway of this log witnesses the others: what it cosigned, it saw."""
    from banyan.kernel.exchange.messages.keysheet import parse_sheet

    kept = read("witness.vkey")
    if kept is not None:
        return [_key(line, "witness.vkey") for line in kept.decode("utf-8", "replace").splitlines()]
    said = read("keys")
    try:
        return [_key(parse_sheet(said).witness, "keys")] if said is not None else []
    except BadNote:
        return []


def _ids(keys: Sequence[Verifier]) -> set[tuple[str, bytes]]:
    return {(key.name, key.key_id) for key in keys}


def _compare(log: Log, keys: Sequence[Verifier], reads: Sequence[Read], state: Path | None) -> int:
    """Hold older checkpoints against what was read; how many there were. Raises Faulty."""
    from banyan.kernel.exchange.messages.reading import check_beginning, folder, witness_path

    path = witness_path(log.checkpoint.origin)
    older = [read(path) for read in reads]
    if state is not None:
        older.append(folder(state)(path))
    kept = [one for one in older if one is not None]
    for one in kept:
        check_beginning(log, one, keys)
    return len(kept)


def _remember(state: Path, logs: Sequence[Log]) -> None:
    from banyan.kernel.exchange.messages.reading import witness_path

    for log in logs:
        path = state / witness_path(log.checkpoint.origin)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(log.signed)


def _read(name: str, options: argparse.Namespace) -> Read:
    from banyan.kernel.exchange.messages.reading import address, folder

    if name.startswith(("https://", "http://")):
        return address(name, _pool(options))
    if not Path(name).is_dir():
        raise Invalid.at("log", f"{name} is neither a folder nor an address")
    return folder(Path(name))


def _pool(options: argparse.Namespace) -> urllib3.PoolManager:
    import urllib3

    context = ssl.create_default_context(cafile=options.trust)
    if options.trust is not None:
        context.check_hostname = False  # a gateway's certificate is pinned, whatever its name
        context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    if options.tls is not None:
        context.load_cert_chain(*options.tls)
    hostname = False if options.trust is not None else None
    timeout = urllib3.Timeout(PORT_S)
    return urllib3.PoolManager(ssl_context=context, timeout=timeout, retries=False, assert_hostname=hostname)


def _say(told: Sequence[Told], joined: Joined, is_good: bool) -> None:
    lines = ["一致 THEY AGREE" if is_good else "不一致 THEY DO NOT AGREE"]
    for one in told:
        if one.fault:
            lines.append(f"  {one.origin or one.log}: 不成立 DOES NOT HOLD: {one.fault}")
            continue
        seen = f", {len(one.witnesses)} 見證 witnesses" if one.witnesses else ""
        older = f"{one.compared} 較早簽章相符 older checkpoints fit"
        lines.append(f"  {one.origin}: {one.size} 筆 entries, {_time(one.at)}{seen}, {older}")
        if one.keys == "itself":
            lines.append("    金鑰取自該紀錄本身 its keys came from the log itself: give --keys to trust nobody")
    for name, (zh, en) in COUNTS.items():
        count = getattr(joined, name)
        if count:
            lines.append(f"  {count:>8,} {zh} {en}")
    listed = (*joined.findings, *joined.notes)
    lines += [_row(one) for one in listed[:AUDIT_LISTED]]
    if len(listed) > AUDIT_LISTED:
        lines.append(f"  … {len(listed) - AUDIT_LISTED} 筆以上 more: --json has all")
    print("\n".join(lines))  # noqa: T201 - this verb's answer


def _row(one: Finding) -> str:
    zh, en = WORDS[one.found]
    what = f" ({one.what})" if one.what else ""
    where = (
        f"{one.held} 有 has it, {one.lacking} 無 lacks it" if one.found == "hidden" else f"{one.held} ≠ {one.lacking}"
    )
    return f"  {zh} {en}{what}: {one.xid}  {_time(one.at)}  {one.client} → {one.provider}  {where}"


def _time(at: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime(at))


def _lines(paths: Sequence[Path]) -> list[str]:
    found: list[str] = []
    for path in paths:
        try:
            found += [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        except OSError as error:
            raise Invalid.at("--keys", f"{path} cannot be read") from error
    return found


def _key(text: str, field: str) -> Verifier:
    try:
        return verifier_of(text.strip())
    except BadNote as error:
        raise Invalid.at(field, f"{text[:40]}… is no key: {error}") from error
