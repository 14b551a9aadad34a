"""`./banyan` is the one door: every verb of the command line passes through it, and its help names each."""

from __future__ import annotations

import re
import subprocess
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


def test_another_word_is_told_where_the_verbs_are() -> None:
    said = subprocess.run(["sh", str(ROOT / "banyan"), "dance"], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stderr) == (2, "banyan: no verb 'dance'; ./banyan help lists them\n")
