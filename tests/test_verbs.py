"""`./banyan` is the one door: every verb of the command line passes through it, and its help names each."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from banyan.cli import main

ROOT = Path(__file__).parents[1]
SCRIPT = (ROOT / "banyan").read_text(encoding="utf-8")
OWN = {"test", "help"}
"""What the script does without Python."""


def verbs(capsys: pytest.CaptureFixture[str]) -> set[str]:
    """As argparse lists them."""
    with pytest.raises(SystemExit):
        main(["--help"])
    return set(re.findall(r"^    (\w+) {2,}\S", capsys.readouterr().out, re.MULTILINE))


def test_the_script_takes_every_verb_and_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    cases = re.findall(r"^  ([a-z |-]+)\)$", SCRIPT, re.MULTILINE)
    taken = {word for case in cases for word in case.split(" | ") if not word.startswith("-")}
    assert taken == verbs(capsys) | OWN


def test_help_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    said = subprocess.run(["sh", str(ROOT / "banyan"), "help"], capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^  \./banyan (\w+)", said, re.MULTILINE)) == verbs(capsys) | OWN - {"help"}


@pytest.mark.parametrize("line", [["version"], ["bench"], ["agency", "--help"]])
def test_a_verb_whose_reader_has_gone_ends_quietly(line: list[str]) -> None:
    """`| head` had read enough, and a traceback stood on the screen."""
    read, write = os.pipe()
    os.close(read)
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "banyan", *line],
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env={**os.environ, "PYTHONUNBUFFERED": ""},  # as from a shell: argparse itself hides what fails at once
        )
    finally:
        os.close(write)
    assert (ended.returncode, ended.stderr) == (141, "")


@pytest.mark.parametrize("given", [["--port", "8100"], ["--host", "0.0.0.0"], ["--empty"]])
def test_a_federation_says_what_it_does_not_take(
    given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["up", "--federation", "--data", str(tmp_path / "data"), *given]) == 2
    assert f"takes no {given[0]}" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("given", ["99999", "-1", "abc", "80.5", "１２３"])
def test_what_is_no_port_is_told_in_a_sentence(given: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ("--data", str(tmp_path / "data"))
    for verb in (("up", *data), ("incident", "casualties", *data)):
        with pytest.raises(SystemExit) as ended:
            main([*verb, f"--port={given}"])
        assert ended.value.code == 2
        assert "argument --port: a whole number from 1 to 65535" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_another_word_is_told_where_the_verbs_are() -> None:
    said = subprocess.run(["sh", str(ROOT / "banyan"), "dance"], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stderr) == (2, "banyan: no verb 'dance'; ./banyan help lists them\n")
