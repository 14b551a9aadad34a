"""Publishing: what is served afterwards, what is refused, what is left behind."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
from collections.abc import Awaitable, Callable
from pathlib import Path

import duckdb
import pytest
from tests.make import shared_data
from tests.service.opendata.workshop import MASKS, Workshop, plain, workshop

from banyan.errors import Problem
from banyan.kernel.events import feed
from banyan.kernel.storage import Tx
from banyan.limits import PUBLISH_KEY_DAYS
from banyan.service.opendata import publish, registry, uploads
from banyan.service.opendata.ingest import Options
from banyan.service.opendata.model import Change
from banyan.service.opendata.publish import JobId, JobQuery, Publish

STOCK = "code,name,count\n0101,甲藥局,5\n0102,乙藥局,0\n0103,丙藥局,9\n"


def in_workshop(folder: Path, job: Callable[[Workshop], Awaitable[None]]) -> None:
    async def run() -> None:
        async with workshop(folder) as shop:
            await job(shop)

    asyncio.run(run())


def oracle(before: bytes, after: bytes) -> Change:
    """The difference of two mask lists, in plain Python: rows by code, cells in order of columns.

    The last column is the file's time where all rows say the same: that is no change of a row.
    """

    def rows(content: bytes) -> dict[str, list[str]]:
        reader = csv.reader(io.StringIO(content.decode("utf-8-sig")))
        next(reader)
        return {row[0]: [cell.strip() for cell in row[1:]] for row in reader if row}

    old, new = rows(before), rows(after)
    if all(len({row[-1] for row in side.values()}) == 1 for side in (old, new)):
        old, new = ({code: row[:-1] for code, row in side.items()} for side in (old, new))
    both = old.keys() & new.keys()
    changed = sum(old[code] != new[code] for code in both)
    return Change(len(new.keys() - old.keys()), changed, len(old.keys() - new.keys()), len(both) - changed)


def test_the_seven_mask_lists_are_one_dataset(tmp_path: Path) -> None:
    contents = [plain(shared_data(f"supplies/raw/maskdata_{stamp}.csv.gz")) for stamp in MASKS]

    async def job(shop: Workshop) -> None:
        for stamp, content in zip(MASKS, contents, strict=True):
            await shop.publish(content, f"maskdata_{stamp}.csv")
        resource, served = await shop.served("maskdata")
        assert served.number == 7
        versions = await shop.db.sql.read(lambda tx: registry.versions_of(tx, resource.id, limit=10))
        by_number = {version.number: version for version in versions}
        for number in range(2, 8):
            change, expected = by_number[number].change, oracle(contents[number - 2], contents[number - 1])
            assert change is not None
            counts = (change.added, change.changed, change.gone, change.same)
            assert counts == (expected.added, expected.changed, expected.gone, expected.same), number
        renamed = by_number[4].change
        assert renamed is not None
        assert renamed.columns_renamed == (("成人口罩總剩餘數", "成人口罩剩餘數"),)
        adult = next(column for column in served.columns if column.name == "成人口罩剩餘數")
        assert adult.aliases == ("成人口罩總剩餘數",)
        assert resource.key == ("醫事機構代碼",)
        for number, content in enumerate(contents, 1):
            sha256 = by_number[number].source.sha256
            assert shop.db.blobs.path(sha256).read_bytes() == content
        assert shop.leftovers() == []

    in_workshop(tmp_path, job)


def test_the_same_bytes_again_make_no_version_and_renew_the_time(tmp_path: Path) -> None:
    async def job(shop: Workshop) -> None:
        first = await shop.publish(STOCK)
        shop.now += 60
        again = await shop.publish(STOCK)
        assert first.created
        assert first.tables[0].is_new
        assert not again.tables[0].is_new
        _, served = await shop.served()
        assert served.number == 1
        assert served.as_of >= shop.now
        assert await shop.topics() == ["version.published", "version.renewed"]

    in_workshop(tmp_path, job)


def test_the_same_bytes_with_another_decision_are_another_version(tmp_path: Path) -> None:
    async def job(shop: Workshop) -> None:
        await shop.publish(STOCK)
        await shop.publish(STOCK, options=Options(types={"count": "text"}))
        _, served = await shop.served()
        assert served.number == 2
        assert served.change is not None
        assert served.change.columns_retyped == (("count", "integer", "text"),)

    in_workshop(tmp_path, job)


def test_decisions_are_remembered_for_the_next_file(tmp_path: Path) -> None:
    async def job(shop: Workshop) -> None:
        await shop.publish(STOCK, options=Options(types={"count": "text"}, key=("code",)))
        await shop.publish(STOCK.replace("5", "6"))
        resource, served = await shop.served()
        assert served.number == 2
        assert [column.type for column in served.columns if column.name == "count"] == ["text"]
        assert resource.key == ("code",)

    in_workshop(tmp_path, job)


def test_a_renamed_column_takes_its_decision_along(tmp_path: Path) -> None:
    async def job(shop: Workshop) -> None:
        await shop.publish(STOCK, options=Options(types={"count": "text"}))
        await shop.publish(STOCK.replace("count", "counts").replace("9", "8"))
        _, served = await shop.served()
        column = next(column for column in served.columns if column.name == "counts")
        assert (column.type, column.aliases) == ("text", ("count",))

    in_workshop(tmp_path, job)


def test_a_file_without_the_chosen_key_is_refused(tmp_path: Path) -> None:
    async def job(shop: Workshop) -> None:
        await shop.publish(STOCK, options=Options(key=("code",)))
        with pytest.raises(Problem) as refused:
            await shop.publish("name,count,place\n甲藥局,5,北\n乙藥局,0,南\n")
        assert (refused.value.kind, refused.value.status) == ("column-lost", 409)
        assert (await shop.served())[1].number == 1
        assert shop.leftovers() == []

    in_workshop(tmp_path, job)


def test_another_table_under_the_same_name_is_refused_unless_accepted(tmp_path: Path) -> None:
    other = "river,level\n淡水河,1.5\n大漢溪,2.5\n"

    async def job(shop: Workshop) -> None:
        await shop.publish(STOCK)
        with pytest.raises(Problem) as refused:
            await shop.publish(other)
        assert refused.value.kind == "another-table"
        await shop.publish(other, accept=("columns",))
        assert (await shop.served())[1].number == 2
        await shop.publish(STOCK, add=True)
        assert [resource.version for resource in (await shop.dataset()).resources] == [2, 1]

    in_workshop(tmp_path, job)


def test_keys_are_forgotten_after_their_days(tmp_path: Path) -> None:
    async def job(shop: Workshop) -> None:
        for key, days in (("k1", 0.0), ("k2", PUBLISH_KEY_DAYS - 1.0), ("k3", 1.5)):
            shop.now += days * 86_400
            await shop.publish(STOCK, idempotency_key=key)

        def known(tx: Tx) -> list[str]:
            keys = ("k1", "k2", "k3")
            return [key for key in keys if tx.row(registry.SQL["publish_key"], idempotency_key=key) is not None]

        assert await shop.db.sql.read(known) == ["k2", "k3"]

    in_workshop(tmp_path, job)


def test_a_retry_under_its_key_gets_the_first_answer(tmp_path: Path) -> None:
    async def job(shop: Workshop) -> None:
        first = await shop.publish(STOCK, idempotency_key="k1")
        await shop.publish(STOCK.replace("9", "8"))
        again = await shop.publish(STOCK, idempotency_key="k1")
        assert again == first
        assert (await shop.served())[1].number == 2
        with pytest.raises(Problem) as refused:
            await shop.publish(STOCK + "0104,丁藥局,1\n", idempotency_key="k1")
        assert refused.value.kind == "key-reused"

    in_workshop(tmp_path, job)


def test_two_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    async def job(shop: Workshop) -> None:
        contents = [STOCK + f"0{200 + n},新藥局{n},{n}\n" for n in range(4)]
        await asyncio.gather(*(shop.publish(content, title=f"藥局 {n}") for n, content in enumerate(contents)))
        resource, served = await shop.served()
        assert served.number == 4
        versions = await shop.db.sql.read(lambda tx: registry.versions_of(tx, resource.id, limit=10))
        hashes = {version.source.sha256 for version in versions}
        assert hashes == {hashlib.sha256(content.encode()).hexdigest() for content in contents}
        assert [version.number for version in versions] == [4, 3, 2, 1]

    in_workshop(tmp_path, job)


def test_a_cancel_leaves_nothing(tmp_path: Path) -> None:
    big = "code,value\n" + "".join(f"{n},{n * 7}\n" for n in range(400_000))

    async def job(shop: Workshop) -> None:
        await shop.publish(STOCK)
        ask = Publish(file=shop.offer(big.encode()), filename="stock.csv", accept=("columns",))
        view = await publish.begin_publish(shop.ctx(), ask)
        while view.state not in ("reading", "done", "failed"):
            view = await publish.publish_progress(shop.ctx(), JobQuery(view.job, wait_s=5))
        view = await publish.cancel_publish(shop.ctx(), JobId(view.job))
        assert view.state == "cancelled"
        assert view.refusal is not None
        assert shop.leftovers() == []
        assert (await shop.served())[1].number == 1
        assert not shop.db.blobs.has(hashlib.sha256(big.encode()).hexdigest())
        assert len(list(shop.db.lake.keys())) == 1
        await shop.publish(STOCK.replace("5", "4"))
        assert (await shop.served())[1].number == 2

    in_workshop(tmp_path, job)


def test_progress_ends_with_the_page(tmp_path: Path) -> None:
    async def job(shop: Workshop) -> None:
        view = await publish.begin_publish(shop.ctx(), Publish(file=shop.offer(STOCK.encode()), filename="stock.csv"))
        states = [view.state]
        while view.state not in ("done", "failed"):
            view = await publish.publish_progress(shop.ctx(), JobQuery(view.job, wait_s=5))
            states.append(view.state)
        assert view.published is not None
        assert view.published.page == "/dataset/stock"
        assert states[-1] == "done"

    in_workshop(tmp_path, job)


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02\xff" * 50, b"<html><body>503</body></html>"])
def test_a_bad_file_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    async def job(shop: Workshop) -> None:
        await shop.publish(STOCK)
        with pytest.raises(Problem) as refused:
            await shop.publish(content)
        assert refused.value.title
        assert refused.value.remedy
        assert refused.value.status < 500
        assert (await shop.served())[1].number == 1
        assert shop.leftovers() == []

    in_workshop(tmp_path, job)


def test_events_carry_the_keys_and_rows_that_changed(tmp_path: Path) -> None:
    async def job(shop: Workshop) -> None:
        await shop.publish(STOCK)
        await shop.publish("code,name,count\n0101,甲藥局,4\n0103,丙藥局,9\n0104,丁藥局,7\n")
        event = (await feed.read(shop.db.sql, 0))[-1]
        assert event.topic == "version.published"
        assert event.subject == "stock"
        import msgspec

        from banyan.service.opendata.committing import VersionEvent

        told = msgspec.json.decode(event.data, type=VersionEvent).delta
        assert told.key == ("code",)
        assert (told.added, told.changed, told.gone) == ((("0104",),), (("0101",),), (("0102",),))
        assert told.rows == (("0101", "甲藥局", "4"), ("0104", "丁藥局", "7"))
        assert told.is_whole

    in_workshop(tmp_path, job)


def test_published_cells_are_the_files(tmp_path: Path) -> None:
    async def job(shop: Workshop) -> None:
        await shop.publish(STOCK, agency="花蓮縣衛生局", tags=("藥局", "口罩"))
        _, served = await shop.served()
        parquet = shop.db.lake.path(served.parquet)
        with duckdb.connect() as connection:
            rows = connection.execute("SELECT code, name, count FROM read_parquet(?) ORDER BY _id", [str(parquet)])
            assert rows.fetchall() == [("0101", "甲藥局", 5), ("0102", "乙藥局", 0), ("0103", "丙藥局", 9)]
        dataset = await shop.dataset()
        agencies = await shop.db.sql.read(registry.all_agencies)
        assert [(agency.title, count) for agency, count in agencies] == [("花蓮縣衛生局", 1)]
        assert dataset.agency_id == agencies[0][0].id
        assert shop.db.index.search("口罩")[0].id == dataset.id

    in_workshop(tmp_path, job)


def test_a_file_can_be_kept_as_it_is(tmp_path: Path) -> None:
    async def job(shop: Workshop) -> None:
        published = await shop.publish(b"%PDF-1.7 not a table", "manual.pdf", as_file=True)
        dataset = await shop.dataset("manual")
        resource = dataset.resources[0]
        assert published.resource_id == resource.id
        assert (resource.format, resource.version, resource.is_table) == ("PDF", 0, False)
        assert shop.db.blobs.path(resource.hash).read_bytes() == b"%PDF-1.7 not a table"

    in_workshop(tmp_path, job)


def test_a_publish_takes_tickets_not_paths(tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text(STOCK)

    async def job(shop: Workshop) -> None:
        for name in (str(secret), "../secret.csv", "secret.csv"):
            with pytest.raises(Problem) as refused:
                await publish.publish(shop.ctx(), Publish(file=name, filename="a.csv"))
            assert refused.value.status == 404
        assert uploads.path_of(str(secret)) is None

    in_workshop(tmp_path / "drawer", job)
