"""The services of emergencies over PostgreSQL: their own stories again, and nearly every statement they ship run there.

Each story has a database of its own, since a service's tables stand in a schema of its name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

import msgspec
import psycopg
import pytest
from tests import area_nation
from tests import test_area_sms as area_sms
from tests import test_trace_names as trace_names
from tests.craft.notify import test_notifiers as outbox
from tests.craft.notify import test_sending as sms
from tests.postgres import postgres_server
from tests.service.alerts import test_feeds, test_sending
from tests.service.alerts import world as alerts_world
from tests.service.fence import test_arriving as arriving
from tests.service.fence import test_chatting as chatting
from tests.service.fence import test_law as fence
from tests.service.fence import test_on_call as on_call
from tests.service.fence import test_people as people
from tests.service.fence import world as fence_world
from tests.service.rationing.preorder import test_chat_reminding as chat_reminding
from tests.service.rationing.preorder import test_reminding as reminding
from tests.service.rationing.preorder import world as preorder_world
from tests.service.tracing import test_tracing as tracing
from tests.service.tracing import world as tracing_world
from tests.service.travel import test_hooks, test_look_up, test_pages
from tests.service.travel import world as travel_world

from banyan.kernel.storage import postgres
from banyan.kernel.storage.statements import for_postgres, load_statements
from banyan.node import open_node
from banyan.settings import Settings, Storage

Story = Callable[[], None]
_databases = count(1)


def in_a_nation(story: Callable[[Path, pytest.MonkeyPatch], None]) -> Story:
    """A story of nodes in a folder, with settings of its own."""

    def told() -> None:
        with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
            story(Path(folder), patch)

    return told


def played(story: Callable[[preorder_world.Play], None]) -> Story:
    """A story of a round of preorder."""
    return in_a_folder(lambda folder: story(preorder_world.played_in(folder)))


def in_a_folder(story: Callable[[Path], None]) -> Story:
    """A story that needs a folder, with one of its own."""

    def told() -> None:
        with TemporaryDirectory() as folder:
            story(Path(folder))

    return told


TRAVEL = (
    test_look_up.test_a_person_contests_and_immigration_decides,
    test_look_up.test_changed_documents_find_the_same_stays,
    test_look_up.test_guessing_numbers_is_stopped_and_on_record,
    test_look_up.test_rules_begin_and_end_by_the_day,
    test_hooks.test_a_token_is_good_once,
    test_hooks.test_feedback_is_kept_without_what_was_written,
    test_hooks.test_who_was_removed_may_ask_no_more,
    partial(test_pages.test_the_first_page_shows_order_sunset_and_counts, ""),
    test_pages.test_tocc_is_kept_with_the_visit_and_given_as_fhir,
)
FENCE = (
    fence.test_each_look_is_hers_to_read_and_that_of_the_police_a_day_later,
    fence.test_a_code_counts_once_and_cannot_be_guessed,
    fence.test_anothers_alarm_cannot_be_contested_and_another_office_decides_nothing,
    fence.test_small_counties_are_hidden_with_one_more_that_would_give_them_away,
    fence.test_at_the_lapse_everything_is_refused_destroyed_and_proven,
    fence.test_day_14_ends_it_and_day_28_destroys_the_key,
    in_a_folder(people.test_who_manages_their_own_health_may_leave_home_and_enter_no_mass_event),
    on_call.test_when_it_is_its_turn_a_desks_telephone_is_told_once_and_never_who,
    on_call.test_what_is_taken_wakes_nobody_of_that_agency_and_an_empty_number_is_none,
    chatting.test_i_am_not_because_reaches_the_case_worker_with_the_reason,
    chatting.test_a_forged_an_old_or_anothers_press_moves_nothing,
    arriving.test_every_change_follows_and_the_end_too,
    arriving.test_without_an_order_nothing_comes_in_and_it_says_so_and_under_a_new_one_all_who_are_held,
    arriving.test_who_has_no_telephone_is_on_the_officers_list_and_so_is_what_cannot_come_in,
)
TRACING = (
    tracing.test_counts_then_release_then_the_end,
    tracing.test_who_is_not_released_is_dropped,
    tracing.test_a_day_is_kept_as_long_as_the_basis_says,
    trace_names.test_who_is_on_a_list_sees_it_before_it_is_written_and_not_whose_case_it_was,
    trace_names.test_a_notice_that_waits_ends_with_its_order,
)
ALERTS = (
    test_sending.test_who_may_warn_of_what_and_where_is_data,
    test_sending.test_what_was_claimed_when_the_node_died_is_carried_out_by_the_next_and_the_rest_not_again,
    test_sending.test_updates_and_a_cancel_go_wherever_the_alert_went,
    test_sending.test_an_alert_ends_by_itself_and_its_end_is_on_the_ledger_once,
    test_feeds.test_a_subscription_is_verified_and_the_feed_is_pushed_signed,
    test_feeds.test_a_strangers_asking_ends_no_subscription_and_its_own_leaving_does,
    test_feeds.test_a_reader_that_fails_gets_the_newest_once_it_answers_and_one_that_is_gone_is_dropped,
)
SMS = (
    sms.test_everybody_is_told_once_and_the_receipts_say_so,
    sms.test_a_long_text_arrives_whole,
    sms.test_a_person_answers_and_opts_out,
    sms.test_late_is_not_sent,
    sms.test_stop_stops_at_once,
    sms.test_answers_in_any_order_and_receipts_before_them,
    sms.test_the_smsc_is_asked_for_what_was_not_heard_of,
    sms.test_late_receipts_are_met_after_a_restart,
    outbox.test_the_durable_one_answers_like_the_oracle_whatever_is_asked,
    partial(outbox.test_a_forgotten_campaign_names_nobody_and_keeps_its_counts, "durable"),
    outbox.test_a_campaigns_numbers_end_with_their_term,
    partial(outbox.test_a_number_is_told_once_in_a_campaign, "durable"),
    partial(outbox.test_a_stopped_campaign_takes_no_more, "durable"),
)
AREASMS = tuple(
    map(
        in_a_nation,
        (
            area_sms.test_an_operator_tells_whoever_is_in_the_area_once_and_the_agency_learns_counts,
            area_sms.test_a_cancel_stops_what_waits_and_goes_to_the_same_area,
            area_sms.test_a_cancel_of_what_never_came_here_tells_nobody_and_the_late_alert_neither,
            area_sms.test_a_message_is_stopped_by_its_own_member_alone,
            area_sms.test_giving_that_was_cut_off_goes_on_from_the_start_and_tells_nobody_twice,
            area_sms.test_a_cancel_in_the_midst_of_giving_ends_it_at_the_next_slice,
        ),
    )
)
REMINDERS = (
    reminding.test_who_gave_a_telephone_is_told_by_sms_what_her_page_says,
    reminding.test_nothing_rings_at_night_and_what_is_over_by_morning_is_not_said,
    reminding.test_said_again_after_a_crash_it_is_the_same_sms,
    *(partial(reminding.test_a_telephone_is_deleted_with_the_order_or_when_its_person_says_so, end=one)
      for one in ("withdraw", "delete", "lapse", "cancel")),
    reminding.test_the_store_holds_no_number_and_the_rounds_end_destroys_the_key,
    chat_reminding.test_it_is_said_once_whatever_fails_and_while_it_holds,
    chat_reminding.test_a_code_links_once_in_time_and_by_its_own_person,
    partial(chat_reminding.test_the_link_is_deleted_with_the_order_or_when_she_says_so, end="unlink"),
)  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """What is written is thrown away, so nothing is flushed."""
    with postgres_server(fsync="off") as address:
        yield address


@pytest.fixture
def address(server: str) -> Callable[[], str]:
    def new() -> str:
        name = f"story{next(_databases)}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"create database {name}")
        return server.replace("/postgres?", f"/{name}?")

    return new


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The statements that PostgreSQL was given, by their text."""
    texts: set[str] = set()

    def noted(text: str) -> str:
        texts.add(text)
        return for_postgres(text)

    monkeypatch.setattr(postgres, "for_postgres", noted)
    return texts


