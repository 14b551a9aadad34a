"""The day of an item: what is a sale, a delivery, a correction, a vanishing, and what is foretold of them."""

from __future__ import annotations

import numpy as np
import pytest
from tests.service.supplies.forecast.series import a_day

from banyan.service.supplies.forecast.pace import after_service, pack_of, parts_of, remnant_of, service_hours
from banyan.service.supplies.hours import slots_of

ONE = np.array([0], np.int64)
WHOLE = np.array([7], np.uint8)


def hours(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def test_service_time_stands_still_while_the_outlet_is_closed() -> None:
    morning_and_evening = np.array([0b101], np.uint8)
    assert service_hours(hours(9), hours(20), WHOLE)[0] == 11
    assert service_hours(hours(9), hours(20), morning_and_evening)[0] == 5
    assert service_hours(hours(2), hours(7), WHOLE)[0] == 0
    assert after_service(hours(11), hours(2), morning_and_evening)[0] == 19
    assert after_service(hours(3), hours(1), WHOLE)[0] == 9, "it begins when the outlet opens"
    assert np.isnan(after_service(hours(20), hours(2.5), WHOLE)[0]), "not today"
    assert np.isnan(after_service(hours(20), hours(np.inf), WHOLE)[0])


@pytest.mark.parametrize("start", [0.0, 8.5, 11.9, 13.0, 19.0])
@pytest.mark.parametrize("parts", range(1, 8))
def test_after_service_undoes_service_hours(start: float, parts: int) -> None:
    open_parts = np.array([parts], np.uint8)
    need = service_hours(hours(start), hours(24), open_parts) / 2
    if need[0] > 0:
        end = after_service(hours(start), need, open_parts)
        assert service_hours(hours(start), end, open_parts)[0] == pytest.approx(need[0], abs=1e-4)


def test_the_days_own_slots_count() -> None:
    closed_sunday_afternoon = np.array([slots_of("NNNNNNNNNNNNNYNNNNNNY"), slots_of("")], np.int32)
    assert parts_of(closed_sunday_afternoon, 6).tolist() == [0b001, 7]
    assert parts_of(closed_sunday_afternoon, 4).tolist() == [7, 7]


def test_sales_a_delivery_and_a_correction_are_told_apart() -> None:
    day = a_day([(9.0, [100]), (9.5, [60]), (10.0, [65]), (10.5, [265]), (11.0, [205])])
    assert day.first[0] == 100
    assert day.sold[0] == 100, "40 and 60; the rises sell nothing"
    assert day.delivered_at[0] == 10.5, "200 more is a delivery, 5 more a correction"
    assert day.is_selling(ONE)[0]


def test_the_rate_follows_the_last_half_hour_not_the_rush() -> None:
    rush = a_day([(9.0, [400]), (9.5, [200]), (10.0, [190]), (10.5, [180]), (11.0, [170])])
    assert 20 < rush.rates(ONE)[0] < 80, "20 an hour of late, 400 an hour at nine"
    steady = a_day([(9 + step / 6, [400 - 10 * step]) for step in range(13)])
    assert steady.rates(ONE)[0] == pytest.approx(60, rel=0.1)
    needed = (280 - steady.remnant) / 60
    assert steady.needs(ONE)[0] == pytest.approx(needed, rel=0.1)


def test_an_outlet_that_vanished_is_neither_sold_out_nor_selling() -> None:
    day = a_day([(9.0, [100]), (9.5, [60]), (10.0, [-1])])
    assert not day.is_selling(ONE)[0]
    assert np.isnan(day.empty_since[0])
    back = a_day([(9.0, [100]), (9.5, [60]), (10.0, [-1]), (13.0, [30])])
    assert back.sold[0] == 40, "nobody saw the 30 sold"
    assert np.isnan(back.delivered_at[0])


def test_quiet_for_an_hour_of_service_is_not_selling() -> None:
    day = a_day([(9.0, [100, 900]), (9.5, [60, 800]), (10.0, [60, 700])])
    assert day.is_selling(ONE)[0]
    day = a_day([(9.0, [100, 900]), (9.5, [60, 800]), (10.0, [60, 700]), (10.6, [60, 600])])
    assert not day.is_selling(ONE)[0]


def test_sold_out_since_the_first_look_at_zero() -> None:
    day = a_day([(9.0, [40, 5]), (9.5, [0, 4]), (10.0, [0, 3])])
    assert day.empty_since[0] == 9.5
    again = a_day([(9.0, [40]), (9.5, [0]), (10.0, [200])])
    assert np.isnan(again.empty_since[0])


def test_a_new_day_forgets_the_sales_and_keeps_the_stock() -> None:
    day = a_day([(9.0, [100, 50]), (9.5, [60, -1])])
    day.begin(2)
    assert day.left.tolist() == [60, 50]
    assert day.sold.tolist() == [0, 0]
    assert not day.is_selling(ONE)[0]
    day.look(ONE, np.array([40], np.int32), 9.0)
    assert day.sold[0] == 0, "nobody saw the 20 sold today"
    day.look(ONE, np.array([30], np.int32), 9.2)
    assert day.sold[0] == 10


def test_a_delivery_before_the_first_look_of_the_day_is_seen() -> None:
    day = a_day([(9.0, [0]), (16.0, [0])])
    day.begin(2)
    day.look(ONE, np.array([200], np.int32), 8.5)
    assert day.delivered_at[0] == 8.5


def test_a_person_takes_two_and_three_peoples_are_a_remnant() -> None:
    assert pack_of(np.array([2, 4, 2, 6, 2, 8, 3], np.int32)) == 2
    assert pack_of(np.array([3, 6, 9, 3, 12], np.int32)) == 3
    assert pack_of(np.empty(0, np.int32)) == 1
    assert remnant_of(2, few=20) == 6
    assert remnant_of(10, few=20) == 6, "never a third of what counts as few"


def test_a_look_costs_what_it_changes() -> None:
    """A million outlets: a tick of 10,000 rows must not touch the others' columns."""
    day = a_day([(9.0, [100])])
    day.grow(1_000_000)
    held = sum(value.nbytes for value in vars(day).values() if isinstance(value, np.ndarray))
    assert held <= 60_000_000
