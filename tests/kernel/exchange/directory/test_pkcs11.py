"""Keys in a device, by Debian's SoftHSM (`apt install softhsm2`): the CA, messages, a wrong PIN, a lost device."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from tests.kernel.exchange.directory.nation import Clock
from tests.kernel.exchange.directory.stage import a_centre, an_agency, joined

from banyan.cli import main
from banyan.errors import Invalid, Problem, Unavailable
from banyan.kernel.exchange.directory import ca, pkcs11

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
needs_device = pytest.mark.skipif(
    not MODULE.exists() or shutil.which("softhsm2-util") is None, reason="needs Debian's softhsm2"
)
ADDRESS = f"pkcs11:token=road;object=%s?module-path={MODULE}"
MAKE = """
import sys, pkcs11
from pkcs11 import Attribute, KeyType
from pkcs11.util.ec import encode_named_curve_parameters
token = pkcs11.lib(sys.argv[1]).get_token(token_label="road")
with token.open(rw=True, user_pin="4321") as session:
    for label, curve in (one.split(":") for one in sys.argv[2:]):
        parameters = session.create_domain_parameters(
            KeyType.EC, {Attribute.EC_PARAMS: encode_named_curve_parameters(curve)}, local=True)
        parameters.generate_keypair(store=True, label=label)
"""


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A token of its own with three keys, made by another process, and the environment that leads to it."""
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\nlog.level = ERROR\n")
    environment = {"SOFTHSM2_CONF": str(folder / "softhsm2.conf"), pkcs11.PIN: "4321"}
    whole = {**os.environ, **environment}
    command = ["softhsm2-util", "--init-token", "--free", "--label", "road", "--so-pin", "1234", "--pin", "4321"]
    subprocess.run(command, env=whole, check=True, capture_output=True)
    make_keys("ca:secp256r1", "member:secp256r1", "big:secp384r1", environment=whole)
    return environment


def make_keys(*keys: str, environment: Mapping[str, str] = os.environ) -> None:
    """As an operator does beside a gateway that runs: another process opens the device."""
    subprocess.run([sys.executable, "-c", MAKE, str(MODULE), *keys], env=environment, check=True)


WORK = """
import sys
from pathlib import Path
from tests.kernel.exchange.directory.test_pkcs11 import *
getattr(sys.modules["tests.kernel.exchange.directory.test_pkcs11"], sys.argv[1])(Path(sys.argv[2]))
"""


def in_process(name: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A module of PKCS#11 is one for its process, and so is where its tokens are: each test has its own process."""
    root = Path(__file__).parents[4]
    path = os.pathsep.join([str(root / "src"), str(root)])
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", WORK, name, str(folder)],
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def a_road_by_device(folder: Path) -> None:
    clock = Clock()
    centre = a_centre(folder / "centre", clock, load_key=pkcs11.load_key, ca_key=ADDRESS % "ca")
    assert not (folder / "centre/ca/root.key").exists()
    member = an_agency(folder / "m", "NHI", clock, load_key=pkcs11.load_key, sign_key=ADDRESS % "member")
    assert not (folder / "m/keys").exists()
    keeper = joined(centre, member)
    signer, _ = member.signers()
    keys = keeper.standing.keys(signer.keyid)
    assert keys is not None
    assert keys.first.verify(b"a message", signer.sign(b"a message"))
    assert not keys.first.verify(b"another", signer.sign(b"a message"))
    root, leaf = (x509.load_pem_x509_certificate(path.read_bytes()) for path in (
        folder / "centre/ca/root.pem", Path(cut(member.tls, folder))))  # fmt: skip
    leaf.verify_directly_issued_by(root)
    root.verify_directly_issued_by(root)
    key = pkcs11.load_key(ADDRESS % "ca")
    with pytest.raises(TypeError, match="stays"):
        key.private_numbers()
    with pytest.raises(Invalid, match="P-256"):
        pkcs11.load_key(ADDRESS % "big")


def a_new_key(folder: Path) -> None:
    """It is made when the gateway has the device open, and named by the verb."""
    clock = Clock(time.time())
    centre = a_centre(folder / "centre", clock)
    running = an_agency(folder / "m", "NHI", clock, load_key=pkcs11.load_key, sign_key=ADDRESS % "member")
    joined(centre, running)
    before = running.signers()[0].keyid
    make_keys("next:secp256r1")
    at = ["--folder", str(folder / "m")]
    assert main(["agency", "rotate-key", *at]) == 2, "it does not say which"
    assert main(["agency", "rotate-key", "--sign-key", ADDRESS % "next", "--out", f"{folder}/asked", *at]) == 0
    with centre.turn():
        welcome = centre.renew((folder / "asked").read_bytes())
    (folder / "given").write_bytes(msgspec.json.encode(welcome))
    assert running.signers()[0].keyid == before
    assert main(["agency", "join", str(folder / "given"), *at]) == 0
    running.reread()
    after = running.signers()[0]
    keys = centre.keeper.standing.keys(after.keyid)
    assert after.keyid != before
    assert keys is not None
    assert keys.first.verify(b"a message", after.sign(b"a message"))


def cut(path: Path, folder: Path) -> str:
    """The certificate of a file with its key."""
    text = path.read_text()
    (folder / "leaf.pem").write_text(text[text.index("-----BEGIN CERTIFICATE") :])
    return str(folder / "leaf.pem")


def refusals(folder: Path) -> None:
    os.environ[pkcs11.PIN] = "9999"
    with pytest.raises(Unavailable, match="PinIncorrect"):
        pkcs11.load_key(ADDRESS % "ca")
    os.environ[pkcs11.PIN] = "4321"
    for address in (
        (ADDRESS % "nothing"),
        (ADDRESS % "ca").replace("token=road", "token=lost"),
        (ADDRESS % "ca").replace("libsofthsm2", "missing"),
    ):
        with pytest.raises(Unavailable) as refused:
            pkcs11.load_key(address)
        assert refused.value.remedy


@needs_device
@pytest.mark.parametrize("what", ["a_road_by_device", "a_new_key", "refusals"])
def test_by_a_device(device: dict[str, str], tmp_path: Path, what: str) -> None:
    done = in_process(what, tmp_path, device)
    assert done.returncode == 0, done.stderr[-3_000:]


@pytest.mark.parametrize(
    "address",
    ["", "pkcs11:", "pkcs11:token=a;object=b", "pkcs11:token=a;object=b?module-path=c&pin-value=1", "file:token=a"],
)
def test_addresses_that_say_too_little_or_a_pin_are_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(pkcs11.PIN, "1")
    with pytest.raises(Invalid, match="BANYAN_PKCS11_PIN"):
        pkcs11.load_key(address)


def test_without_a_pin_nothing_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(pkcs11.PIN, raising=False)
    with pytest.raises(Problem, match="not set"):
        pkcs11.load_key(ADDRESS % "ca")


def test_a_key_that_signs_elsewhere_makes_certificates_as_any_does() -> None:
    """The class alone, over a key in memory: what x509 asks of a key, it has."""
    inside = ec.generate_private_key(ec.SECP256R1())

    def sign(digest: bytes) -> bytes:
        from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature

        r, s = decode_dss_signature(inside.sign(digest, ec.ECDSA(Prehashed(SHA256()))))
        return r.to_bytes(32) + s.to_bytes(32)

    key = pkcs11.DeviceKey(inside.public_key(), sign)
    made = ca.make_root("TW", key, now=1_795_000_000, random=lambda size: bytes(range(1, size + 1)))
    made.certificate.verify_directly_issued_by(made.certificate)