def tell(world: ModuleType, stories: tuple[Story, ...], new: Callable[[], str]) -> None:
    """Each story, with each node of its world over a database of its own."""
    for story in stories:
        stores = defaultdict[Path, str](new)

        def opened(folder: Path, settings: Settings, *, at: dict[Path, str] = stores, **more: Any) -> Any:
            return open_node(folder, msgspec.structs.replace(settings, storage=Storage(at[folder])), **more)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(world, "open_node", opened)
            story()
        assert stores, "a node was opened over PostgreSQL"


def missed(ran: set[str], package: str, *files: str) -> set[str]:
    """The shipped statements that never ran, when they are more than one in four: some wait for a race."""
    shipped = {f"{file} {name}": one.text for file in files for name, one in load_statements(package, file).items()}
    never = {name for name, text in shipped.items() if text not in ran}
    return never if len(never) * 4 > len(shipped) else set()


def test_travel(ran: set[str], address: Callable[[], str]) -> None:
    tell(travel_world, TRAVEL, address)
    files = ("travel.sql", "clients.sql", "contesting.sql", "counting.sql", "tocc.sql")
    assert missed(ran, "banyan.service.travel", *files) == set()


def test_fence(ran: set[str], address: Callable[[], str]) -> None:
    tell(fence_world, FENCE, address)
    assert missed(ran, "banyan.service.fence", "fence.sql", "law.sql") == set()


def test_tracing(ran: set[str], address: Callable[[], str]) -> None:
    tell(tracing_world, TRACING, address)
    assert missed(ran, "banyan.service.tracing", "tracing.sql", "vouching.sql", "noticing.sql") == set()


def test_alerts(ran: set[str], address: Callable[[], str]) -> None:
    tell(alerts_world, ALERTS, address)
    assert missed(ran, "banyan.service.alerts", "alerts.sql", "hub.sql") == set()


def test_area_sms(ran: set[str], address: Callable[[], str]) -> None:
    """An agency's node and an operator's, which share no database."""
    tell(area_nation, AREASMS, address)
    assert missed(ran, "banyan.service.areasms", "areasms.sql") == set()


def test_reminders(ran: set[str], address: Callable[[], str]) -> None:
    tell(preorder_world, tuple(map(played, REMINDERS)), address)
    names = (
        "put_phone",
        "drop_phone",
        "phone",
        "waiting_phones",
        "phone_waits",
        "phone_done",
        "forget_phones",
    )
    sql = load_statements("banyan.service.rationing.preorder", "preorder.sql")
    assert {one for one in names if sql[one].text not in ran} == set()
    assert missed(ran, "banyan.service.rationing.preorder", "chats.sql") == set()


def test_sms(ran: set[str], address: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The outbox of messages, which no service owns."""
    an_outbox, stores = sms.an_outbox, defaultdict[Path, str](address)

    def over_postgresql(folder: Path, **more: Any) -> Any:
        return an_outbox(folder, store=stores[folder], **more)

    monkeypatch.setattr(sms, "an_outbox", over_postgresql)
    monkeypatch.setattr(outbox, "an_outbox", over_postgresql)
    for number, story in enumerate(SMS):
        (tmp_path / str(number)).mkdir()
        story(tmp_path / str(number))
    assert missed(ran, "banyan.craft.notify", "outbox.sql", "sending.sql") == set()
