"""The life of an alert: decisions on values, no clock, no store. A refusal is a value that says why.

    (new) --draft--> draft --propose--> proposed --release--> released --onset--> in force --expires--> expired
                      ^  \\__________________________________________________________|---cancel--> cancelled
                      |__ return (the second officer asks for changes)                |---update--> draft of the next
Grave ones (severity Extreme or Severe, or of the national class, as they are or as they would become) are released by
an officer of the second agency; others by one officer, who may be the author. A cancel is one officer's: to take back a
false alarm must not wait for anybody (Hawaii 2018: 38 minutes).
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from banyan.kernel.events.clock import EpochS
from banyan.limits_alerts import ALERT_LONGEST_S, ALERT_VERSIONS
from banyan.service.alerts.model import Alert, Content, State, Version, Who, digest_of

Code = Literal[
    "not_draft", "not_proposed", "not_out", "over", "other_agency", "two_officers", "two_agencies", "status_changed",
    "times", "too_long", "changed", "withdrawn", "too_many", "event_changed", "second_missing",
]  # fmt: skip
GRAVE: Final = ("Extreme", "Severe")


class Refusal(msgspec.Struct, frozen=True):
    """Why it did not come about; the words are in messages.toml under `refused.CODE`."""

    code: Code


def state_of(alert: Alert, now: EpochS) -> State:
    """Where the object stands; a pending update changes nothing for the public."""
    newest = alert.newest
    if newest is None:
        if alert.is_withdrawn:
            return "withdrawn"
        return "proposed" if alert.pending is not None and alert.pending.stage == "proposed" else "draft"
    if newest.kind == "Cancel":
        return "cancelled"
    if now >= newest.content.expires:
        return "expired"
    return "in_force" if now >= newest.content.onset else "released"


def is_out(alert: Alert, now: EpochS) -> bool:
    """Whether the public is told of it now."""
    return state_of(alert, now) in ("released", "in_force")


def is_grave(content: Content) -> bool:
    return content.severity in GRAVE or content.level == "national"


def needs_second(alert: Alert) -> bool:
    """Whether what is pending must be released by the second agency. What is in force counts too: nobody makes an
    Extreme alert into a Minor one alone."""
    newest, pending = alert.newest, alert.pending
    assert pending is not None, "nothing is pending"
    return is_grave(pending.content) or (newest is not None and is_grave(newest.content))


def draft(id: str, content: Content, *, author: Who, second: str, now: EpochS) -> Alert | Refusal:
    """A new object, told to nobody."""
    wrong = _unfit(content, now)
    if wrong is not None:
        return wrong
    return Alert(id, author.agency, second, now, pending=Version(1, "Alert", content, author))


def edit(alert: Alert, content: Content, *, author: Who, now: EpochS) -> Alert | Refusal:
    """Write the pending version anew; a proposal becomes a draft again. Begins the next version when none is pending
    and the last one stands."""
    if author.agency != alert.agency:
        return Refusal("other_agency")
    if alert.is_withdrawn:
        return Refusal("withdrawn")
    newest, number = alert.newest, len(alert.chain) + 1
    if newest is not None:
        if not is_out(alert, now):
            return Refusal("over")
        if number >= ALERT_VERSIONS:
            return Refusal("too_many")  # the last place is a cancel's
        if content.status != newest.content.status:
            return Refusal("status_changed")
        if content.event != newest.content.event:
            return Refusal("event_changed")
    wrong = _unfit(content, now)
    if wrong is not None:
        return wrong
    kind: Literal["Alert", "Update"] = "Alert" if newest is None else "Update"
    return msgspec.structs.replace(alert, pending=Version(number, kind, content, author))


def propose(alert: Alert, *, author: Who, now: EpochS) -> Alert | Refusal:
    """Hand the draft to who releases it. From now on it is fixed."""
    pending = alert.pending
    if pending is None or pending.stage != "draft":
        return Refusal("not_draft")
    if author.agency != alert.agency:
        return Refusal("other_agency")
    if alert.newest is not None and not is_out(alert, now):
        return Refusal("over")
    wrong = _unfit(pending.content, now)
    if wrong is not None:
        return wrong
    fixed = msgspec.structs.replace(pending, stage="proposed", digest=digest_of(pending), author=author)
    return msgspec.structs.replace(alert, pending=fixed)


def hand_back(alert: Alert, *, officer: Who) -> Alert | Refusal:
    """The releaser (or the author) asks for changes."""
    pending = alert.pending
    if pending is None or pending.stage != "proposed":
        return Refusal("not_proposed")
    if officer.agency not in (alert.agency, alert.second):
        return Refusal("other_agency")
    return msgspec.structs.replace(alert, pending=msgspec.structs.replace(pending, stage="draft", digest=""))


def release(alert: Alert, digest: str, *, officer: Who, now: EpochS) -> Alert | Refusal:
    """Let out exactly what `digest` names."""
    pending = alert.pending
    if pending is None or pending.stage != "proposed":
        return Refusal("not_proposed")
    if digest != pending.digest or digest_of(pending) != pending.digest:
        return Refusal("changed")
    if alert.newest is not None and not is_out(alert, now):
        return Refusal("over")
    wrong = _unfit(pending.content, now)
    if wrong is not None:
        return wrong
    refused = _may_release(alert, pending, officer)
    if refused is not None:
        return refused
    out = msgspec.structs.replace(pending, stage="released", released_by=officer, sent=_after(alert, now))
    return msgspec.structs.replace(alert, chain=(*alert.chain, out), pending=None)


def cancel(alert: Alert, content: Content, *, officer: Who, now: EpochS) -> Alert | Refusal:
    """Take it back, at once, by one officer of either agency; what was pending goes with it. Only the words are new."""
    newest = alert.newest
    if newest is None:
        return Refusal("not_out")
    if not is_out(alert, now):
        return Refusal("over")
    if officer.agency not in (alert.agency, alert.second):
        return Refusal("other_agency")
    if msgspec.structs.replace(content, words=newest.content.words) != newest.content:
        return Refusal("changed")
    number = len(alert.chain) + 1
    made = Version(number, "Cancel", content, officer, "released", released_by=officer, sent=_after(alert, now))
    made = msgspec.structs.replace(made, digest=digest_of(made))
    return msgspec.structs.replace(alert, chain=(*alert.chain, made), pending=None)


def withdraw(alert: Alert, *, author: Who) -> Alert | Refusal:
    """Throw what is pending away; of an alert that never went out nothing is left to do."""
    if alert.pending is None:
        return Refusal("not_draft")
    if author.agency != alert.agency:
        return Refusal("other_agency")
    return msgspec.structs.replace(alert, pending=None, is_withdrawn=alert.newest is None)


def _may_release(alert: Alert, pending: Version, officer: Who) -> Refusal | None:
    if not needs_second(alert):
        return None if officer.agency in (alert.agency, alert.second) else Refusal("other_agency")
    if officer.id == pending.author.id:
        return Refusal("two_officers")
    if not alert.second or alert.second == alert.agency:
        return Refusal("second_missing")
    return None if officer.agency == alert.second else Refusal("two_agencies")


def _unfit(content: Content, now: EpochS) -> Refusal | None:
    if content.expires <= content.onset or content.expires <= now:
        return Refusal("times")
    return Refusal("too_long") if content.expires - min(now, content.onset) > ALERT_LONGEST_S else None


def _after(alert: Alert, now: EpochS) -> EpochS:
    """CAP knows messages by their second of sending: two of one chain never share one."""
    at = float(int(now))
    return EpochS(max(at, alert.chain[-1].sent + 1.0) if alert.chain else at)
