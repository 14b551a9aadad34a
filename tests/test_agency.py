"""`./banyan agency`, as officers type it: a road is founded, agencies join it, keys change, things are revoked."""

from __future__ import annotations

import json
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from secrets import token_bytes

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from banyan.cli import main
from banyan.kernel.events.clock import system_clock
from banyan.kernel.exchange.directory import ca, counter, keyfiles
from banyan.kernel.exchange.directory import centre as centres
from banyan.kernel.exchange.directory.membership import no_devices
from banyan.wire.xroad.identifiers import ServerId


class Desk:
    """Runs verbs and keeps what they said."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        self.said = self.erred = ""

    def __call__(self, *words: object, ends: int = 0) -> str:
        code = main(["agency", *map(str, words)])
        self.said, self.erred = self._capsys.readouterr()
        assert code == ends, (words, self.said, self.erred)
        if ends:
            assert self.erred.count("\n") == 1, "one line says what to do"
        return self.said

    @property
    def centre(self) -> Path:
        return self.folder / "centre"

    def fingerprint(self) -> str:
        found = re.findall(r"(?:[0-9a-f]{4} ){7}[0-9a-f]{4}", self.said)
        assert found, self.said
        return str(found[-1])


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    return Desk(tmp_path, capsys)


def founded(desk: Desk, *more: object) -> str:
    desk("found", "TW", "--centre", desk.centre, *more)
    return desk.fingerprint()


def made(desk: Desk, code: str, *more: object) -> str:
    desk("init", f"TW/GOV/{code}", "--zh", "署", "--en", code, "--address", "127.0.0.1:5500",
         "--subsystem", "data", "--folder", desk.folder / code, *more)  # fmt: skip
    return desk.fingerprint()


def joined(desk: Desk, code: str, anchor: str, *more: object) -> None:
    fingerprint = made(desk, code, *more)
    out = desk.folder / f"{code}-welcome.json"
    request = desk.folder / code / "request.json"
    desk("approve", request, "--fingerprint", fingerprint, "--centre", desk.centre, "--out", out)
    desk("join", out, "--fingerprint", anchor, "--folder", desk.folder / code)
    assert f"TW/GOV/{code} is a member" in desk.said


def test_an_agency_joins_by_files_and_officers_compare_both_fingerprints(desk: Desk) -> None:
    anchor = founded(desk)
    fingerprint = made(desk, "NHI")
    request = desk.folder / "NHI/request.json"
    desk("approve", request, "--centre", desk.centre, ends=2)
    assert desk.fingerprint() == fingerprint
    assert "by another way" in desk.erred
    desk("approve", request, "--fingerprint", "0" * 32, "--centre", desk.centre, ends=2)
    desk("list", "--centre", desk.centre)
    assert f"fingerprint {fingerprint}" in desk.said
    out = desk.folder / "welcome.json"
    desk("approve", request, "--fingerprint", fingerprint, "--centre", desk.centre, "--out", out)
    desk("join", out, "--folder", desk.folder / "NHI", ends=2)
    assert desk.fingerprint() == anchor
    desk("join", out, "--fingerprint", anchor, "--folder", desk.folder / "NHI")
    desk("status", "--folder", desk.folder / "NHI")
    assert "version 2, fresh" in desk.said
    assert "Nothing must be done." in desk.said
    desk("approve", request, "--fingerprint", fingerprint, "--centre", desk.centre, ends=2)
    assert "member already" in desk.erred


def test_private_keys_stay_in_files_of_their_owner(desk: Desk) -> None:
    anchor = founded(desk)
    joined(desk, "NHI", anchor, "--post-quantum")
    secret = [path for path in desk.folder.rglob("*") if path.suffix in (".key", ".pem") and path.name != "root.pem"]
    private = [path for path in secret if b"CERTIFICATE" not in path.read_bytes()[:40]]
    assert {path.name for path in private} >= {"sign.pem", "second.pem", "current.pem", "ed25519.key", "root.key"}
    assert {oct(path.stat().st_mode & 0o777) for path in private} == {"0o600"}
    for path in (desk.folder / "NHI/request.json", desk.folder / "NHI-welcome.json"):
        assert b"PRIVATE" not in path.read_bytes()
    (desk.folder / "NHI/keys/sign.pem").chmod(0o644)
    (desk.folder / "NHI/request.json").unlink()
    desk("rotate-key", "--folder", desk.folder / "NHI", ends=2)
    assert "chmod 600" in desk.erred


def test_two_officers_must_approve(desk: Desk) -> None:
    anchor = founded(desk, "--officers", "2")
    for name in ("lin", "wu"):
        desk("officer", name, desk.folder / f"{name}.pem", "--centre", desk.centre)
    fingerprint = made(desk, "NHI")
    request, out = desk.folder / "NHI/request.json", desk.folder / "w.json"
    approve = ("approve", request, "--fingerprint", fingerprint, "--centre", desk.centre, "--out", out)
    desk(*approve, ends=2)
    assert "2 more must approve" in desk.erred
    desk(*approve, "--officer", desk.folder / "lin.pem")
    desk(*approve, "--officer", desk.folder / "lin.pem")
    assert "1 more must approve" in desk.said
    assert not out.exists()
    desk("officer", "stranger", desk.folder / "x.pem", "--centre", made_centre(desk))
    desk(*approve, "--officer", desk.folder / "x.pem", ends=2)
    desk(*approve, "--officer", desk.folder / "wu.pem")
    desk("join", out, "--fingerprint", anchor, "--folder", desk.folder / "NHI")


def test_the_vote_of_an_officer_who_left_counts_no_more_and_blocks_nobody(desk: Desk) -> None:
    founded(desk, "--officers", "2")
    for name in ("lin", "wu", "chen"):
        desk("officer", name, desk.folder / f"{name}.pem", "--centre", desk.centre)
    fingerprint = made(desk, "NHI")
    approve = ("approve", desk.folder / "NHI/request.json", "--fingerprint", fingerprint, "--centre", desk.centre)
    desk(*approve, "--officer", desk.folder / "lin.pem")
    file = desk.centre / "centre.json"
    kept = json.loads(file.read_bytes())
    kept["officers"] = [one for one in kept["officers"] if one["name"] != "lin"]
    file.write_text(json.dumps(kept))
    desk(*approve, "--officer", desk.folder / "lin.pem", ends=2)
    desk(*approve, "--officer", desk.folder / "wu.pem")
    assert "1 more must approve" in desk.said
    desk(*approve, "--officer", desk.folder / "chen.pem", "--out", desk.folder / "w.json")
    assert (desk.folder / "w.json").exists()


def made_centre(desk: Desk) -> Path:
    desk("found", "XX", "--centre", desk.folder / "other")
    return desk.folder / "other"


def test_an_agency_joins_by_the_certificate_of_an_outside_ca(desk: Desk) -> None:
    anchor = founded(desk)
    key, now = ec.generate_private_key(ec.SECP256R1()), system_clock()
    root = ca.make_root("GCA", key, now=now, random=token_bytes)
    (desk.centre / "gca.pem").write_bytes(ca.pem(root.certificate))
    file = desk.centre / "centre.json"
    file.write_text(json.dumps({**json.loads(file.read_bytes()), "roots": ["gca.pem"]}))
    gateway = ec.generate_private_key(ec.SECP256R1())
    made = ca.issue(root, gateway.public_key(), ServerId("TW", "GOV", "NHI", "gw1"), ["h"], now=now, random=token_bytes)
    own = desk.folder / "own.pem"
    keyfiles.save_key(own, gateway)
    own.write_bytes(own.read_bytes() + ca.pem(made))
    joined(desk, "NHI", anchor, "--certificate", own)
    assert ca.pinned(made).sha256.hex() in desk("list", "--centre", desk.centre)


def test_what_is_revoked_is_named_by_the_list(desk: Desk) -> None:
    anchor = founded(desk)
    joined(desk, "NHI", anchor)
    joined(desk, "NIA", anchor)
    listed = desk("list", "--centre", desk.centre)
    key = re.findall(r"key (\S+)", listed)[0]
    certificate = re.findall(r"certificate (\S+)", listed)[1]
    desk("revoke", "key", key, "--centre", desk.centre)
    desk("revoke", "certificate", certificate, "--centre", desk.centre)
    desk("revoke", "gateway", "TW/GOV/NIA/gw1", "--centre", desk.centre)
    desk("revoke", "member", "TW/GOV/NIA", "--centre", desk.centre)
    assert "TW/GOV/NIA  署 NIA  REVOKED" in desk("list", "--centre", desk.centre)
    for kind, subject in (("key", "TW/GOV/NHI#0"), ("member", "TW/GOV/NOBODY"), ("member", "x"), ("gateway", "TW")):
        desk("revoke", kind, subject, "--centre", desk.centre, ends=2)


def test_a_member_changes_its_key_and_nobody_need_approve(desk: Desk) -> None:
    anchor = founded(desk)
    joined(desk, "NHI", anchor, "--algorithm", "ed25519")
    before = (desk.folder / "NHI/keys/sign.pem").read_bytes()
    desk("rotate-key", "--folder", desk.folder / "NHI")
    out = desk.folder / "w2.json"
    desk("approve", desk.folder / "NHI/key-request.json", "--centre", desk.centre, "--out", out)
    desk("join", out, "--folder", desk.folder / "NHI")
    assert (desk.folder / "NHI/keys/sign.pem").read_bytes() != before
    assert len(re.findall(r"key TW/GOV/NHI#", desk("list", "--centre", desk.centre))) == 2


def test_the_authority_changes_its_keys_and_members_follow(desk: Desk) -> None:
    first = founded(desk)
    joined(desk, "NHI", first)
    desk("rotate-key", "--authority", "--centre", desk.centre)
    second = desk.fingerprint()
    assert second != first
    assert not list((desk.centre / "keys/1").glob("*.key")), "the old private keys are gone"
    made(desk, "NIA")
    desk("join", desk.centre / "anchor.json", "--fingerprint", first, "--folder", desk.folder / "NIA")
    joined(desk, "CDC", second)
    desk("list", "--centre", desk.centre)
    assert "TW/GOV/CDC" in desk.said


def test_an_agency_ends_its_own_key_only_by_its_name(desk: Desk) -> None:
    joined(desk, "NHI", founded(desk))
    folder = desk.folder / "NHI"
    name = re.findall(r"signs by (\S+)", desk("status", "--folder", folder))[0]
    desk("end-key", "yes", "--folder", folder, ends=2)
    assert name in desk.erred
    desk("end-key", name, "--folder", folder)
    assert list((folder / "ended").glob("*.note"))


def test_a_request_nobody_wants_is_refused(desk: Desk) -> None:
    founded(desk)
    made(desk, "NHI")
    desk("approve", desk.folder / "NHI/request.json", "--centre", desk.centre, ends=2)
    name = re.findall(r"request (\w+):", desk("list", "--centre", desk.centre))[0]
    desk("refuse", name, "--centre", desk.centre)
    assert "request" not in desk("list", "--centre", desk.centre)
    desk("refuse", name, "--centre", desk.centre, ends=2)


@pytest.mark.parametrize(
    "words",
    [
        ["init", "TW/GOV"], ["init", "TW/GOV/A"], ["init", "TW/GOV/A/sub", "--address", "h:1"],
        ["init", "TW/GOV/A", "--address", "host"], ["init", "TW/GOV/A", "--address", "host:99999"],
        ["init", "TW/GOV/A b", "--address", "h:1"], ["join", "nothing.json"], ["status"], ["rotate-key"],
    ],
)  # fmt: skip
def test_wrong_words_of_an_agency_get_one_sentence(desk: Desk, words: list[str]) -> None:
    desk(*words, "--folder", desk.folder / "nobody", ends=2)


@pytest.mark.parametrize("words", [["list"], ["approve", "x"], ["revoke", "member", "TW/GOV/A"], ["found", "T/W"]])
def test_wrong_words_of_a_centre_get_one_sentence(desk: Desk, words: list[str]) -> None:
    desk(*words, "--centre", desk.folder / "nowhere", ends=2)


def test_a_request_changed_on_its_way_is_refused(desk: Desk) -> None:
    founded(desk)
    fingerprint = made(desk, "NHI")
    path = desk.folder / "NHI/request.json"
    path.write_bytes(path.read_bytes().replace(b"127.0.0.1", b"127.6.6.6"))
    desk("approve", path, "--fingerprint", fingerprint, "--centre", desk.centre, ends=2)
    assert "changed after it was signed" in desk.erred


@contextmanager
def a_counter(folder: Path, port: int = 0) -> Iterator[str]:
    """The centre's counter on loopback, by the standard library's server."""
    centre = centres.opened(folder, clock=system_clock, random=token_bytes, load_key=no_devices)

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            told = counter.answer(centre, self.command, self.path, body)
            self.send_response(told.status)
            self.send_header("content-length", str(len(told.body)))
            self.end_headers()
            self.wfile.write(told.body)

        do_GET = do_POST = _answer

        def log_message(self, format: str, *arguments: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_an_agency_joins_by_the_centres_address(desk: Desk) -> None:
    anchor = founded(desk)
    fingerprint = made(desk, "NHI")
    folder = desk.folder / "NHI"
    with a_counter(desk.centre) as url:
        desk("join", url, "--folder", folder, ends=2)
        assert desk.fingerprint() == anchor
        desk("join", url, "--fingerprint", anchor, "--folder", folder)
        assert "Say `agency join` again" in desk.said
        listed = desk("list", "--centre", desk.centre)
        name = re.findall(r"request (\w+):", listed)[0]
        desk("approve", name, "--fingerprint", fingerprint, "--centre", desk.centre)
        desk("join", url, "--folder", folder)
        assert "is a member" in desk.said
        desk("join", f"{url}/nothing", "--folder", made_folder(desk), ends=2)
    desk("join", url, "--folder", folder, ends=2)
    assert "does not answer" in desk.erred


def made_folder(desk: Desk) -> Path:
    made(desk, "NIA")
    return desk.folder / "NIA"


def test_a_proof_of_two_directories_is_checked_by_anyone_with_the_anchor(desk: Desk) -> None:
    """The centre's folder is copied and both go on: what a gateway keeps then, an officer elsewhere checks offline."""
    anchor = founded(desk)
    joined(desk, "NHI", anchor)
    shutil.copytree(desk.centre, desk.folder / "twin")
    first, second = (centres.opened(one, clock=system_clock, random=token_bytes, load_key=no_devices)
                     for one in (desk.centre, desk.folder / "twin"))  # fmt: skip
    for centre, subject in ((first, "TW/GOV/A"), (second, "TW/GOV/B")):
        with centre.turn():
            centre.authority.revoke("member", subject)
    assert first.keeper.suspect(second.keeper.held.checkpoint, ())
    proof = next((desk.centre / "directory/evidence").glob("*.json"))
    desk("evidence", proof, "--anchor", desk.centre / "anchor.json")
    assert "signed two different logs of 4 entries" in desk.said
    desk("evidence", proof, "--folder", desk.folder / "NHI")
    assert "Keep this file" in desk.said
    whole = proof.read_bytes()
    for at in range(40, len(whole), 211):
        proof.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        desk("evidence", proof, "--anchor", desk.centre / "anchor.json", ends=2)
    desk("evidence", desk.folder / "nothing", "--anchor", desk.centre / "anchor.json", ends=2)
    desk("evidence", proof, "--anchor", proof, ends=2)
