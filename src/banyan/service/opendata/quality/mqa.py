"""The EU Metadata Quality Assessment of one dataset: 23 metrics, 405 points, the data portal's own weights.

Scored on what we publish (the DCAT description), not on what we know. A metric of distributions earns its share of
good ones; interoperability looks at the best distribution only. An address not yet looked at earns nothing.
Source: https://data.europa.eu/mqa/methodology; codes are the `piveau:` DQV metrics.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from banyan.service.opendata.model import Check
from banyan.wire.dcat import Dataset, Distribution
from banyan.wire.dcat.vocabularies import AUTHORITY, DATA_THEMES, FILE_TYPES, FileType

MAXIMUM = 405
WEIGHTS: Mapping[str, int] = {
    "keywordAvailability": 30,
    "categoryAvailability": 30,
    "spatialAvailability": 20,
    "temporalAvailability": 20,
    "accessUrlStatusCode": 50,
    "downloadUrlAvailability": 20,
    "downloadUrlStatusCode": 30,
    "formatAvailability": 20,
    "mediaTypeAvailability": 10,
    "formatMediaTypeVocabularyAlignment": 10,
    "formatMediaTypeNonProprietary": 20,
    "formatMediaTypeMachineInterpretable": 20,
    "dcatApCompliance": 30,
    "licenceAvailability": 20,
    "knownLicence": 10,
    "accessRightsAvailability": 10,
    "accessRightsVocabularyAlignment": 5,
    "contactPointAvailability": 20,
    "publisherAvailability": 10,
    "rightsAvailability": 5,
    "byteSizeAvailability": 5,
    "dateIssuedAvailability": 5,
    "dateModifiedAvailability": 5,
}
DIMENSIONS: Mapping[str, tuple[str, ...]] = {
    "findability": tuple(WEIGHTS)[:4],
    "accessibility": tuple(WEIGHTS)[4:7],
    "interoperability": tuple(WEIGHTS)[7:13],
    "reusability": tuple(WEIGHTS)[13:19],
    "contextuality": tuple(WEIGHTS)[19:],
}
Rating = Literal["bad", "sufficient", "good", "excellent"]
_BY_CODE: Mapping[str, FileType] = {kind.code: kind for kind in FILE_TYPES.values() if kind.code}
_BY_MEDIA_TYPE: Mapping[str, FileType] = {kind.media_type: kind for kind in FILE_TYPES.values()}
_LICENCE_VOCABULARIES = (AUTHORITY + "licence/", "https://spdx.org/licenses/")


def score(dataset: Dataset, *, links: Mapping[str, bool | None], faults: Sequence[str]) -> tuple[Check, ...]:
    """The 23 checks. `links`: address -> answers with 200 (None: not yet known); `faults`: what breaks DCAT-AP."""
    return (
        _whole("keywordAvailability", bool(dataset.keywords)),
        _whole("categoryAvailability", any(theme in DATA_THEMES for theme in dataset.themes)),
        _whole("spatialAvailability", bool(dataset.places)),
        _whole("temporalAvailability", dataset.period is not None),
        _answering("accessUrlStatusCode", [one.access_url for one in dataset.distributions], links),
        _share("downloadUrlAvailability", dataset, lambda one: bool(one.download_url)),
        _answering("downloadUrlStatusCode", [one.download_url for one in dataset.distributions], links),
        _best("formatAvailability", dataset, lambda one: bool(one.file_type)),
        _best("mediaTypeAvailability", dataset, lambda one: bool(one.media_type)),
        _best("formatMediaTypeVocabularyAlignment", dataset, _from_vocabulary),
        _best("formatMediaTypeNonProprietary", dataset, lambda one: _has(one, "non_proprietary")),
        _best("formatMediaTypeMachineInterpretable", dataset, lambda one: _has(one, "machine_readable")),
        _whole("dcatApCompliance", not faults, evidence=tuple(faults[:5])),
        _share("licenceAvailability", dataset, lambda _: dataset.licence is not None),
        _share("knownLicence", dataset, lambda _: _known_licence(dataset)),
        _whole("accessRightsAvailability", bool(dataset.access)),
        _whole("accessRightsVocabularyAlignment", dataset.access in ("PUBLIC", "RESTRICTED", "NON_PUBLIC")),
        _whole("contactPointAvailability", dataset.contact is not None),
        _whole("publisherAvailability", dataset.publisher is not None),
        _share("rightsAvailability", dataset, lambda _: bool(dataset.rights)),
        _share("byteSizeAvailability", dataset, lambda one: one.byte_size is not None),
        _share("dateIssuedAvailability", dataset, lambda one: bool(one.issued or dataset.issued)),
        _share("dateModifiedAvailability", dataset, lambda one: bool(one.modified or dataset.modified)),
    )


def total(checks: Sequence[Check]) -> int:
    return round(sum(check.points for check in checks))


def rating(points: int) -> Rating:
    """Excellent 351-405, good 221-350, sufficient 121-220, bad 0-120."""
    if points > 350:
        return "excellent"
    if points > 220:
        return "good"
    return "sufficient" if points > 120 else "bad"


def _whole(code: str, passed: bool, *, evidence: tuple[str, ...] = ()) -> Check:
    of = WEIGHTS[code]
    return Check(code, passed, points=of if passed else 0, of=of, count=len(evidence), evidence=evidence)


def _share(code: str, dataset: Dataset, test: Callable[[Distribution], bool]) -> Check:
    lacking = tuple(one.access_url for one in dataset.distributions if not test(one))
    return _shared(code, len(dataset.distributions), lacking)


def _shared(code: str, among: int, lacking: Sequence[str]) -> Check:
    of = WEIGHTS[code]
    share = (among - len(lacking)) / among if among else 0.0
    return Check(code, share == 1, points=round(of * share, 2), of=of, count=len(lacking), evidence=tuple(lacking[:5]))


def _answering(code: str, asked: Sequence[str], links: Mapping[str, bool | None]) -> Check:
    """Share of the given addresses that answer; of the distributions without one nothing is earned."""
    bad = [address or "-" for address in asked if not links.get(address)]
    check = _shared(code, len(asked), bad)
    unknown = all(links.get(address) is None for address in asked if address) and any(asked)
    return Check(code, None, of=check.of, count=check.count, evidence=check.evidence) if unknown else check


def _best(code: str, dataset: Dataset, test: Callable[[Distribution], bool]) -> Check:
    passed = any(test(one) for one in dataset.distributions)
    lacking = () if passed else tuple(one.access_url for one in dataset.distributions)
    return _whole(code, passed, evidence=lacking[:5])


def _has(one: Distribution, quality: str) -> bool:
    kind = _BY_CODE.get(one.file_type) or _BY_MEDIA_TYPE.get(one.media_type)
    return bool(kind and getattr(kind, quality))


def _from_vocabulary(one: Distribution) -> bool:
    return one.file_type in _BY_CODE and one.media_type in _BY_MEDIA_TYPE


def _known_licence(dataset: Dataset) -> bool:
    return dataset.licence is not None and dataset.licence.iri.startswith(_LICENCE_VOCABULARIES)
