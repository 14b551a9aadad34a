"""Putting the edge's pages and meta-services on a gateway.

install(gateway, Settings(...), archive=messages, operations=monitor)
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from banyan.errors import NotFound
from banyan.kernel.exchange.road.edges import asic, configuration, listing, operations
from banyan.kernel.exchange.road.edges.asic import Containers
from banyan.kernel.exchange.road.edges.configuration import Configuration, ConfSigner
from banyan.kernel.exchange.road.edges.documents import Documents
from banyan.kernel.exchange.road.edges.listing import ListClients
from banyan.kernel.exchange.road.edges.meta import Meta
from banyan.kernel.exchange.road.edges.operations import OperationsDesk, SoapPage
from banyan.kernel.exchange.road.edges.seams import Archive, Operations
from banyan.kernel.exchange.road.gateway import Gateway
from banyan.kernel.exchange.road.model import Answer, Body, Directory, Page, Request, Response
from banyan.kernel.exchange.road.pages import Placed
from banyan.limits_road import EDGES_SOAP_BYTES
from banyan.wire.httpsig.peer import KeyOf
from banyan.wire.xroad.headers import Field
from banyan.wire.xroad.identifiers import ClientId
from banyan.wire.xroad.sharedparams import Authority
from banyan.wire.xroad.target import Target, is_service_call

GOVSTACK = b"/govstack/"


class Settings(msgspec.Struct, frozen=True):
    """`address`: where this gateway's edge is known. `monitors` may read all operational records. `authorities`: the
    CAs of the directory in force."""

    signer: ConfSigner
    address: str
    monitors: frozenset[ClientId] = frozenset()
    authorities: Callable[[], tuple[Authority, ...]] = tuple
    past_keys: KeyOf | None = None
    """Keys that may be over by now: what a container shows of who signed. None: those in force."""


def install(
    gateway: Gateway, settings: Settings, *, archive: Archive | None = None, operations: Operations | None = None
) -> Documents:
    """Before `gateway.start()`, over the directory and the grants that it has then. What is given back is closed when
    the gateway has stopped."""
    around, desk, clock = gateway.desk.around, gateway.desk, gateway.desk.clock
    directory, instance = around.directory, desk.server.instance
    documents = Documents(gateway.settings.spool, clock)
    monitor = None
    if operations is not None:
        monitor = OperationsDesk(desk.server, operations, clock=clock, monitors=settings.monitors)
    around.meta = Meta(around.grants, documents, monitor)
    clients = ListClients(directory, instance)
    conf = Configuration(
        directory,
        instance,
        settings.signer,
        clock=clock,
        address=settings.address,
        authorities=settings.authorities,
    )
    _add(gateway, listing.PATH, clients)
    _add(gateway, listing.GOVSTACK_PATH, clients)
    _add(gateway, configuration.VERIFICATION, conf.verification)
    _add(gateway, configuration.INTERNAL, conf.internal)
    _add(gateway, configuration.FILES, conf.file)
    _add(gateway, GOVSTACK, _Alias(gateway))
    if archive is not None:
        _add(gateway, asic.PATH, Containers(archive, settings.past_keys or directory.keys, gateway.edge.check))
    if monitor is not None:
        _add_soap(gateway, monitor, directory)
    return documents


def _add(gateway: Gateway, path: bytes, page: Page) -> None:
    gateway.pages.add("edge", path, Placed(page))


def _add_soap(gateway: Gateway, monitor: OperationsDesk, page_over: Directory) -> None:
    async def ask(target: Target, fields: tuple[Field, ...], body: Body) -> Answer:
        return await gateway.ask("POST", target, fields, body)

    page = SoapPage(monitor, page_over, ask, gateway.edge.check, spelling=gateway.settings.spelling)
    gateway.pages.add("edge", operations.CONSUMER, Placed(page, most=EDGES_SOAP_BYTES))


class _Alias:
    """GovStack's paths below a prefix of their own: the same calls. A page takes its body before anybody knows whose it
    is, so bodies here are those of a page; larger ones go to /r1/, which reads `X-GovStack-Client` too."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def __call__(self, request: Request) -> Response:
        target = request.target[len(GOVSTACK) - 1 :]
        if not is_service_call(target):
            raise NotFound("There is no such page.", remedy="Call /govstack/r1/... or /govstack/listClients.")
        return await self._gateway.edge.carry(request, target)
