"""The router: what wins, what is found, what clashes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from banyan.kernel.exchange.router import Router


def routed(*templates: str) -> Router[str]:
    router: Router[str] = Router()
    for template in templates:
        router.add(template, ("GET",), template)
    return router


@pytest.mark.parametrize(
    ("path", "template", "params"),
    [
        ("/", "/", {}),
        ("/dataset", "/dataset", {}),
        ("/dataset/new", "/dataset/new", {}),
        ("/dataset/newer", "/dataset/{name}", {"name": "newer"}),
        ("/dataset/口罩.ttl", "/dataset/{name}.ttl", {"name": "口罩"}),
        ("/dataset/a.b", "/dataset/{name}", {"name": "a.b"}),
        ("/dataset/.ttl", "/dataset/{name}", {"name": ".ttl"}),
        ("/dataset/new/resource/7", "/dataset/{name}/resource/{id}", {"name": "new", "id": "7"}),
        ("/assets/x-1/deep/file.js", "/assets/{file*}", {"file": "x-1/deep/file.js"}),
    ],
)
def test_the_most_literal_route_wins(path: str, template: str, params: dict[str, str]) -> None:
    router = routed(
        "/",
        "/dataset",
        "/dataset/new",
        "/dataset/{name}",
        "/dataset/{name}.ttl",
        "/dataset/{name}/resource/{id}",
        "/assets/{file*}",
    )
    found = router.find(path)
    assert found is not None
    assert (found[0].template, found[1]) == (template, params)


@pytest.mark.parametrize("path", ["/nothing", "/dataset/", "/dataset/a/", "/dataset/a/b", "//", ""])
def test_what_is_not_declared_is_not_found(path: str) -> None:
    assert routed("/dataset", "/dataset/{name}", "/dataset/{name}/resource/{id}").find(path) is None


def test_the_same_method_twice_is_a_programmers_error() -> None:
    with pytest.raises(AssertionError, match="twice"):
        routed("/a/{x}", "/a/{x}")


def test_two_names_for_one_segment_clash() -> None:
    with pytest.raises(AssertionError, match="clashes"):
        routed("/a/{x}", "/a/{y}")


@given(st.lists(st.text(st.characters(exclude_characters="/", exclude_categories=("Cs",)), min_size=1), min_size=1))
def test_segments_come_back_as_they_went_in(segments: list[str]) -> None:
    template = "/" + "/".join(f"{{p{number}}}" for number in range(len(segments)))
    found = routed(template, "/{p0}.never-such-a-suffix").find_segments(segments)
    assert found is not None
    assert list(found[1].values()) in (segments, [segments[0].removesuffix(".never-such-a-suffix")])
