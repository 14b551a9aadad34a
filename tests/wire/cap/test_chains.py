"""What is in force: threads of Update and Cancel, whatever order they come in, and nobody's but the sender's own."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.wire.cap.make import SENT, an_alert, an_info

from banyan.limits_alerts import CAP_UNENDING_S
from banyan.wire.cap import chains, values
from banyan.wire.cap.chains import State
from banyan.wire.cap.model import Alert, MsgType, Status

NOW = int(SENT.timestamp())


def message(number: int, kind: MsgType = MsgType.ALERT, about: tuple[Alert, ...] = (), **changes: object) -> Alert:
    sent = values.cap_time(SENT + timedelta(minutes=number))
    info = () if kind is MsgType.CANCEL else (an_info(effective=sent),)
    references = values.references_text(map(values.name_of, about))
    made = {"identifier": f"m{number}", "sent": sent, "msg_type": kind, "references": references, "info": info}
    return an_alert(**(made | changes))


FIRST = message(0)
SECOND = message(1, MsgType.UPDATE, (FIRST,))
THIRD = message(2, MsgType.UPDATE, (SECOND,))
END = message(3, MsgType.CANCEL, (THIRD,))


def states(*alerts: Alert, minutes: float = 30) -> dict[str, State]:
    found = chains.standings(alerts, at_s=NOW + int(60 * minutes))
    return {each.alert.identifier: each.state for each in found.standings}


def test_a_thread_has_one_message_in_force_whatever_order_it_came_in() -> None:
    for order in permutations((FIRST, SECOND, THIRD)):
        assert states(*order) == {"m0": State.SUPERSEDED, "m1": State.SUPERSEDED, "m2": State.IN_FORCE}
    for order in permutations((FIRST, SECOND, THIRD, END)):
        found = chains.standings(order, at_s=NOW + 1_800)
        assert [each.state for each in found.standings] == [State.CANCELLED, State.SUPERSEDED, State.SUPERSEDED]
        assert found.in_force == ()
        assert found.standings[0].by == values.name_of(END)
        assert {each.thread[1] for each in found.standings} == {"m0"}


def test_a_message_counts_from_when_it_was_sent() -> None:
    assert states(FIRST, SECOND, THIRD, END, minutes=1.5) == {"m0": State.SUPERSEDED, "m1": State.IN_FORCE}
    later = message(0, info=(an_info(effective=values.cap_time(SENT + timedelta(hours=1))),))
    assert states(later) == {"m0": State.UPCOMING}


def test_an_alert_ends_at_its_last_expiry_or_after_a_day() -> None:
    assert states(FIRST, minutes=359) == {"m0": State.IN_FORCE}
    assert states(FIRST, minutes=360) == {"m0": State.EXPIRED}
    endless = message(0, info=(an_info(expires=""), an_info()))
    assert states(endless, minutes=361) == {"m0": State.IN_FORCE}
    assert states(endless, minutes=CAP_UNENDING_S / 60) == {"m0": State.EXPIRED}


def test_nobody_changes_anothers_alert_and_no_test_an_actual_one() -> None:
    stranger = message(1, MsgType.CANCEL, (FIRST,), sender="stranger@example.org")
    test = message(1, MsgType.CANCEL, (FIRST,), status=Status.TEST)
    ack = message(1, MsgType.ACK, (FIRST,), info=())
    before = message(-1, MsgType.CANCEL, (FIRST,))
    broken = message(1, MsgType.CANCEL, references="no triple")
    wrong_time = message(1, MsgType.CANCEL, references="alerts@example.tw,m0,yesterday")
    for other in (stranger, test, ack, before, broken, wrong_time):
        assert chains.standings((other, FIRST), at_s=NOW + 1_800).in_force == (FIRST,)


def test_a_reference_may_write_the_time_in_another_offset() -> None:
    cancel = message(1, MsgType.CANCEL, references="alerts@example.tw,m0,2026-11-27T01:30:00-00:00")
    assert states(FIRST, cancel) == {"m0": State.CANCELLED}


def test_duplicates_are_one_and_two_messages_of_one_name_are_told() -> None:
    other = message(0, note="another")
    found = chains.standings((FIRST, FIRST, other), at_s=NOW)
    assert found.in_force == (FIRST,)
    assert found.clashes == (values.name_of(FIRST),)


def test_updates_of_an_alert_that_never_came_are_one_thread() -> None:
    found = chains.standings((SECOND, message(4, MsgType.UPDATE, (FIRST,))), at_s=NOW + 1_800)
    assert {each.thread[1] for each in found.standings} == {"m1"}


@given(st.permutations((FIRST, SECOND, THIRD, END, message(5), message(6, MsgType.UPDATE, (FIRST, SECOND)))), st.data())
@settings(max_examples=50, deadline=None)
def test_order_and_repetition_change_nothing(order: list[Alert], data: st.DataObject) -> None:
    at = NOW + data.draw(st.integers(0, 500)) * 60
    expected = chains.standings(sorted(order, key=lambda each: each.identifier), at_s=at)
    assert chains.standings([*order, *order], at_s=at) == expected
