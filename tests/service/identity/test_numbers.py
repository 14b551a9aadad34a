"""Persons' and businesses' numbers against npm `taiwan-id-validator`: 10,000 of each kind, right and spoilt."""

from __future__ import annotations

import json
import random
import shutil
import string
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.make import missing

from banyan.kernel.identity.identifiers import is_business_number, person_number_kind

PEERS = Path(__file__).parent / "peers"
EACH = 10_000
KINDS = {"NATIONAL_ID": "national", "UI_NUMBER_LEGACY": "resident-old", "": None}
"""Their words for ours; every other category of theirs is a resident number of 2021."""
pytestmark = pytest.mark.peers


def digits(dice: random.Random, count: int) -> str:
    return "".join(dice.choices(string.digits, k=count))


SHAPES: dict[str, Callable[[random.Random], str]] = {
    "national": lambda dice: dice.choice(string.ascii_uppercase) + dice.choice("12") + digits(dice, 8),
    "resident": lambda dice: dice.choice(string.ascii_uppercase) + dice.choice("89") + digits(dice, 8),
    "resident-old": lambda dice: dice.choice(string.ascii_uppercase) + dice.choice("ABCD") + digits(dice, 8),
    "business": lambda dice: digits(dice, 8),
}


def right(shape: str, dice: random.Random) -> str:
    """A number of the shape with its right check digit, which one of the ten last digits is."""
    while True:
        start = SHAPES[shape](dice)[:-1]
        fitting = [start + last for last in string.digits if takes(shape, start + last)]
        if fitting:
            return dice.choice(fitting)


def takes(shape: str, number: str) -> bool:
    return is_business_number(number) if shape == "business" else person_number_kind(number) == shape


def spoilt(number: str, dice: random.Random) -> str:
    """Another character, two that changed places, one too many or too few, or another case or width."""
    place = dice.randrange(len(number))
    other = dice.choice(string.digits + string.ascii_uppercase + "-a０")
    near = min(place + 1, len(number) - 1)
    swapped = number[:place] + number[near : near + 1] + number[place + 1 : near] + number[place : place + 1]
    return dice.choice(
        [
            number[:place] + other + number[place + 1 :],
            number[:place] + dice.choice(string.digits) + number[place + 1 :],
            swapped + number[near + 1 :] if near > place else number,
            number[:place] + number[place + 1 :],
            number[:place] + other + number[place:],
            number.lower(),
        ]
    )


def asked(numbers: list[str]) -> list[tuple[str, bool]]:
    node = shutil.which("node")
    if node is None or not (PEERS / "node_modules" / "taiwan-id-validator").is_dir():
        missing("run npm ci in tests/service/identity/peers")
    command = [node, str(PEERS / "identifiers.mjs")]
    done = subprocess.run(command, input=json.dumps(numbers), capture_output=True, text=True, timeout=120, check=True)
    return [(category, ban) for category, ban in json.loads(done.stdout)]


@pytest.mark.parametrize("shape", SHAPES)
def test_ten_thousand_numbers_are_what_others_take_them_for(shape: str) -> None:
    dice = random.Random(shape)
    valid = [right(shape, dice) for _ in range(EACH // 2)]
    shaped = [SHAPES[shape](dice) for _ in range(EACH // 4)]
    broken = [spoilt(right(shape, dice), dice) for _ in range(EACH // 4)]
    numbers = [*valid, *shaped, *broken]
    theirs = asked(numbers)
    ours = [(person_number_kind(number), is_business_number(number)) for number in numbers]
    differing = [
        (number, our, their)
        for number, our, their in zip(numbers, ours, theirs, strict=True)
        if our != (KINDS.get(their[0], "resident"), their[1])
    ]
    assert not differing, differing[:5]
    taken = Counter(takes(shape, number) for number in numbers)
    assert taken[True] >= EACH // 2
    assert taken[False] >= EACH // 5, "too few wrong numbers were asked"
