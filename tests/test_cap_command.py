"""`./banyan cap`: what is wrong with an alert and the fix, and whether its sender signed it; exit code 2 when not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.make import shared_data

from banyan.cli import main


def test_check_names_what_is_wrong_and_ends_with_two(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    good, bad = shared_data("alerts/cap/taiwan.cap"), shared_data("alerts/cap/canada_errors.cap")
    assert main(["cap", "check", str(good)]) == 0
    assert capsys.readouterr().out == f"{good}: CAP 1.2: valid\n"
    assert main(["cap", "check", str(good), str(bad), str(shared_data("alerts/cap/xee.cap"))]) == 2
    said = capsys.readouterr().out
    assert f"{bad}: CAP 1.2: invalid\n  error references-missing alert/references: name in <references>" in said
    assert "xee.cap: CAP none: no valid structure\n  error doctype document:" in said
    assert main(["cap", "check", str(tmp_path / "none.cap")]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_verify_asks_the_register_not_the_message(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    alert = shared_data("alerts/cap/canada_signed.cap")
    index = []
    for name in ("naads", "environment_canada"):
        pem = shared_data(f"alerts/signed/{name}_x509_cert.pem")
        (tmp_path / pem.name).write_bytes(pem.read_bytes())
        index.append(f'[[sender]]\nsender = "cap-pac@ec.gc.ca"\ncertificate = "{pem.name}"\nsha1 = true\n')
    (tmp_path / "senders.toml").write_text("".join(index))
    assert main(["cap", "verify", str(alert), "--register", str(tmp_path)]) == 0
    assert re.findall(r": (\S+): signed by", capsys.readouterr().out) == ["good", "good"]
    changed = tmp_path / "changed.cap"
    changed.write_bytes(alert.read_bytes().replace(b"snowfall", b"sunshine"))
    assert main(["cap", "verify", str(changed), "--register", str(tmp_path)]) == 2
    assert ": digest: the alert was changed after it was signed" in capsys.readouterr().out
    assert main(["cap", "verify", str(alert), "--register", str(tmp_path / "none")]) == 2
    assert "is no folder" in capsys.readouterr().err
