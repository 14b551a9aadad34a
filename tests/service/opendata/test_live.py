"""Live sources: news come in, a bad source never replaces a good version, and its trouble is told with its age."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest
from tests.service.opendata.workshop import Workshop, workshop

from banyan.errors import Denied, Problem
from banyan.kernel.events import EpochS, Event, timers
from banyan.kernel.identity.caller import Caller
from banyan.service.opendata import datasets, live, publish, registry, versions
from banyan.service.opendata.datasets import DatasetQuery
from banyan.service.opendata.desk import FetchRules, set_rules
from banyan.service.opendata.export import entry
from banyan.service.opendata.find.operation import FindDatasets, find_datasets
from banyan.service.opendata.live import Follow, FollowNow
from banyan.service.opendata.model import Live
from banyan.service.opendata.publish import Publish
from banyan.service.opendata.versions import ResourceQuery

HEAD = "code,name,count\n"


def rows(count: int, value: int = 1) -> str:
    return HEAD + "".join(f"A{n:03d},藥局{n},{value}\n" for n in range(count))


class Source:
    """A web server whose one file a test changes; `broken` cuts it off half-way."""

    def __init__(self) -> None:
        self.body = rows(20).encode()
        self.status = 200
        self.broken = False
        self.redirect = ""
        self.asked: list[str] = []
        self.url = ""

    @property
    def etag(self) -> str:
        return f'"{hash(self.body)}"'


@contextmanager
def a_source() -> Iterator[Source]:
    source = Source()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            source.asked.append(self.headers.get("If-None-Match", ""))
            if source.redirect:
                self.send_response(302)
                self.send_header("Location", source.redirect)
                self.end_headers()
                return
            if self.headers.get("If-None-Match") == source.etag:
                self.send_response(304)
                self.end_headers()
                return
            self.send_response(source.status)
            self.send_header("Content-Length", str(len(source.body)))
            self.send_header("ETag", source.etag)
            self.end_headers()
            self.wfile.write(source.body[: len(source.body) // 2] if source.broken else source.body)

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    source.url = f"http://127.0.0.1:{server.server_port}/stock.csv"
    try:
        yield source
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def in_workshop(folder: Path, job: Callable[[Workshop], Awaitable[None]]) -> None:
    async def run() -> None:
        async with workshop(folder) as shop:
            await job(shop)

    asyncio.run(run())


KEY = "CWA-00000000-SECRET"
ADMINISTRATOR = Caller(kind="administrator", id="administrator")


def test_neither_folder_nor_key_of_a_source_is_told(tmp_path: Path) -> None:
    async def job(shop: Workshop) -> None:
        watched = tmp_path / "behind" / "stock.csv"
        watched.parent.mkdir()
        watched.write_text(rows(20))
        set_rules(shop.db, FetchRules(allow_private=True, watch_folders=(watched.parent,)))
        with a_source() as source:
            asked = f"{source.url}?Authorization={KEY}&format=CSV"
            await publish.publish(shop.ctx(), Publish(url=asked, live_s=10))
            resource, served = await shop.served()
            assert served.source.url == f"{source.url}?Authorization=…&format=CSV"
            for followed in (asked, str(watched)):
                await live.follow(shop.ctx(), Follow(resource.id, followed, 10))
                kept = await versions.resource(shop.ctx(ADMINISTRATOR), ResourceQuery(resource.id))
                assert kept.resource.live is not None
                assert kept.resource.live.source == followed
                told = [
                    await versions.resource(shop.citizen, ResourceQuery(resource.id)),
                    await datasets.dataset(shop.citizen, DatasetQuery("stock")),
                    await entry.entry(shop.citizen, entry.EntryQuery("stock")),
                    await entry.entries(shop.citizen, entry.EntriesQuery()),
                    await find_datasets(shop.citizen, FindDatasets()),
                ]
                said = msgspec.json.encode(told).decode()
                assert KEY not in said
                assert "behind" not in said
                assert "stock.csv" in said

    in_workshop(tmp_path, job)


async def look(shop: Workshop) -> Live:
    """One look, ten seconds later; what is known of the source then."""
    shop.now = EpochS(shop.now + 10)
    resource = (await shop.dataset()).resources[0]
    await live.look_at(shop.ctx(), resource.id)
    after = (await shop.dataset()).resources[0].live
    assert after is not None
    return after


def test_a_url_is_followed(tmp_path: Path) -> None:
    async def job(shop: Workshop) -> None:
        set_rules(shop.db, FetchRules(allow_private=True))
        with a_source() as source:
            await publish.publish(shop.ctx(), Publish(url=source.url, live_s=10))
            assert (await look(shop)).failures == 0
            assert source.asked[-1] == source.etag, "it asks only for news"
            assert (await shop.served())[1].number == 1
            source.body = rows(21, 2).encode()
            await look(shop)
            resource, served = await shop.served()
            assert served.number == 2
            assert served.change is not None
            assert (served.change.added, served.change.changed) == (1, 20)
            assert served.source.url == source.url
            assert resource.live is not None
            answer = await versions.resource(shop.citizen, ResourceQuery(resource.id))
            assert answer.freshness == "fresh"
            assert await shop.db.sql.read(timers.next_at) == shop.now + 10

    in_workshop(tmp_path, job)


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        ("broken", "source.failed"),
        ("status", "source.failed"),
        ("empty", "source.failed"),
        ("html", "source.failed"),
        ("shrunk", "source.held"),
        ("other columns", "source.held"),
        ("a column gone", "source.held"),
    ],
)
def test_a_bad_source_never_replaces_a_good_version(tmp_path: Path, bad: str, kind: str) -> None:
    async def job(shop: Workshop) -> None:
        set_rules(shop.db, FetchRules(allow_private=True))
        with a_source() as source:
            await publish.publish(shop.ctx(), Publish(url=source.url, live_s=10))
            _break(source, bad)
            first = await look(shop)
            second = await look(shop)
            assert (first.failures, second.failures) == (1, 2)
            assert second.error
            resource, served = await shop.served()
            assert served.number == 1
            assert shop.leftovers() == []
            told = [topic for topic in await shop.topics() if topic.startswith("source.")]
            assert len(told) == 1, "said once, not at every look"
            assert told[0] in (kind, "source.held")
            due = await shop.db.sql.read(timers.next_at)
            assert due is not None
            assert due == shop.now + 40, "backed off"
            shop.now = EpochS(shop.now + 1000)
            answer = await versions.resource(shop.citizen, ResourceQuery(resource.id))
            assert answer.freshness == "stale"
            source.broken, source.status, source.body = False, 200, rows(22).encode()
            assert (await look(shop)).failures == 0
            assert (await shop.served())[1].number == 2
            assert (await shop.topics())[-1] == "source.recovered"

    in_workshop(tmp_path, job)


def _break(source: Source, bad: str) -> None:
    source.body = {
        "broken": rows(30),
        "status": rows(30),
        "empty": "",
        "html": "<html><body><h1>503</h1></body></html>",
        "shrunk": rows(5),
        "other columns": "river,level\n" + "淡水河,1.5\n" * 20,
        "a column gone": "code,count\n" + "".join(f"A{n:03d},{n}\n" for n in range(20)),
    }[bad].encode()
    source.broken = bad == "broken"
    source.status = 503 if bad == "status" else 200


def test_the_timer_looks_and_sets_itself_again(tmp_path: Path) -> None:
    async def job(shop: Workshop) -> None:
        set_rules(shop.db, FetchRules(allow_private=True))
        with a_source() as source:
            await publish.publish(shop.ctx(), Publish(url=source.url, live_s=10))
            source.body = rows(21).encode()
            shop.now = EpochS(shop.now + 10)
            (timer,) = await timers.claim(shop.db.sql, now=shop.now, lease_s=60)
            event = Event(topic=timer.name, subject=timer.key, data=msgspec.Raw(b"null"))
            await asyncio.gather(live.due(shop.ctx(), event), live.due(shop.ctx(), event))
            assert not await shop.db.sql.write(lambda tx: timers.done(tx, timer)), "it set itself anew"
            while (await shop.served())[1].number < 2 or await shop.db.sql.read(timers.next_at) != shop.now + 10:
                await asyncio.sleep(0.01)
            assert len(source.asked) == 2, "one look at a time"

    in_workshop(tmp_path, job)


def test_what_is_held_back_can_be_accepted(tmp_path: Path) -> None:
    async def job(shop: Workshop) -> None:
        set_rules(shop.db, FetchRules(allow_private=True))
        with a_source() as source:
            await publish.publish(shop.ctx(), Publish(url=source.url, live_s=10))
            source.body = rows(5).encode()
            assert (await look(shop)).failures == 1
            resource, _ = await shop.served()
            after = await live.follow_now(shop.ctx(), FollowNow(resource.id, accept=("shrunk",)))
            assert after.live is not None
            assert after.live.failures == 0
            assert (await shop.served())[1].rows == 5

    in_workshop(tmp_path, job)


def test_a_watched_file_is_read_when_it_stands_still(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    file = folder / "stock.csv"
    file.write_text(rows(20))

    async def job(shop: Workshop) -> None:
        set_rules(shop.db, FetchRules(watch_folders=(folder,)))
        await shop.publish(rows(20))
        resource, _ = await shop.served()
        await live.follow(shop.ctx(), Follow(resource.id, str(file), 60))
        await look(shop)
        await look(shop)
        assert (await shop.served())[1].number == 1, "the same content"
        file.write_text(rows(15))  # a writer half-way
        await look(shop)
        due = await shop.db.sql.read(timers.next_at)
        assert due is not None
        assert due <= shop.now + 2, "looked at again soon"
        file.write_text(rows(20, 7))
        await look(shop)
        assert (await shop.served())[1].number == 1, "it changed between the looks"
        await look(shop)
        assert (await shop.served())[1].number == 2
        await look(shop)
        assert (await shop.served())[1].number == 2
        file.unlink()
        assert (await look(shop)).failures == 1
        assert (await shop.served())[1].number == 2

    in_workshop(tmp_path / "drawer", job)


def test_only_allowed_folders_are_watched(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (tmp_path / "secret.csv").write_text(rows(3))
    (folder / "link.csv").symlink_to(tmp_path / "secret.csv")

    async def job(shop: Workshop) -> None:
        set_rules(shop.db, FetchRules(watch_folders=(folder,)))
        await shop.publish(rows(20))
        resource, _ = await shop.served()
        for source in (tmp_path / "secret.csv", folder / ".." / "secret.csv", folder / "link.csv", Path("/etc/passwd")):
            with pytest.raises(Denied):
                await live.follow(shop.ctx(), Follow(resource.id, str(source), 60))

    in_workshop(tmp_path / "drawer", job)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/x.csv",
        "http://localhost:1/x.csv",
        "http://[::1]:1/x.csv",
        "http://[::ffff:127.0.0.1]:1/x.csv",
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/x.csv",
        "http://192.168.1.1/x.csv",
        "http://0.0.0.0:1/x.csv",
        "http://2130706433:1/x.csv",
        "ftp://127.0.0.1/x.csv",
        "file:///etc/passwd",
        "http://user:secret@127.0.0.1/x.csv",
    ],
)
def test_inner_addresses_are_refused(tmp_path: Path, url: str) -> None:
    async def job(shop: Workshop) -> None:
        with pytest.raises(Problem) as refused:
            await publish.publish(shop.ctx(), Publish(url=url))
        assert refused.value.kind in ("private", "address", "no-host")
        assert "secret" not in refused.value.title

    in_workshop(tmp_path, job)


def test_a_redirect_is_checked_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from banyan.service.opendata import fetch

    async def job(shop: Workshop) -> None:
        with a_source() as source:
            source.redirect = "http://169.254.169.254/latest/meta-data"
            # Only the source itself counts as public here, so that the redirect is what gets refused.
            public = fetch._is_public
            monkeypatch.setattr(fetch, "_is_public", lambda address: address == "127.0.0.1" or public(address))
            with pytest.raises(Problem) as refused:
                await publish.publish(shop.ctx(), Publish(url=source.url))
            assert refused.value.kind == "private"
            source.redirect = source.url
            with pytest.raises(Problem) as turned:
                await publish.publish(shop.ctx(), Publish(url=source.url))
            assert turned.value.kind == "redirects"

    in_workshop(tmp_path, job)


def test_old_live_versions_are_pruned_with_their_files(tmp_path: Path) -> None:
    async def job(shop: Workshop) -> None:
        set_rules(shop.db, FetchRules(allow_private=True))
        with a_source() as source:
            await publish.publish(shop.ctx(), Publish(url=source.url, live_s=10))
            for value in range(2, 6):
                source.body = rows(20, value).encode()
                await look(shop)
            shop.now = EpochS(shop.now + 3 * 3600)
            source.body = rows(20, 9).encode()
            await look(shop)
            resource, served = await shop.served()
            kept = await shop.db.sql.read(lambda tx: registry.versions_of(tx, resource.id, limit=100))
            assert [version.number for version in kept] == [6, 5, 1], "the first lasts, of the hour the last is kept"
            assert set(shop.db.lake.keys()) == {version.parquet for version in kept}
            assert set(shop.db.blobs.keys()) == {version.source.sha256 for version in kept}
            assert served.number == 6

    in_workshop(tmp_path, job)
