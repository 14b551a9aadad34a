"""Each of the 23 metrics once passed and once failed, the weights, and our conformance list against SEMIC's shapes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import msgspec
import pytest
from tests.make import shared_data
from tests.wire.dcat import catalogue as made

from banyan.service.opendata.quality import conformance, mqa
from banyan.wire import dcat

ROOT = Path(__file__).parents[4]
PEERS = ROOT / ".venv-peers" / "bin"
GOOD = made.a_dataset()
LINKS: dict[str, bool | None] = {
    address: True for one in GOOD.distributions for address in (one.access_url, one.download_url)
}


def but(**values: object) -> dcat.Dataset:
    return msgspec.structs.replace(GOOD, **values)


def but_files(**values: object) -> dcat.Dataset:
    return but(distributions=tuple(msgspec.structs.replace(one, **values) for one in GOOD.distributions))


def check(dataset: dcat.Dataset, code: str, links: dict[str, bool | None] | None = None) -> tuple[bool | None, float]:
    checks = mqa.score(dataset, links=LINKS if links is None else links, faults=conformance.faults(dataset))
    (found,) = [one for one in checks if one.code == code]
    return found.passed, found.points


def test_the_weights_are_the_eus_and_sum_to_405() -> None:
    assert sum(mqa.WEIGHTS.values()) == mqa.MAXIMUM == 405
    assert len(mqa.WEIGHTS) == 23
    sums = {name: sum(mqa.WEIGHTS[code] for code in codes) for name, codes in mqa.DIMENSIONS.items()}
    assert sums == {
        "findability": 100,
        "accessibility": 100,
        "interoperability": 110,
        "reusability": 75,
        "contextuality": 20,
    }


def test_a_complete_dataset_scores_405() -> None:
    checks = mqa.score(GOOD, links=LINKS, faults=conformance.faults(GOOD))
    assert [one.code for one in checks] == list(mqa.WEIGHTS)
    assert mqa.total(checks) == 405
    assert all(one.passed for one in checks)


OTHER = dcat.Licence(iri="https://example.tw/ours", title={"zh-Hant": "自訂"})
FAILING = {
    "keywordAvailability": but(keywords=()),
    "categoryAvailability": but(themes=()),
    "spatialAvailability": but(places=()),
    "temporalAvailability": but(period=None),
    "downloadUrlAvailability": but_files(download_url=""),
    "formatAvailability": but_files(file_type=""),
    "mediaTypeAvailability": but_files(media_type=""),
    "formatMediaTypeVocabularyAlignment": but_files(file_type="TABLE"),
    "formatMediaTypeNonProprietary": but_files(file_type="XLS", media_type="application/vnd.ms-excel"),
    "formatMediaTypeMachineInterpretable": but_files(file_type="PDF", media_type="application/pdf"),
    "dcatApCompliance": but(description={}),
    "licenceAvailability": but(licence=None),
    "knownLicence": but(licence=OTHER),
    "accessRightsAvailability": but(access=""),
    "accessRightsVocabularyAlignment": but(access=""),
    "contactPointAvailability": but(contact=None),
    "publisherAvailability": but(publisher=None),
    "rightsAvailability": but(rights={}),
    "byteSizeAvailability": but_files(byte_size=None),
    "dateIssuedAvailability": msgspec.structs.replace(but_files(issued=""), issued=""),
    "dateModifiedAvailability": msgspec.structs.replace(but_files(modified=""), modified=""),
}


@pytest.mark.parametrize("code", FAILING)
def test_each_metric_is_lost_alone(code: str) -> None:
    assert check(GOOD, code) == (True, mqa.WEIGHTS[code])
    assert check(FAILING[code], code) == (False, 0)


@pytest.mark.parametrize("code", ["accessUrlStatusCode", "downloadUrlStatusCode"])
def test_links_earn_by_their_answers(code: str) -> None:
    assert check(GOOD, code) == (True, mqa.WEIGHTS[code])
    assert check(GOOD, code, dict.fromkeys(LINKS, False)) == (False, 0)
    assert check(GOOD, code, {}) == (None, 0), "not yet looked at is unknown, and earns nothing"
    first = GOOD.distributions[0]
    half = LINKS | {first.access_url: False, first.download_url: False}
    two = but(
        distributions=(first, msgspec.structs.replace(first, access_url="https://b.tw", download_url="https://b.tw/f"))
    )
    assert check(two, code, half | {"https://b.tw": True, "https://b.tw/f": True}) == (False, mqa.WEIGHTS[code] / 2)


def test_shares_and_best_files() -> None:
    first, second = GOOD.distributions
    mixed = but(distributions=(first, msgspec.structs.replace(second, byte_size=None, file_type="", media_type="")))
    assert check(mixed, "byteSizeAvailability") == (False, 2.5)
    assert check(mixed, "formatAvailability") == (True, 20), "interoperability looks at the best file"


def test_a_dataset_without_files_earns_nothing_for_them() -> None:
    checks = mqa.score(but(distributions=()), links={}, faults=[])
    earned = {one.code: one.points for one in checks}
    assert all(earned[code] == 0 for code in (*mqa.DIMENSIONS["accessibility"], "licenceAvailability"))


@pytest.mark.parametrize(("points", "rating"), [(405, "excellent"), (351, "excellent"), (350, "good"), (221, "good"),
    (220, "sufficient"), (121, "sufficient"), (120, "bad"), (0, "bad")])  # fmt: skip
def test_ratings(points: int, rating: str) -> None:
    assert mqa.rating(points) == rating


BROKEN = {
    "title": but(title={}),
    "description": but(description={}),
    "moment": but(issued="2026/11/23"),
    "period": but(period=dcat.Period(start="民國115年")),
    "access": but_files(access_url="無"),
    "size": but_files(byte_size=-1),
    "page": but(iri=GOOD.landing_page),
    "publisher": but(publisher=dcat.Agent("https://e.tw/a", {})),
}


@pytest.mark.peers
@pytest.mark.skipif(not PEERS.exists(), reason="needs .venv-peers")
def test_our_conformance_list_agrees_with_the_shapes(tmp_path: Path) -> None:
    shapes = shared_data("opendata/dcat-ap-3.0.1")
    cases = {"good": GOOD, **BROKEN}
    files = [tmp_path / f"{name}.ttl" for name in cases]
    for file, dataset in zip(files, cases.values(), strict=True):
        file.write_bytes(dcat.dataset_bytes("ttl", made.CATALOG, dataset))
    command = [PEERS / "python", ROOT / "tools" / "shacl.py", *files, "--shapes", shapes]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    verdicts = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    for (name, dataset), counts in zip(cases.items(), verdicts, strict=True):
        violations = counts["shapes"] + counts["range"]
        stricter = name in ("moment", "period", "page")  # pyshacl lets an ill-formed date and a shared address pass
        assert stricter or bool(violations) == bool(conformance.faults(dataset)), (name, done.stdout)
        assert bool(conformance.faults(dataset)) == (name != "good")
