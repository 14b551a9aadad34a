"""What node.toml says of witnesses: who cosigns this node's log, and whose logs this node cosigns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from banyan.errors import Invalid
from banyan.kernel.events.clock import Clock
from banyan.kernel.ledger.cosigning import Cosigner
from banyan.limits import WITNESSES
from banyan.settings import LedgerSettings
from banyan.wire.tlog.checkpoint import verifier_of
from banyan.wire.tlog.note import BadNote, Verifier
from banyan.wire.tlog.policy import parse_policy

QUORUM = "enough"
"""The policy's own name for its quorum; a witness of that name is refused by the policy's reader."""


def cosigner_of(settings: LedgerSettings, *, clock: Clock) -> Cosigner | None:
    """Asks the witnesses of `[ledger]`; None when there are none. Raises Invalid naming the key of node.toml."""
    witnesses = settings.witnesses
    if not witnesses:
        return None
    needs = settings.quorum or len(witnesses) // 2 + 1
    if len(witnesses) > WITNESSES:
        raise Invalid.at("ledger.witnesses", f"at most {WITNESSES}")
    if needs > len(witnesses):
        raise Invalid.at("ledger.quorum", f"at most {len(witnesses)}, the number of witnesses")
    lines = [f"witness {one.name} {one.key} {one.url}" for one in witnesses]
    group = f"group {QUORUM} {needs} {' '.join(one.name for one in witnesses)}"
    try:
        policy = parse_policy("\n".join((*lines, group, f"quorum {QUORUM}")))
    except BadNote as error:
        raise Invalid.at("ledger.witnesses", str(error)) from error
    return Cosigner(policy, clock=clock)


def witnessed_by(settings: LedgerSettings) -> Mapping[str, Sequence[Verifier]]:
    """The keys of the logs we cosign, by origin: a log's key has its name. Raises Invalid naming a key that is none."""
    if len(settings.witness_for) > WITNESSES:
        raise Invalid.at("ledger.witness_for", f"at most {WITNESSES}")
    logs: defaultdict[str, list[Verifier]] = defaultdict(list)
    for key in settings.witness_for:
        try:
            verifier = verifier_of(key)
        except BadNote as error:
            raise Invalid.at("ledger.witness_for", f"{key[:60]} is no key: {error}") from error
        logs[verifier.name].append(verifier)
    return logs
