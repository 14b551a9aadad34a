"""Tracing under the law: counts first, names by two agencies only, everybody's list, and an end of everything."""

from __future__ import annotations

import pytest
from tests.service.tracing.world import ASKS, ORDER, RELEASES, START, STRANGER, WANG, World, in_a_world

from banyan.craft.tracing.gathering import RING, Gathering, gatherings
from banyan.craft.tracing.places import Crowd
from banyan.errors import Conflict, Denied, Invalid, Limit, NotFound
from banyan.kernel.events.clock import EpochS, iso
from banyan.kernel.exchange import Refused
from banyan.kernel.identity.caller import ANONYMOUS, SYSTEM
from banyan.kernel.ledger.entries import read_entry
from banyan.limits_tracing import TRACE_AWAIT_S, TRACE_COUNTS_A_DAY, TRACE_LEAST
from banyan.service.tracing.map import HIGH, WIDE, dots, frame_of, ground_of, marks, middle, shapes, where
from banyan.service.tracing.presets import presets


async def entries(world: World) -> list[dict[str, object]]:
    ledger = world.node.lawful.ledger
    await ledger.publish(int(world.now[0]))
    size = (await ledger.head()).entries
    return [read_entry(await ledger.entry(at)) for at in range(size)]


def test_counts_then_release_then_the_end() -> None:
    async def story(world: World) -> None:
        await world.deliver()
        counted = await world.ask()
        assert (counted.contacts, counted.state) == (30, "counted")
        assert counted.cases is None  # one phone: fewer than the least
        assert [(one.phones, one.minutes) for one in counted.spots] == [(30, 900)]
        assert {one.least: one.contacts for one in counted.strength.minutes} == {1: None, 15: None, 30: 30, 60: None,
                                                                                180: None}  # fmt: skip
        assert [one.contacts for one in counted.strength.cells] == [30, None, None]
        assert not world.sms.sent(f"tracing/{counted.id}")
        with pytest.raises(Denied) as caught:
            await world.call("release", ASKS, id=counted.id)
        assert caught.value.kind == "same-agency"
        done = await world.call("release", RELEASES, id=counted.id)
        assert (done.told, done.request.state) == (30, "released")
        sent = world.sms.sent(done.campaign)
        assert len(sent) == 30
        assert "+886911111100" in {one.to for one in sent}
        assert "+886900000001" not in {one.to for one in sent}
        again = await world.call("release", RELEASES, id=counted.id)
        assert again.told == 30
        assert len(world.sms.sent(done.campaign)) == 30
        uses = await world.node.lawful.ledger.history(world.node.lawful.conscience.subject(WANG), most=10)
        assert len(uses.uses) == 1
        acts = [one for one in await entries(world) if one["kind"] == "trace"]
        assert [one["step"] for one in acts] == ["counted", "released"]
        assert acts[1]["agencies"] == "TW/GOV/CDC,TW/GOV/NIA"
        assert "9111111" not in str(await entries(world))

    in_a_world(story)


def test_evidence_of_one_contact() -> None:
    async def story(world: World) -> None:
        await world.deliver()
        counted = await world.ask()
        asked = {"id": counted.id, "person": WANG, "reason": "家訪"}
        with pytest.raises(NotFound):
            await world.call("evidence", ASKS, **asked)  # not released yet
        assert (await world.call("mine", world.citizen())).meetings == ()
        await world.call("release", RELEASES, id=counted.id)
        found = await world.call("evidence", ASKS, **asked)
        assert len(found.meetings) == 6
        first = found.meetings[0]
        assert (first.at, first.minutes) == (iso(EpochS(START + 7_200)), 5)
        assert abs(first.lon - 121.501) < 0.006
        assert "9000000" not in first.episode
        assert (await world.call("mine", world.citizen())).meetings == found.meetings
        assert (await world.call("mine", world.citizen("A223456781"))).meetings == ()
        with pytest.raises(Refused):
            await world.call("evidence", ASKS, **{**asked, "reason": "  "})
        with pytest.raises(Refused):
            await world.call("evidence", STRANGER, **asked)

    in_a_world(story)


def test_no_order_no_trace() -> None:
    async def story(world: World) -> None:
        for operation, asked in (("deliver", {"pings": [{"number": "+886911111111", "at": 1, "lon": 1, "lat": 1}]}),
                                 ("requests", {}), ("release", {"id": "0" * 32}),
                                 ("crowd", {"at": iso(EpochS(START))}),
                                 ("gatherings", {"at": iso(EpochS(START))})):  # fmt: skip
            with pytest.raises(Denied):
                await world.call(operation, SYSTEM if operation == "deliver" else ASKS, **asked)
        with pytest.raises(Denied):
            await world.ask()
        stands = await world.call("standing")
        assert (stands.order, stands.uses) == ("", ())

    in_a_world(story, is_ordered=False)


def test_who_may_not() -> None:
    async def story(world: World) -> None:
        await world.deliver()
        for caller in (ANONYMOUS, world.citizen(), STRANGER):
            with pytest.raises(Denied):
                await world.ask(caller)
        with pytest.raises(Denied):
            await world.call("requests", STRANGER)
        counted = await world.ask()
        with pytest.raises(Denied):
            await world.call("release", STRANGER, id=counted.id)

    in_a_world(story)


