"""`./banyan replay`: the shape of each list, the pace, and how bad input ends. Playing itself: tests/story."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import pytest
from tests.make import shared_data

from banyan.cli import main
from banyan.errors import Invalid
from banyan.kernel.events.clock import EpochS
from banyan.replaying import NIGHT_PLAYED_S, _refused, offsets
from banyan.series import read_folder, stamp

TENTH, FOURTEENTH = EpochS(1_581_323_350.0), EpochS(1_581_642_334.0)
"""2020-02-10 16:29:10 and 2020-02-14 09:05:34 in Taiwan."""
SERIES = "ts,id,adult,child\n{day}T09:05:34+08:00,0145080011,404,189\n{day}T09:05:34+08:00,592202A296,0,7\n"


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


def a_folder(folder: Path, *days: str) -> Path:
    for day in days:
        path = folder / f"stock_series_{day}.csv.gz"
        path.write_bytes(gzip.compress(SERIES.format(day=day).encode()))
    outlets = (
        "id,name,address,phone,county,town,lon,lat,coord_source\n0145080011,豐濱分院,光豐路４１號,(03)8358141,,,,,\n"
    )
    (folder / "outlets.csv.gz").write_bytes(gzip.compress(outlets.encode()))
    return folder


def test_a_list_has_the_shape_of_its_day(tmp_path: Path) -> None:
    tenth, fourteenth = read_folder(a_folder(tmp_path, "2020-02-10", "2020-02-14"), _refused).snapshots
    assert (tenth.rows, fourteenth.at) == (2, FOURTEENTH)
    body = tenth.write(tenth.at)
    head, first, second, rest = body.decode("utf-8").split("\r\n")
    assert head == (
        "\ufeff醫事機構代碼,醫事機構名稱,醫事機構地址,醫事機構電話,成人口罩總剩餘數,兒童口罩剩餘數,來源資料時間"
    )
    assert first == "0145080011,豐濱分院,光豐路４１號,(03)8358141,404,189,2020/02/10 09:05:34"
    assert second == "592202A296,,,,0,7,2020/02/10 09:05:34"
    assert rest == ""
    renamed = fourteenth.write(fourteenth.at).decode("utf-8-sig")
    assert renamed.startswith("醫事機構代碼,醫事機構名稱,醫事機構地址,醫事機構電話,成人口罩剩餘數,")


def test_a_list_written_from_the_series_is_the_one_its_agency_published(tmp_path: Path) -> None:
    """The raw file of 08:55 against the same list out of the series: equal in every field that the series has."""
    for name in ("stock_series_2020-02-14.csv.gz", "outlets.csv.gz"):
        (tmp_path / name).symlink_to(shared_data(f"supplies/{name}"))
    first = read_folder(tmp_path, _refused, day="2020-02-14").snapshots[0]
    raw = gzip.decompress(shared_data("supplies/raw/maskdata_20200214T085535.csv.gz").read_bytes())
    ours, theirs = (list(csv.reader(io.StringIO(body.decode("utf-8-sig")))) for body in (first.write(first.at), raw))
    assert ours[0] == theirs[0]
    taken = (0, 4, 5, 6)
    assert sorted([row[at] for at in taken] for row in ours) == sorted([row[at] for at in taken] for row in theirs)
    assert first.write(first.at).startswith(b"\xef\xbb\xbf")


def test_whole_lists_are_played_as_their_bytes_were(tmp_path: Path) -> None:
    name = "maskdata_20200210T162910.csv.gz"
    (tmp_path / name).symlink_to(shared_data(f"supplies/raw/{name}"))
    (only,) = read_folder(tmp_path, _refused).snapshots
    raw = gzip.decompress(shared_data(f"supplies/raw/{name}").read_bytes())
    assert only.at == TENTH
    assert only.write(only.at) == raw
    today = only.write(EpochS(1_795_438_800.0))
    assert b"2020/02/10" not in today
    assert today.count(b"2026/11/23 21:00:00") == raw.count(b"2020/02/10 16:29:10") == only.rows


def test_the_pace_is_kept_and_a_night_is_cut_short() -> None:
    times = [EpochS(FOURTEENTH + minutes * 60) for minutes in (0, 10, 30, 24 * 60)]
    assert offsets(times, 100) == pytest.approx([0, 6, 18, 18 + NIGHT_PLAYED_S / 100])
    assert offsets(times[:1], 1) == [0]


def test_a_moment_is_written_as_the_official_list_writes_it() -> None:
    assert stamp(FOURTEENTH) == "2020/02/14 09:05:34"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{empty}"], "No series in"),
        (["{folder}", "--series", "2020-02-15"], "No series of 2020-02-15. There are: 2020-02-14"),
        (["{folder}", "--speed", "0"], "The speed is more than 0. For example --speed 100."),
        (["{folder}", "--speed", "nan"], "The speed is more than 0."),
        (["{folder}", "--data", "{empty}"], "No portal is running. Start one with ./banyan up --empty"),
        (["{folder}", "--url", "ftp://here"], "The portal's address is not right."),
        (["{folder}", "--url", "http://127.0.0.1:9"], "http://127.0.0.1:9 does not answer."),
        (["{broken}"], "cannot be read"),
    ],
)
def test_bad_input_ends_with_2_and_one_sentence(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = {name: tmp_path / name for name in ("empty", "folder", "broken")}
    for folder in folders.values():
        folder.mkdir()
    a_folder(folders["folder"], "2020-02-14")
    (folders["broken"] / "stock_series_2020-02-14.csv.gz").write_bytes(b"not gzip")
    asked = [argument.format(**folders) for argument in arguments]
    assert main(["replay", *asked]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.startswith("banyan: ")
    assert error.count("\n") == 1


def test_a_series_without_its_columns_is_refused(tmp_path: Path) -> None:
    (tmp_path / "stock_series_2020-02-14.csv.gz").write_bytes(gzip.compress(b"time,code\n2020-02-14,1\n"))
    with pytest.raises(Invalid):
        read_folder(tmp_path, _refused)
