"""Which of the house's templates axe looked at: each answer of a page names its template in a header.

Only the suite has the header (tests/conftest.py calls `mark`). A run of the whole suite fails when a template was
shown to axe by no test, so a new page cannot be left out.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

import jinja2
import jinja2.meta
import msgspec

from banyan.channel.web.portal import Portal
from banyan.cli import main
from banyan.kernel.catalogue import FaceAnswer, FaceRequest, View
from banyan.settings import STANDARD_SERVICES

HEADER: Final = "X-Template"
PACKAGES: Final = Path(__file__).parents[2] / "src"

seen: set[str] = set()
"""Templates that axe found nothing wrong with in this process; what they include or extend is not named."""


def mark() -> None:
    """Every page says from now on what it was made of."""
    render = Portal.render

    def marked(self: Portal, request: FaceRequest, view: View) -> FaceAnswer:
        answer = render(self, request, view)
        return msgspec.structs.replace(answer, headers=(*answer.headers, (HEADER, view.template)))

    Portal.render = marked  # type: ignore[method-assign]


@cache
def every() -> dict[str, Path]:
    """The templates of the house, called as the portal calls them."""
    from banyan.node import plug

    names = {service.package: f"{service.name}/" for service in plug(STANDARD_SERVICES)}
    names["banyan.channel.web"] = ""
    found: dict[str, Path] = {}
    for path in sorted(PACKAGES.glob("banyan/**/templates/*.html")):
        package = ".".join(path.parents[1].relative_to(PACKAGES).parts)
        found[names.get(package, package.rpartition(".")[2] + "/") + path.name] = path
    return found


def within(names: Iterable[str]) -> set[str]:
    """These templates, with all that they extend, include and import."""
    known, found, waiting = every(), set[str](), list(names)
    while waiting:
        name = waiting.pop()
        if name in found or name not in known:
            continue
        found.add(name)
        parsed = jinja2.Environment().parse(known[name].read_text(encoding="utf-8"))
        waiting += [one for one in jinja2.meta.find_referenced_templates(parsed) if one]
    return found


def missing() -> list[str]:
    """Templates that no test of this run has shown to axe."""
    return sorted(set(every()) - within(seen))


if __name__ == "__main__":
    mark()
    sys.exit(main(sys.argv[1:]))
