"""Datasets, agencies, themes, resources: names that redirect, fields that keep, rights, licences, the index."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.service.opendata.workshop import Workshop, workshop

from banyan.errors import Conflict, Invalid, NotFound
from banyan.service.opendata import agencies, datasets, registry, versions
from banyan.service.opendata.agencies import ByName, Everything, SaveAgency, SaveTheme
from banyan.service.opendata.datasets import DatasetQuery, DeleteDataset, ResourceId, SaveDataset, SaveResource
from banyan.service.opendata.slugs import free_slug, plain_name, slug_of_file, stem_of
from banyan.service.opendata.versions import ResourceQuery, VersionQuery, VersionsQuery

STOCK = "code,name,count\n0101,甲藥局,5\n0102,乙藥局,0\n"


def in_workshop(folder: Path, job: Callable[[Workshop], Awaitable[None]]) -> None:
    async def run() -> None:
        async with workshop(folder) as shop:
            await job(shop)

    asyncio.run(run())


def test_a_save_changes_only_what_is_given(tmp_path: Path) -> None:
    async def job(shop: Workshop) -> None:
        await datasets._save_dataset(
            shop.ctx(), SaveDataset(name="water", title="水位", notes="河川水位", tags=("水", "河"))
        )
        shop.now += 1
        saved = await datasets._save_dataset(shop.ctx(), SaveDataset(name="water", title="即時水位"))
        assert (saved.title, saved.notes, saved.tags) == ("即時水位", "河川水位", ("水", "河"))
        assert saved.metadata_modified > saved.metadata_created

    in_workshop(tmp_path, job)


def test_an_old_name_still_leads_there(tmp_path: Path) -> None:
    async def job(shop: Workshop) -> None:
        first = await datasets._save_dataset(shop.ctx(), SaveDataset(name="old-name", title="資料"))
        await datasets._save_dataset(shop.ctx(), SaveDataset(id=first.id, name="new-name"))
        found = await datasets.dataset(shop.citizen, DatasetQuery("old-name"))
        assert (found.id, found.name) == (first.id, "new-name")
        other = await datasets._save_dataset(shop.ctx(), SaveDataset(name="old-name", title="另一", create=False))
        assert other.id == first.id, "the old name still means the first"
        fresh = await datasets._save_dataset(shop.ctx(), SaveDataset(name="third", title="三"))
        with pytest.raises(Conflict):
            await datasets._save_dataset(shop.ctx(), SaveDataset(id=fresh.id, name="new-name"))

    in_workshop(tmp_path, job)


def test_hidden_datasets_are_not_found(tmp_path: Path) -> None:
    async def job(shop: Workshop) -> None:
        await shop.publish(STOCK, private=True)
        resource, _ = await shop.served()
        for call in (
            datasets.dataset(shop.citizen, DatasetQuery("stock")),
            versions.resource(shop.citizen, ResourceQuery(resource.id)),
            versions.version(shop.citizen, VersionQuery(resource.id)),
            versions.versions(shop.citizen, VersionsQuery(resource.id)),
            versions.original(shop.citizen, versions.OriginalQuery(resource.id)),
        ):
            with pytest.raises(NotFound):
                await call
        assert shop.db.index.search("stock") == []
        await datasets._save_dataset(shop.ctx(), SaveDataset(name="stock", private=False))
        assert (await datasets.dataset(shop.citizen, DatasetQuery("stock"))).name == "stock"
        assert len(shop.db.index.search("stock")) == 1

    in_workshop(tmp_path, job)


def test_deleted_hidden_restored_purged(tmp_path: Path) -> None:
    async def job(shop: Workshop) -> None:
        await shop.publish(STOCK)
        await datasets._delete_dataset(shop.ctx(), DeleteDataset("stock"))
        with pytest.raises(NotFound):
            await datasets.dataset(shop.citizen, DatasetQuery("stock"))
        await datasets._save_dataset(shop.ctx(), SaveDataset(name="stock", state="active"))
        assert (await shop.served())[1].rows == 2
        await datasets._delete_dataset(shop.ctx(), DeleteDataset("stock", purge=True))
        assert await shop.db.sql.read(lambda tx: registry.dataset_by(tx, "stock")) is None
        assert list(shop.db.lake.keys()) == []
        assert list(shop.db.blobs.keys()) == []
        published = await shop.publish(STOCK)
        assert published.tables[0].version == 1

    in_workshop(tmp_path, job)


def test_a_file_two_datasets_share_goes_with_the_last(tmp_path: Path) -> None:
    async def job(shop: Workshop) -> None:
        await shop.publish(STOCK, name="one")
        await shop.publish(STOCK, name="two")
        assert len(list(shop.db.blobs.keys())) == 1
        await datasets._delete_dataset(shop.ctx(), DeleteDataset("one", purge=True))
        assert len(list(shop.db.blobs.keys())) == 1
        await datasets._delete_dataset(shop.ctx(), DeleteDataset("two", purge=True))
        assert list(shop.db.blobs.keys()) == []

    in_workshop(tmp_path, job)


def test_a_save_cannot_take_what_the_node_knows(tmp_path: Path) -> None:
    async def job(shop: Workshop) -> None:
        await shop.publish(STOCK)
        before, _ = await shop.served()
        change = SaveResource(id=before.id, name="庫存表", url="http://evil.example/x.csv", aliases=("stock_table",))
        await datasets._save_dataset(shop.ctx(), SaveDataset(name="stock", resources=(change,)))
        after, served = await shop.served()
        assert after.name == "庫存表"
        assert (after.version, after.hash, after.url) == (before.version, before.hash, before.url)
        assert served.number == 1
        answer = await versions.resource(shop.citizen, ResourceQuery("stock_table"))
        assert answer.resource.id == before.id
        assert answer.aliases == ("stock_table",)

    in_workshop(tmp_path, job)


def test_a_resource_left_out_is_removed_with_its_files(tmp_path: Path) -> None:
    async def job(shop: Workshop) -> None:
        await shop.publish(STOCK)
        await datasets._save_resource(shop.ctx(), SaveResource(dataset="stock", name="說明", url="https://a.example/"))
        assert [one.name for one in (await shop.dataset()).resources] == ["stock", "說明"]
        resource, _ = await shop.served()
        await datasets._delete_resource(shop.ctx(), ResourceId(resource.id))
        assert [one.name for one in (await shop.dataset()).resources] == ["說明"]
        assert list(shop.db.lake.keys()) == []
        with pytest.raises(NotFound):
            await versions.resource(shop.citizen, ResourceQuery(resource.id))

    in_workshop(tmp_path, job)


@pytest.mark.parametrize(
    "request_",
    [
        SaveDataset(name="x1"[:0]),
        SaveDataset(name="stock", title=""),
        SaveDataset(name="stock", licence_id="no-such"),
        SaveDataset(name="stock", tags=tuple(f"t{n}" for n in range(201))),
    ],
)
def test_bad_saves_are_refused(tmp_path: Path, request_: SaveDataset) -> None:
    async def job(shop: Workshop) -> None:
        await shop.publish(STOCK)
        with pytest.raises(Invalid) as refused:
            await datasets._save_dataset(shop.ctx(), request_)
        assert refused.value.fields

    in_workshop(tmp_path, job)


def test_agencies_and_themes(tmp_path: Path) -> None:
    async def job(shop: Workshop) -> None:
        made = await agencies._save_agency(shop.ctx(), SaveAgency(name="moh", title="衛福部"))
        await agencies._save_agency(shop.ctx(), SaveAgency(id=made.id, name="mohw", title="衛生福利部"))
        await agencies._save_theme(shop.ctx(), SaveTheme(name="health", title="健康"))
        await datasets._save_dataset(
            shop.ctx(), SaveDataset(name="stock", title="庫存", agency="mohw", themes=("health",), tags=("口罩",))
        )
        found = await agencies.agency(shop.citizen, ByName("moh"))
        assert (found.agency.name, found.agency.title, found.datasets) == ("mohw", "衛生福利部", 1)
        assert [one.datasets for one in await agencies.themes(shop.citizen, Everything())] == [1]
        assert await agencies.tags(shop.citizen, Everything()) == {"口罩": 1}
        for call in (
            datasets._save_dataset(shop.ctx(), SaveDataset(name="stock", agency="nobody")),
            datasets._save_dataset(shop.ctx(), SaveDataset(name="stock", themes=("none",))),
            agencies.agency(shop.citizen, ByName("nobody")),
            agencies.theme(shop.citizen, ByName("nobody")),
        ):
            with pytest.raises(NotFound):
                await call

    in_workshop(tmp_path, job)


def test_the_index_is_built_again_when_it_is_lost(tmp_path: Path) -> None:
    async def first(shop: Workshop) -> None:
        await shop.publish(STOCK, title="藥局口罩庫存")
        assert [hit.id for hit in shop.db.index.search("口罩")]

    in_workshop(tmp_path, first)
    (tmp_path / "index.db").unlink()

    async def second(shop: Workshop) -> None:
        dataset = await shop.dataset()
        assert [hit.id for hit in shop.db.index.search("口罩")] == [dataset.id]

    in_workshop(tmp_path, second)


@pytest.mark.parametrize(
    ("filename", "stem", "slug"),
    [
        ("maskdata_20200214T085535.csv.gz", "maskdata_20200214T085535", "maskdata"),
        ("/tmp/outlets.csv.gz", "outlets", "outlets"),
        ("Stock 2026-11-23.xlsx", "Stock 2026-11-23", "stock"),
        ("report_1151123.csv", "report_1151123", "report"),
        ("manual.pdf", "manual", "manual"),
        ("v2.csv", "v2", "v2"),
    ],
)
def test_names_from_files(filename: str, stem: str, slug: str) -> None:
    assert stem_of(filename) == stem
    assert slug_of_file(filename) == slug


def test_a_chinese_title_gets_a_steady_name() -> None:
    assert slug_of_file("口罩.csv") == slug_of_file("口罩.csv")
    assert slug_of_file("口罩.csv").startswith("data-")
    taken = {free_slug("Water", lambda name: True)}
    assert free_slug("Water", lambda name: name not in taken) == "water-2"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd.csv", "passwd.csv"),
        ("C:\\data\\stock.csv", "stock.csv"),
        ("a\r\nSet-Cookie: x.csv", "aSet-Cookie: x.csv"),
        ("...hidden.csv", "hidden.csv"),
        ("", "data"),
        ("口罩 剩餘.csv", "口罩 剩餘.csv"),
        ("x" * 500 + ".csv", "x" * 196 + ".csv"),
    ],
)
def test_names_of_files_are_made_plain(sent: str, kept: str) -> None:
    assert plain_name(sent) == kept
