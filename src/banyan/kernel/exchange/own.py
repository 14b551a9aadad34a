"""The node's own routes: health, metrics, the change feed, the API's description, and what a problem kind means."""

from __future__ import annotations

import asyncio
import os
import resource
from collections.abc import Mapping
from functools import lru_cache

import msgspec

from banyan.errors import Denied, Invalid, NotFound
from banyan.kernel.catalogue.messages import LANGUAGES
from banyan.kernel.catalogue.operation import Face, FaceAnswer, FaceRequest
from banyan.kernel.exchange.deadline import Deadlines
from banyan.kernel.exchange.describe import api_document
from banyan.kernel.exchange.explain import MESSAGES
from banyan.kernel.exchange.feeds import Feeds
from banyan.kernel.exchange.gate import Gate
from banyan.kernel.exchange.record import AccessRecord
from banyan.kernel.exchange.settings import DoorSettings
from banyan.kernel.exchange.touchpoint import cloud_event
from banyan.kernel.ledger.usage import OpenUsage
from banyan.limits import READY_TIME_S
from banyan.wire.cloudevents import BATCH_MEDIA_TYPE, encode_batch

_ANY = {"allow": "…", "seconds": "…", "accepted": "…"}
"""Stands for what a case fills in."""


class Own:
    """Answers the node's own routes."""

    def __init__(
        self, gate: Gate, feeds: Feeds, record: AccessRecord, deadlines: Deadlines, settings: DoorSettings
    ) -> None:
        self._gate = gate
        self._server = settings.public_url or "/"
        self._member = settings.member
        self._feeds = feeds
        self._record = record
        self._deadlines = deadlines
        self._described = lru_cache(maxsize=len(LANGUAGES))(api_document)

    def faces(self) -> list[Face]:
        return [
            Face(("GET",), "/health", self.health),
            Face(("GET",), "/ready", self.ready),
            Face(("GET",), "/metrics", self.metrics),
            Face(("GET",), "/openapi.json", self.openapi),
            Face(("GET",), "/problems/{kind}", self.problem),
            Face(("GET",), "/touchpoints", self.touchpoints),
            Face(("GET",), "/api/feed", self._feeds.page),
            Face(("GET",), "/api/feed/stream", self._feeds.stream, rate="stream"),
        ]

    async def health(self, request: FaceRequest) -> FaceAnswer:
        """The process lives and its loop turns."""
        return FaceAnswer(b'{"status":"ok"}', headers=(("Cache-Control", "no-store"),))

    async def ready(self, request: FaceRequest) -> FaceAnswer:
        """Every service's store answers. 503 names those that do not."""
        services = await self._gate.check(READY_TIME_S)
        is_ready = all(services.values())
        body = msgspec.json.encode({"status": "ok" if is_ready else "unavailable", "services": services})
        return FaceAnswer(body, status=200 if is_ready else 503, headers=(("Cache-Control", "no-store"),))

    async def metrics(self, request: FaceRequest) -> FaceAnswer:
        """Prometheus text, for this machine and the administrator."""
        if not getattr(request, "is_local", False) and not request.caller.may_write:
            raise Denied("metrics are for this machine", remedy="read them on the node, or send the token")
        usage = self._gate.usage
        body = self._record.metrics(self._gauges(), usage.counts if isinstance(usage, OpenUsage) else {})
        return FaceAnswer(body, media_type="text/plain; version=0.0.4; charset=utf-8")

    async def touchpoints(self, request: FaceRequest) -> FaceAnswer:
        """The last touchpoints of this process as a CloudEvents batch, for the administrator; `after` is a number."""
        if not request.caller.may_write:
            raise Denied("touchpoints are for the administrator", remedy="send the administrator token")
        after = dict(request.query).get("after", "0")
        if not (after.isascii() and after.isdigit()):
            raise Invalid.at("after", "a number")
        recent = self._gate.touchpoints.recent(int(after))
        body = encode_batch([cloud_event(touch, self._member) for touch in recent])
        return FaceAnswer(body, media_type=BATCH_MEDIA_TYPE)

    def _gauges(self) -> Mapping[str, float]:
        used = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "requests_in_flight": len(self._deadlines),
            "feed_readers": self._feeds.readers,
            "process_cpu_seconds": used.ru_utime + used.ru_stime,
            "process_max_resident_bytes": used.ru_maxrss * 1024.0,
            "process_open_files": float(len(os.listdir("/proc/self/fd"))),
            "loop_tasks": float(len(asyncio.all_tasks())),
        }

    async def openapi(self, request: FaceRequest) -> FaceAnswer:
        body = self._described(self._gate.catalogue, self._server, request.lang)
        return FaceAnswer(body, headers=(("Vary", "Accept-Language, Cookie"),))

    async def problem(self, request: FaceRequest) -> FaceAnswer:
        """What a kind of problem means (the `type` of RFC 9457 leads here)."""
        kind = request.params["kind"]
        if f"kind.{kind}" not in MESSAGES:
            raise NotFound(f"no problem kind {kind}")
        remedy = f"remedy.{kind}"
        said = {
            "kind": kind,
            "title": {lang: MESSAGES.text(f"kind.{kind}", lang) for lang in LANGUAGES},
            "remedy": {lang: MESSAGES.text(remedy, lang, **_ANY) for lang in LANGUAGES} if remedy in MESSAGES else {},
        }
        return FaceAnswer(msgspec.json.encode(said))
