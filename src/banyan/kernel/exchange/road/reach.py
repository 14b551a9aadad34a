"""Which gateway of a member a call goes to, and a connection to it. In which order they are tried: routing.py."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from typing import Protocol

from banyan.kernel.exchange.road.link import Broken, Link, Place, Pool
from banyan.kernel.exchange.road.model import Route
from banyan.wire.xroad.codes import Code, Origin
from banyan.wire.xroad.faults import Fault
from banyan.wire.xroad.identifiers import encoded


class Reach(Protocol):
    async def reach(
        self, routes: Sequence[Route], deadline: float, *, fresh: bool, sticky: str = ""
    ) -> tuple[Route, Link]:
        """An open link to one of `routes`, which shows a certificate of that route. `deadline` by the loop's clock.
        `fresh`: a new connection, for an idle one was closed under the last attempt. What has the same `sticky` goes to
        the same gateway while that one can be reached. Raises Fault: NetworkError, or SslAuthenticationFailed when a
        gateway answered and is not who the directory says."""

    def ended(self, route: Route, link: Link, error: Exception | None) -> None:
        """The call over this link ended, with an answer or with `error`; the link goes back to the pool."""


def idle_link(pool: Pool, route: Route) -> Link | None:
    """An idle link whose certificate the directory still vouches for."""
    while (link := pool.idle(Place(route.host, route.port))) is not None:
        if link.certificate in route.certificates:
            return link
        link.abort()
    return None


async def pinned_link(pool: Pool, route: Route, deadline: float) -> Link:
    """A new connection. Raises OSError, or Fault(SslAuthenticationFailed): another certificate than the directory's."""
    link = await pool.connect(Place(route.host, route.port), deadline, route.certificates)
    if link.certificate in route.certificates:
        return link
    link.abort()
    raise not_who(route)


def authority_of(route: Route) -> str:
    """What is signed as `@authority`: the Host of a request to it."""
    return f"[{route.host}]:{route.port}" if ":" in route.host else f"{route.host}:{route.port}"


def not_who(route: Route) -> Fault:
    message = f"The gateway {encoded(route.server)} shows a certificate that the directory does not have."
    fix = "Its operator publishes the certificate in the directory, or shows the one that stands there."
    return Fault(Origin.CLIENT_PROXY, Code.SSL_AUTH_FAILED, message=message, fix=fix)


def unreachable(routes: Sequence[Route], error: Exception | None) -> Fault:
    """Of all `routes`."""
    if isinstance(error, Fault):
        return error
    names = ", ".join(sorted({encoded(route.server) for route in routes}))
    if isinstance(error, ssl.SSLError):
        message = f"TLS with the gateway {names} failed."
        fix = "Compare the certificates of both gateways with the directory: ./banyan exchange doctor."
        return Fault(Origin.CLIENT_PROXY, Code.SSL_AUTH_FAILED, message=message, fix=fix)
    what = "did not answer in time" if isinstance(error, Broken) and error.is_late else "cannot be reached"
    fix = "Try again; if it lasts, its operator checks that it runs, at its address in the directory, and that its "
    fix += "directory has the certificate of this gateway."
    return Fault(Origin.CLIENT_PROXY, Code.NETWORK_ERROR, message=f"The gateway {names} {what}.", fix=fix)