def test_after_the_last_second_nothing_is_left() -> None:
    async def story(world: World) -> None:
        await world.deliver()
        counted = await world.ask()
        await world.call("release", RELEASES, id=counted.id)
        folder = world.node.data / "tracing"
        assert list(folder.rglob("*.sealed"))
        world.now[0] += 30 * 86_400
        for caller, operation, asked in ((ASKS, "requests", {}), (RELEASES, "release", {"id": counted.id})):
            with pytest.raises(Denied):
                await world.call(operation, caller, **asked)
        with pytest.raises(Refused):
            await world.call("evidence", ASKS, id=counted.id, person=WANG, reason="家訪")
        assert (await world.call("mine", world.citizen())).meetings == ()
        await world.sweep()
        await world.sweep()
        assert not list(folder.rglob("*.sealed"))
        receipts = [one for one in await entries(world) if one["kind"] == "deletion"]
        day = iso(EpochS(START))[:10]
        assert [(one["order"], one["day"]) for one in receipts] == [(ORDER, day)]
        progress = await world.sms.progress(f"tracing/{counted.id}")
        assert progress is not None
        assert progress.is_forgotten
        stands = await world.call("standing")
        assert (stands.order, stands.uses[0].told) == ("", 30)

    in_a_world(story)


def test_a_day_is_kept_as_long_as_the_basis_says() -> None:
    async def story(world: World) -> None:
        await world.deliver()
        world.now[0] += 14 * 86_400
        await world.sweep()
        assert (await world.ask()).contacts is None
        receipts = [one for one in await entries(world) if one["kind"] == "deletion"]
        assert len(receipts) == 1
        await world.deliver()  # too late: it is not kept any more
        assert not list((world.node.data / "tracing" / "lake").rglob("??.*.sealed"))

    in_a_world(story)


def test_who_is_not_released_is_dropped() -> None:
    async def story(world: World) -> None:
        await world.deliver()
        counted = await world.ask()
        world.now[0] += TRACE_AWAIT_S
        await world.sweep()
        assert not list((world.node.data / "tracing" / "results").glob("*"))
        with pytest.raises(Conflict):
            await world.call("release", RELEASES, id=counted.id)
        listed = await world.call("requests", ASKS)
        assert [one.request.state for one in listed] == ["dropped"]

    in_a_world(story)


def test_nobody_is_found_by_comparing_counts() -> None:
    """Small counts are not told, 34 and 31 look alike, the same question is not counted anew, and questions end."""

    async def story(world: World) -> None:
        await world.deliver(people=9)
        few = await world.ask()
        assert (few.contacts, few.spots) == (None, ())
        with pytest.raises(Conflict):
            await world.call("release", RELEASES, id=few.id)
        await world.deliver(people=34)
        assert (await world.ask()).id == few.id
        assert (await world.ask(reason="別的理由")).id == few.id
        more = await world.ask(dwell_s=600)
        assert more.contacts == 30
        for dwell in range(2, TRACE_COUNTS_A_DAY):
            await world.ask(start=iso(EpochS(START - dwell)), reason="相近的問題")
        with pytest.raises(Limit):
            await world.ask(start=iso(EpochS(START - 999)))

    in_a_world(story)


def test_passengers_of_a_ship() -> None:
    async def story(world: World) -> None:
        rows = []
        for guest in range(12):
            for step in range(24):
                lon = 121.741 if step < 12 else 121.60 + guest * 0.01
                rows.append(
                    {"number": f"+8190000000{guest:02}", "at": int(START) + step * 300, "lon": lon, "lat": 25.132}
                )
        for local in range(40):
            place = {"number": f"+8869222222{local:02}", "lon": 121.60 + local % 12 * 0.01, "lat": 25.133}
            rows += [{**place, "at": int(START) + step * 300 + 7} for step in range(12, 24)]
        await world.call("deliver", SYSTEM, pings=rows)
        window = {"start": iso(EpochS(START)), "end": iso(EpochS(START + 3_600))}
        found = await world.ask(
            cases=(), dock={"lon": 121.741, "lat": 25.132, "radius_m": 800.0, **window}, preset="telegraph"
        )
        assert (found.contacts, found.cases) == (40, 10)
        done = await world.call("release", RELEASES, id=found.id)
        assert {one.lang for one in world.sms.sent(done.campaign)} == {"zh-Hant"}

    in_a_world(story)


def test_late_and_twice_told_positions_change_no_count() -> None:
    async def story(world: World) -> None:
        await world.deliver(around=2)
        await world.deliver()
        assert (await world.ask()).contacts == 30
        crowd = await world.call("crowd", ASKS, at=iso(EpochS(START + 7_200)))
        assert {(one.at, one.phones) for one in crowd.cells} == {(START + 7_200, 30), (START + 8_100, 30)}

    in_a_world(story)


