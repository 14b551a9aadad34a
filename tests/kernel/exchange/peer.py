"""A peer over plain loopback HTTP: the fake behind `Remote` that passes the gate's contract test.

The envelope travels in headers; the signed leg (RFC 9421) replaces exactly this file's wire.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import urllib3

from banyan.errors import Problem, Unavailable
from banyan.kernel.catalogue import FaceAnswer, FaceRequest, Operation, Service
from banyan.kernel.exchange import Envelope, Gate, Refused
from banyan.kernel.policy import Decision
from banyan.limits import REMOTE_TIME_S


class Trouble(msgspec.Struct, frozen=True):
    """A problem on its way between two gates."""

    status: int
    kind: str
    title: str
    remedy: str
    decision: Decision | None = None


class LoopbackPeer:
    """A `Remote` that posts to another node's `/peer/{operation}`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool = urllib3.PoolManager(timeout=REMOTE_TIME_S, retries=False)

    async def call(self, operation: Operation, request: msgspec.Struct, envelope: Envelope) -> Any:
        headers = {"X-Envelope": msgspec.json.encode(envelope).decode(), "Content-Type": "application/json"}
        body = msgspec.json.encode(request)
        try:
            reply = await asyncio.to_thread(
                self._pool.request, "POST", f"{self._url}/peer/{operation.id}", body=body, headers=headers
            )
        except urllib3.exceptions.HTTPError:
            raise Unavailable("the peer does not answer", remedy="try again later") from None
        if reply.status == 200:
            return msgspec.json.decode(reply.data, type=operation.answer)
        trouble = msgspec.json.decode(reply.data, type=Trouble)
        if trouble.decision is not None:
            raise Refused(trouble.decision)
        raise problem_of(trouble)

    def close(self) -> None:
        self._pool.clear()


def problem_of(trouble: Trouble) -> Problem:
    """The problem as the same class of the tree."""
    classes = {cls.kind: cls for cls in Problem.__subclasses__()}
    chosen = classes.get(trouble.kind, Problem)
    return chosen(trouble.title, remedy=trouble.remedy, kind=trouble.kind, status=trouble.status)


def peer_face(service: Service, gate_of: list[Gate]) -> Service:
    """Let a node answer its peers; the gate is put into `gate_of` once it is made."""

    @service.face("POST", path="/peer/{operation}")
    async def peer(request: FaceRequest) -> FaceAnswer:
        gate = gate_of[0]
        envelope = msgspec.json.decode(request.header("x-envelope"), type=Envelope)
        operation = gate.catalogue.operation(request.params["operation"])
        asked = msgspec.json.decode(await request.body(1_000_000), type=operation.request)
        try:
            answer = await gate.call(operation.id, asked, caller=envelope.caller, purpose=envelope.purpose)
        except Problem as problem:
            decision = problem.decision if isinstance(problem, Refused) else None
            trouble = Trouble(problem.status, problem.kind, problem.title, problem.remedy, decision)
            return FaceAnswer(msgspec.json.encode(trouble), status=problem.status)
        return FaceAnswer(msgspec.json.encode(answer))

    return service
