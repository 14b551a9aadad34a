"""The demonstration beside a node that serves: its people and orders, its nation, its payments, its hospital."""

from __future__ import annotations

import asyncio
from functools import partial

import uvicorn

from banyan.demo.agencies.law import seed_law
from banyan.demo.agencies.sealed import Keeping
from banyan.demo.agencies.seeding import seed_registers
from banyan.demo.alerts import seed_alerts
from banyan.demo.allocation import seed_allocation
from banyan.demo.casualties import seed_drill
from banyan.demo.draws import seed_draw
from banyan.demo.federation.hosting import seed_grants
from banyan.demo.federation.law import seed_order, seed_road_law
from banyan.demo.federation.seeding import seed_road_registers
from banyan.demo.loan.registering import register_app
from banyan.demo.personas import seed_personas
from banyan.demo.preorders import seed_preorders
from banyan.demo.rationing import seed_rationing
from banyan.demo.tracing import seed_tracing
from banyan.errors import Problem
from banyan.fenced import demonstrate_fence
from banyan.lending import agency_names
from banyan.node import DEMO_FOLDER, Node
from banyan.payhouse import payhouse
from banyan.recordhouse import keep_records
from banyan.terminal import say


async def demonstrate(node: Node, server: uvicorn.Server) -> None:
    """Publish the demonstration nation once the portal answers, and keep its live registers alive."""
    await seed_personas(node.persons)
    await seed_law(node.gate)
    await seed_road_law(node.gate)
    await register_app(node.persons, node.data / DEMO_FOLDER)
    keeping = Keeping(node.scopes, node.lawful.conscience.subject, node.lawful.policy)
    await seed_registers(node.drawers, keeping)
    await seed_road_registers(node.drawers, keeping, node.gate.clock())
    await seed_order(node.gate)
    await seed_rationing(node.gate, node.drawers, keeping, member=node.settings.member)
    await seed_drill(node.gate)
    await seed_alerts(node.gate)
    if node.road is not None:
        await seed_grants(node.gate, {one.id for one in node.road.settings.offers})
    await started(server)
    fenced = partial(demonstrate_fence, node.drawers, node.lawful, node.scopes, agency_names(node.persons))
    fence, traced = fenced(gate=node.gate, notifier=node.notifier), seed_tracing(node.gate)
    await asyncio.gather(_keep_nation(node), seed_draw(node.gate), traced, fence)


async def _keep_nation(node: Node) -> None:
    """Publish the demonstration nation's datasets, then keep its live registers alive."""
    from banyan.demo.seeding import keep_alive, seed_nation

    folder = node.data / DEMO_FOLDER
    if "opendata" not in node.drawers:
        return
    try:
        await seed_nation(node.gate, folder, say=say)
    except Problem as problem:
        say(f"  demonstration nation: {problem.title} {problem.remedy}")
    await asyncio.gather(seed_allocation(node.gate, say=say), keep_alive(folder, clock=node.gate.clock))


async def take_payments(node: Node, server: uvicorn.Server) -> None:
    """The demonstration's payment provider, where node.toml names none, and rounds of preorder to pay for."""
    await started(server)
    if "rationing" not in node.drawers or node.settings.payments.url:
        return
    shop = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    async with payhouse(node.drawers, shop, node.gate.clock) as book:
        try:
            await seed_preorders(node.gate, book, subject=node.lawful.conscience.subject)
        except Problem as problem:
            say(f"  demonstration preorders: {problem.title} {problem.remedy}")
        await asyncio.Event().wait()


async def see_patients(node: Node, server: uvicorn.Server) -> None:
    """The demonstration's travel history and a hospital's record system that asks for it."""
    await started(server)
    port = server.servers[0].sockets[0].getsockname()[1]
    await keep_records(node.gate, port, subject=node.lawful.conscience.subject, say=say)


async def started(server: uvicorn.Server) -> None:
    """Once the server answers."""
    while not server.started:  # noqa: ASYNC110 - uvicorn tells it in no other way
        await asyncio.sleep(0.02)
