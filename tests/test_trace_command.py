"""`./banyan trace`: counts from files, and one sentence on bad input; never a number of anybody."""

from __future__ import annotations

from pathlib import Path

import pytest

from banyan.cli import main


def deliveries(folder: Path) -> tuple[Path, Path]:
    rows = ["number,at,lon,lat"]
    for person in range(30):
        lon = 121.5 + (0.001 if person < 12 else 0.3)
        rows += [f"8869111111{person:02},{1_580_400_000 + step * 300},{lon},25.0" for step in range(6)]
    rows += [f"886900000001,{1_580_400_000 + step * 300},121.5,25.0" for step in range(6)]
    pings, cases = folder / "pings.csv", folder / "cases.txt"
    pings.write_text("\n".join([*rows, "1,2,3,4"]))
    cases.write_text("+886900000001\n")
    return pings, cases


def test_counts_and_places_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pings, cases = deliveries(tmp_path)
    assert main(["trace", "count", str(pings), "--cases", str(cases)]) == 0
    said = capsys.readouterr().out
    assert "186 positions, 1 phones of cases: 10 contacts, 1 hot spots." in said
    assert "1 rows were left out" in said
    assert "8869" not in said


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--preset", "none"], "No rule 'none'."),
        (["--cases", "/nowhere"], "/nowhere cannot be read."),
        (["/nowhere.csv"], "/nowhere.csv is no file."),
    ],
)
def test_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], says: str) -> None:
    pings, cases = deliveries(tmp_path)
    files = [] if more[0].startswith("--") else more
    options = more if more[0].startswith("--") else []
    assert main(["trace", "count", str(pings), *files, "--cases", str(cases), *options]) == 2
    assert says in capsys.readouterr().err


def test_errors_of_the_rules_are_measured_on_own_masts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    masts = tmp_path / "masts.csv"
    places = [(121.5 + 0.003 * (at % 5), 25.0 + 0.003 * (at // 5)) for at in range(25)]
    masts.write_text("lon,lat\n" + "\n".join(f"{lon},{lat}" for lon, lat in places))
    assert main(["trace", "errors", "--sites", str(masts), "--pairs", "20", "--out", str(tmp_path / "out")]) == 0
    assert "masts: 25 masts, neighbours 3" in capsys.readouterr().out
    assert (tmp_path / "out/errors-masts.svg").read_text("utf-8").startswith("<svg")
    assert main(["trace", "errors", "--sites", str(masts), "--pairs", "0"]) == 2
    assert "pairs" in capsys.readouterr().err
