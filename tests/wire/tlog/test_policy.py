"""Trust policies: the specification's own example, its rules of structure, and what a quorum means."""

from __future__ import annotations

from itertools import combinations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from banyan.wire.tlog import note
from banyan.wire.tlog.checkpoint import COSIGNATURE_ED25519
from banyan.wire.tlog.note import BadNote
from banyan.wire.tlog.policy import parse_policy


def key(name: str, number: int, kind: int = COSIGNATURE_ED25519) -> str:
    private = Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
    return note.verifier_key(name, kind, private.public_key().public_bytes_raw())


EXAMPLE = f"""
log {key("log.example", 9, note.ED25519)} https://log.example/

witness X1 {key("x1", 1)}
witness X2\t{key("x2", 2)} https://x2.example/
  witness X3 {key("x3", 3)}
group X-witnesses 2 X1 X2 X3

# another organisation
witness Y1 {key("y1", 4)}
witness Y2 {key("y2", 5)}
witness Y3 {key("y3", 6)}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""


def test_the_example_of_the_specification() -> None:
    """Two of X and one of Y, over all 64 sets of witnesses."""
    policy = parse_policy(EXAMPLE)
    assert policy.logs[0].url == "https://log.example/"
    assert policy.witnesses[1].url == "https://x2.example/"
    names = [one.name for one in policy.witnesses]
    for count in range(7):
        for chosen in combinations(names, count):
            wanted = sum(one[0] == "X" for one in chosen) >= 2 and any(one[0] == "Y" for one in chosen)
            assert policy.is_met(chosen) == wanted
    assert not policy.is_met(["X-witnesses", "Y-witnesses", "X-and-Y"]), "a group's name is no cosignature"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "one quorum"),
        ("quorum none\nquorum none", "second quorum"),
        ("quorum X1", "not defined above"),
        (f"quorum X1\nwitness X1 {key('x1', 1)}", "not defined above"),
        (f"witness none {key('x1', 1)}\nquorum none", "defined already"),
        (f"witness X1 {key('x1', 1)}\nwitness X1 {key('x2', 2)}\nquorum X1", "defined already"),
        (f"witness X1 {key('x1', 1)}\nwitness X2 {key('x2', 1)}\nquorum X1", "key is there already"),
        (f"witness X1 {key('x1', 1, note.ED25519)}\nquorum X1", "for cosignatures"),
        (f"witness X1 {key('x1', 1)[:-4]}AAA=\nquorum X1", "another key's"),
        (f"witness X1 {key('x1', 1)}\ngroup G 2 X1\nquorum G", "1 to 1"),
        (f"witness X1 {key('x1', 1)}\ngroup G 0 X1\nquorum G", "1 to 1"),
        (f"witness X1 {key('x1', 1)}\ngroup G any none\nquorum G", "not defined above"),
        (f"witness X1 {key('x1', 1)}\ngroup G 1 X1\ngroup H 1 X1\nquorum H", "member already"),
        (f"witness X1 {key('x1', 1)}\ngroup G any X1 X1\nquorum G", "member already"),
        ("group G any\nquorum none", "not 'log"),
        ("quorum none\r", "control"),
        ("banana\nquorum none", "line 1"),
        ("\n" * 2_000, "lines"),
    ],
)
def test_what_is_no_policy_says_its_line(text: str, fault: str) -> None:
    with pytest.raises(BadNote, match=fault):
        parse_policy(text)
