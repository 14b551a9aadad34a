"""Rights to call: which methods on which paths of a service a client has. Source: X-Road PR-MREST, UG-SS s6.

A right on the whole service is method `*`, path `**`. Nothing granted is nothing allowed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from banyan.errors import Invalid
from banyan.wire.xroad.codes import Code, Origin
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.globs import ANYTHING, Glob
from banyan.wire.xroad.paths import Judged, judged
from banyan.wire.xroad.target import VERBS

ANY_METHOD: Final = "*"


class Endpoint(msgspec.Struct, frozen=True, order=True):
    """As a directory writes it, and as `listMethods` shows it. `path` is a pattern on the decoded path."""

    method: str = ANY_METHOD
    path: str = ANYTHING


class Rights:
    """The compiled rights of one client on one service. Raises Invalid: a method that is none, a pattern too long."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._of: dict[str, list[Glob]] = {verb: [] for verb in VERBS}
        self.endpoints = tuple(endpoints)
        for endpoint in self.endpoints:
            glob = Glob(endpoint.path)
            if endpoint.method == ANY_METHOD:
                for globs in self._of.values():
                    globs.append(glob)
            elif endpoint.method in VERBS:
                self._of[endpoint.method].append(glob)
            else:
                raise Invalid.at("method", f"Use * or one of {', '.join(sorted(VERBS))}.")

    def allow(self, method: str, path: Judged) -> bool:
        """Whether each reading of `path` is granted for `method`."""
        globs = self._of.get(method, ())
        for text in path.readings:  # generators cost three times as much here
            for glob in globs:
                if glob.matches(text):
                    break
            else:
                return False
        return True


def checked_path(rights: Rights, method: str, path: bytes) -> bytes:
    """The path to ask of the provider. Raises Fault: AccessDenied, or InvalidRequest for a path that climbs or hides.

    `path` is `Target.path`. The refusal does not tell a wrong path from one that another client may call.
    """
    way = judged(path)
    if not rights.allow(method, way):
        fix = "Ask the provider to grant this method and path to your subsystem."
        message = "The client has no right to this request."
        raise Fault(Origin.SERVER_PROXY, Code.ACCESS_DENIED, message=message, field="X-Road-Client", fix=fix)
    return way.forwarded
