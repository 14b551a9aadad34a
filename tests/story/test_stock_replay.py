"""February 2020 again: real lists played into a running portal, and every sampled answer held against the list.

Some lists in the default run; the whole of 14 February at 100 times its pace in the slow one, which takes five minutes
and writes what it measured into the test report.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import statistics
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from urllib.request import urlopen

import pytest
from tests.make import shared_data
from tests.portal import LivePortal, live_portal
from tests.story.oracle import Compared, Truth, ask, compare, points_of, truth_of

from banyan.remote_portal import Portal
from banyan.replaying import Options, Played, Player
from banyan.series import Snapshot, read_folder

FRIDAY = "2020-02-14"
TENTH, FRIDAY_MORNING = "maskdata_20200210T162910.csv.gz", "maskdata_20200214T085535.csv.gz"
PLAYED = (1, 6, 11, 29)
"""Of the day's 30 lists: the rush, the forenoon, after the noon gap of two hours, and the last."""
AT_ONCE = 1e9


def refuse(key: str, **values: object) -> Exception:
    raise AssertionError(f"{key}: {values}")


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePortal]:
    shared_data("supplies/outlets.csv.gz")
    with live_portal(tmp_path_factory.mktemp("replay")) as live:
        yield live


def a_folder(folder: Path, *, whole: bool) -> Path:
    """A folder with the lists of 10 and 14 February as they were, or with some of Friday's series and the outlets."""
    folder.mkdir()
    if whole:
        for name in (TENTH, FRIDAY_MORNING):
            (folder / name).symlink_to(shared_data(f"supplies/raw/{name}"))
        return folder
    (folder / "outlets.csv.gz").symlink_to(shared_data("supplies/outlets.csv.gz"))
    with gzip.open(shared_data(f"supplies/stock_series_{FRIDAY}.csv.gz"), "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    stamps = sorted({row["ts"] for row in rows})
    chosen = {stamps[place] for place in PLAYED}
    text = io.StringIO()
    writer = csv.DictWriter(text, ["ts", "id", "adult", "child"])
    writer.writeheader()
    writer.writerows(row for row in rows if row["ts"] in chosen)
    (folder / f"stock_series_{FRIDAY}.csv.gz").write_bytes(gzip.compress(text.getvalue().encode()))
    return folder


class Watch:
    """Holds the portal's answers against each list as it is played."""

    def __init__(self, url: str, *, sample: int) -> None:
        self._url, self._sample, self._random = url, sample, Random(FRIDAY)
        self._points = points_of(shared_data("supplies/outlets.csv.gz"))
        self._last: dict[str, tuple[int, int]] = {}
        self.compared = Compared()
        self.played: list[Played] = []
        self.vanished = 0

    def __call__(self, snapshot: Snapshot, played: Played) -> None:
        assert played.map_s is not None, "a list reaches the map"
        assert played.why == "", played.why
        self.played.append(played)
        truth = truth_of(snapshot.write(snapshot.at))
        found = compare(self._url, truth, self._points, self._last, sample=self._sample, random=self._random)
        self.compared.answers += found.answers
        self.compared.wrong += found.wrong
        self.vanished += len(self._last.keys() - truth.keys())
        self._last |= truth


def play(portal: LivePortal, folder: Path, speed: float, seen: Callable[[Snapshot, Played], None]) -> list[str]:
    said: list[str] = []
    player = Player(Portal(portal.url, portal.token), Options(speed))
    player.play(read_folder(folder, refuse), said.append, seen)  # type: ignore[arg-type]
    return said


def test_the_rename_is_mapped_and_every_answer_is_the_lists(portal: LivePortal, tmp_path: Path) -> None:
    numbers: list[Truth] = []

    def keep(snapshot: Snapshot, played: Played) -> None:
        assert played.why == "", played.why
        numbers.append(truth_of(snapshot.write(snapshot.at)))

    play(portal, a_folder(tmp_path / "raw", whole=True), AT_ONCE, keep)
    assert len(numbers) == 2
    (source,) = [one for one in ask(portal.url, "sources") if one["source"] == "replay"]
    assert source["items"]["mask-adult"] == "成人口罩剩餘數", "the column of the 14th is read for that of the 10th"
    assert source["held"] is None
    assert "成人口罩總剩餘數" in changes(portal.url), "and the change is told"

    watch = Watch(portal.url, sample=25)
    said = play(portal, a_folder(tmp_path / "series", whole=False), AT_ONCE, watch)
    assert len(said) == len(PLAYED) + 1
    assert watch.vanished > 50, "outlets left the list on the way"
    assert watch.compared.answers > 300
    assert not watch.compared.wrong, "\n".join(watch.compared.wrong)


def changes(url: str) -> str:
    with urlopen(f"{url}/supplies/changes.atom", timeout=30) as answer:
        return str(answer.read().decode())


@pytest.mark.slow
def test_the_whole_day_at_a_hundred_times(
    tmp_path: Path, record_property: Callable[[str, object], None], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").mkdir()
    with live_portal(tmp_path / "data") as portal:
        watch = Watch(portal.url, sample=60)
        folder = tmp_path / "series"
        folder.mkdir()
        for name in ("outlets.csv.gz", f"stock_series_{FRIDAY}.csv.gz"):
            (folder / name).symlink_to(shared_data(f"supplies/{name}"))
        play(portal, folder, 100, watch)
    lags = sorted(played.map_s for played in watch.played[1:] if played.map_s is not None)
    figures = {
        "lists": len(watch.played),
        "answers": watch.compared.answers,
        "wrong": len(watch.compared.wrong),
        "vanished": watch.vanished,
        "lag_median_s": round(statistics.median(lags), 2),
        "lag_p99_s": round(lags[-1], 2),
        "publish_median_s": round(statistics.median(played.publish_s for played in watch.played), 2),
    }
    record_property("figures", json.dumps(figures))
    with capsys.disabled():
        sys.stdout.write(f"\n14 February at 100x: {figures}\n")
    assert len(watch.played) == 30
    assert not watch.compared.wrong, "\n".join(watch.compared.wrong)
