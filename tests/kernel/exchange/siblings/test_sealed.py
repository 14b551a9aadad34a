"""An act under signatures: whose keys count, and what a gateway vouches for."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tests.kernel.exchange.directory.nation import Clock, a_directory, a_key, member

from banyan.kernel.exchange.directory.authority import Authority
from banyan.kernel.exchange.directory.document import key_name
from banyan.kernel.exchange.directory.keyfiles import public_der
from banyan.kernel.exchange.road.desk import Signing
from banyan.kernel.exchange.siblings.sealed import Line, Sealed, proven, read_sealed, seal, vouched
from banyan.wire.httpsig.keys import signer_of

CONTENT = b'{"what":"was done"}'


def signing(code: str, number: int = 0) -> Signing:
    key = a_key(code, number)
    return Signing(signer_of(key_name(member(code), public_der(key)), key))


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return a_directory(tmp_path, Clock())


def test_an_act_is_the_members_whose_key_signed_it(authority: Authority) -> None:
    standing, sealed = authority.keeper.standing, seal(CONTENT, signing("NHI"))
    assert proven(sealed, member("NHI"), standing) == sealed
    assert read_sealed(sealed.encode()) == sealed
    assert proven(sealed, member("NIA"), standing) is None
    assert proven(Sealed(CONTENT, ()), member("NHI"), standing) is None
    assert proven(Sealed(CONTENT + b" ", sealed.lines), member("NHI"), standing) is None
    renamed = msgspec.structs.replace(seal(CONTENT, signing("NIA")).lines[0], keyid=sealed.lines[0].keyid)
    assert proven(Sealed(CONTENT, (renamed,)), member("NHI"), standing) is None
    assert proven(seal(CONTENT, signing("NHI", 7)), member("NHI"), standing) is None, "a key the directory has not"


def test_only_signatures_that_hold_are_kept(authority: Authority) -> None:
    good = seal(CONTENT, signing("NHI"))
    strange = Line("TW/GOV/NIA#00", b"x" * 64)
    found = proven(Sealed(CONTENT, (strange, *good.lines)), member("NHI"), authority.keeper.standing)
    assert found == good


def test_what_a_revoked_key_signed_is_taken_from_who_vouches_for_it(authority: Authority) -> None:
    sealed, owner = seal(CONTENT, signing("NHI")), member("NHI")
    standing = authority.keeper.standing
    other = signing("NIA")  # stands for the member's other key: whose it is, is asked by `proven`
    assert vouched(sealed, other, owner, standing) is sealed, "its own signer's key counts"
    authority.revoke("key", sealed.lines[0].keyid)
    assert proven(sealed, owner, standing) is None
    passed_on = vouched(sealed, other, owner, standing)
    assert (passed_on.content, [one.keyid for one in passed_on.lines]) == (CONTENT, [other.first.keyid])