def test_crowds_become_the_area_of_a_draft() -> None:
    async def story(world: World) -> None:
        await world.deliver()
        found = await world.call("gatherings", ASKS, at=iso(EpochS(START + 7_900)), phones=20)
        assert [(one.at, one.phones, one.cells) for one in found.shapes] == [(START + 7_200, 30, 1)] * 2
        assert (found.least, found.more, found.warning_page) == (TRACE_LEAST, 0, "")
        lons, lats = zip(*found.shapes[0].outline, strict=True)
        assert min(lons) < 121.501 < max(lons)
        assert min(lats) < 25.0 < max(lats)
        assert found.shapes[0].outline[0] == found.shapes[0].outline[-1]
        assert (await world.call("gatherings", ASKS, at=iso(EpochS(START + 7_900)), phones=40)).shapes == ()
        with pytest.raises(Denied):
            await world.call("gatherings", STRANGER, at=iso(EpochS(START + 7_900)))
        with pytest.raises(Invalid):
            await world.call("gatherings", ASKS, at=iso(EpochS(START)), phones=TRACE_LEAST - 1)

    in_a_world(story)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"cases": ()}, "cases"),
        ({"preset": "none"}, "preset"),
        ({"bucket_s": 7}, "bucket_s"),
        ({"end": iso(EpochS(START - 1))}, "end"),
        ({"end": iso(EpochS(START + 60 * 86_400))}, "end"),
    ],
)
def test_questions_that_cannot_be(asked: dict[str, object], field: str) -> None:
    async def story(world: World) -> None:
        with pytest.raises(Invalid) as caught:
            await world.ask(**asked)
        assert caught.value.fields[0].field == field

    in_a_world(story)


def test_presets_are_rules_with_a_source() -> None:
    assert {name: (one.rule.radius_m, one.rule.dwell_s) for name, one in presets().items()} == {
        "jmir": (500, 300), "telegraph": (300, 900), "close": (100, 900),
    }  # fmt: skip
    assert all(one.source and set(one.title) == {"zh-Hant", "en"} for one in presets().values())


def test_the_map_keeps_inside_its_frame() -> None:
    from banyan.craft.tracing.places import Place

    drawn = dots([Place(121.5, 25.0, 10, 100), Place(121.9, 25.1, 10, 25), Place(121.5, 24.0, 10, 1)])
    assert all(0 <= one.x <= WIDE and 0 <= one.y <= HIGH for one in drawn)
    assert drawn[1].y < drawn[0].y < drawn[2].y
    assert dots([]) == ()


def test_the_ground_is_brought_into_the_frame() -> None:
    """A town's outline and a dot at its middle meet; a wide map shows counties only."""
    frame = frame_of([(121.51, 25.03), (121.56, 25.06)])
    near = ground_of(frame)
    assert len(near.towns) < 60
    assert ground_of(frame_of([(120.2, 22.9), (121.7, 25.1)])).towns == ()
    assert frame.transform == near.transform
    square = Gathering(0, 30, 1, ((121.51, 25.03), (121.56, 25.03), (121.56, 25.06), (121.51, 25.03)))
    (path,) = shapes([square], frame)
    points = [tuple(map(float, one.split(","))) for one in path[1:-1].split("L")]
    assert all(0 <= x <= WIDE and 0 <= y <= HIGH for x, y in points)
    assert points[0] == frame.at(121.51, 25.03)


def test_places_are_told_by_their_town_and_numbers_stand_on_the_map() -> None:
    points = [(121.5644, 25.0376), (121.435, 25.3)]
    town, sea = where(points, "zh-Hant")
    assert (town.town, sea.town, (sea.lon, sea.lat)) == ("臺北市信義區", "", points[1])
    assert where(points, "en")[0].town == "Xinyi District, Taipei City"
    assert where([], "en") == ()
    square = Gathering(0, 30, 1, ((121.51, 25.03), (121.56, 25.03), (121.56, 25.06), (121.51, 25.03)))
    frame = frame_of(square.outline)
    assert middle(square) == (121.535, 25.045)
    numbered = marks([square] * 12, frame)
    assert [one.number for one in numbered] == list(range(1, 10))
    assert (numbered[0].x, numbered[0].y) == frame.at(121.535, 25.045)


def test_cells_that_touch_are_one_shape() -> None:
    cells = [
        Crowd(lon, lat, 900, 50)
        for lon, lat in ((121.5009, 25.0), (121.5058, 25.0), (121.5058, 25.0045), (121.6, 25.0))
    ]
    one, other = gatherings([*cells, Crowd(121.7, 25.0, 900, 10)], 20)
    assert (one.phones, one.cells, len(one.outline)) == (150, 3, 7)
    assert (other.phones, other.cells, len(other.outline)) == (50, 1, 5)
    comb = [
        Crowd(121.5 + x * 0.004972, 25.0 + y * 0.004523, 900, 50) for x in range(120) for y in (0, *range(1, 1 + x % 2))
    ]
    (hull,) = gatherings(comb, 20)
    assert hull.is_hull
    assert len(hull.outline) <= RING
    assert gatherings(cells, 60) == ()
