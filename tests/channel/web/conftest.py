"""One live portal with a small table, a long text, a request; shared by the tests of its pages."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator

import pytest
from tests.portal import LivePortal, live_portal, small_table
from tests.service.supplies.pages.stage import A_DAY, PATHS, fill

AREAS = "鄉鎮市區,戶數,平均年齡\n花蓮縣花蓮市,40,44.5\n花蓮縣吉安鄉,30,46\n臺北市中正區,900,42.25\n基隆市中正區,7,\n"
"""A table with towns and no points."""


class Filled(LivePortal, frozen=True):
    """A portal with something on every page. `resource` is the small table's id, `areas` that of the towns, `asked` a
    data request's, `job` that of a publication, `file` that of a resource that is no table."""

    resource: str = ""
    areas: str = ""
    asked: str = ""
    job: str = ""
    file: str = ""

    @property
    def paths(self) -> list[str]:
        """Every page, in Chinese; English is the same under `/en`."""
        table = f"/dataset/stores/resource/{self.resource}"
        towns = f"/dataset/areas/resource/{self.areas}/map"
        views = [table + view for view in ("", "?q=藥局&group=名稱&sort=數量", "/chart", "/map", "/columns", "/notes")]
        return [
            *("/", "/about", "/usage", "/dataset", "/dataset?q=藥局", "/dataset?q=沒有這種東西", "/dataset/stores"),
            *("/dataset/stores/quality", "/organization", "/organization/health", "/group", "/quality"),
            *("/request", "/request/new", f"/request/{self.asked}", "/publish", "/chat", "/session", "/operations"),
            *("/operations/opendata.rows", "/operations/opendata.agencies?run=1", "/operations/opendata.save_dataset"),
            *("/powers", "/powers/bases", "/mydata/secondary", "/allocation"),
            *("/transparency", "/mydata", "/api", "/sitemap", "/accessibility", "/nothing-here"),
            *("/rationing/rounds", "/rationing/orders", "/rationing/pickup", "/rationing/rounds/desk"),
            *("/credentials", "/credentials/verify", "/rationing/counter", "/rationing/offline", "/rationing/draws"),
            *("/rationing", "/rationing/draw-check", "/casualties", "/casualties/press", "/casualties/family"),
            *("/alerts", "/alerts/archive", "/alerts/warrants", "/alerts/others"),
            *("/fence", "/fence/mine", "/tracing", "/tracing/desk"),
            "/tracing/crowd",
            *("/travel", "/travel/rules", "/travel/tocc", "/travel/mine", "/travel/contests"),
            *(*views, f"{table}/chart?kind=line&by=代碼&measure=sum&of=數量", f"{table}/versions", f"{table}/api"),
            *(f"{table}/chart?kind=histogram&by=數量", towns, f"{towns}?value=sum:戶數"),
            f"/dataset/bus/resource/{self.file}",
            *PATHS,
        ]


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    folder = tmp_path_factory.mktemp("portal")
    fill(folder / "supplies", A_DAY)
    with live_portal(folder) as live:
        fields = {"name": "stores", "title": "藥局存量", "tag": "藥局", "agency": "health"}
        notes = "第一段 **重點**\n\n- 一\n- 二\n\n<script>alert(1)</script> https://example.org/a"
        live.publish("stores.csv", small_table(), notes=notes, **fields)
        job = live.publish("stores.csv", small_table().replace(b",12\n", b",15\n"), **fields)
        areas = live.publish("areas.csv", AREAS.encode(), name="areas", title="各鄉鎮市區戶數")
        # Called as one of the home page's example searches: two links of one name would lead to two places.
        live.publish("bus.csv", "站,路線\n花蓮車站,301\n".encode(), name="bus", title="公車")
        resource, towns = (str(each["published"]["resource_id"]) for each in (job, areas))
        asked = _posted(live, "ask_for_data", title="想要即時雨量", text="每 10 分鐘的雨量，要做淹水提醒。")
        guide = {"name": "乘車指南", "format": "PDF", "url": "https://bus.example/guide.pdf"}
        file = _posted(live, "save_resource", dataset="bus", **guide)
        yield Filled(live.url, live.token, resource=resource, areas=towns, asked=asked, job=str(job["job"]), file=file)


def _posted(live: LivePortal, operation: str, **body: str) -> str:
    """The id that the operation answers with."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {live.token}"}
    request = urllib.request.Request(f"{live.url}/api/opendata/{operation}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(json.load(answer)["id"])
