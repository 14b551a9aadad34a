"""Run by the peers' Python: ckanapi's own classes against our address. Prints one JSON object of what it saw."""

from __future__ import annotations

import io
import json
import sys

from ckanapi import NotAuthorized, NotFound, RemoteCKAN, ValidationError

url, token = sys.argv[1:3]
seen: dict[str, object] = {}
admin, anybody, getter = RemoteCKAN(url, apikey=token), RemoteCKAN(url), RemoteCKAN(url, get_only=True)
act = admin.action

seen["version"] = anybody.action.status_show()["ckan_version"]
act.organization_create(name="moi", title="內政部")
act.group_create(name="life", title="生活")
made = act.package_create(
    name="peer-set",
    title="同儕資料集",
    owner_org="moi",
    tags=[{"name": "測試"}],
    groups=[{"name": "life"}],
    extras=[{"key": "更新頻率", "value": "每日"}],
    resources=[{"name": "連結", "url": "https://data.example.gov.tw/a.csv", "format": "CSV"}],
)
seen["shown"] = getter.action.package_show(id="peer-set")["id"] == made["id"]
seen["list"] = anybody.action.package_list()
seen["found"] = [
    one["name"] for one in anybody.action.package_search(q="同", fq="organization:moi tags:測試")["results"]
]

csv = io.BytesIO("代碼,名稱,數量\n01,甲,3\n02,乙,5\n".encode())
csv.name = "stock.csv"
uploaded = act.resource_create(package_id="peer-set", name="庫存", upload=csv)
seen["uploaded"] = [uploaded["url_type"], uploaded["datastore_active"], uploaded["name"], uploaded["format"]]
rows = anybody.action.datastore_search(resource_id=uploaded["id"], filters={"名稱": "乙"})
seen["rows"] = [rows["total"], rows["records"]]
text = io.BytesIO(b"%PDF-1.4 not a table")
text.name = "manual.pdf"
seen["file"] = act.resource_create(package_id="peer-set", name="手冊", upload=text)["datastore_active"]
newer = io.BytesIO("代碼,名稱,數量\n01,甲,4\n02,乙,5\n03,丙,6\n".encode())
newer.name = "stock.csv"
act.resource_update(id=uploaded["id"], name="庫存", upload=newer)
seen["newer"] = anybody.action.datastore_search(resource_id=uploaded["id"], limit=0)["total"]
seen["by_sql"] = anybody.action.datastore_search_sql(sql=f'SELECT sum("數量") AS n FROM "{uploaded["id"]}"')["records"]

table = act.datastore_create(
    resource={"package_id": "peer-set", "name": "批次"},
    fields=[{"id": "k", "type": "text"}, {"id": "n", "type": "int"}],
    primary_key=["k"],
)["resource_id"]
seen["empty"] = anybody.action.datastore_search(resource_id=table)["total"]
for start in (0, 50):
    act.datastore_upsert(resource_id=table, records=[{"k": f"{n:03}", "n": n} for n in range(start, start + 60)])
seen["batch"] = anybody.action.datastore_search(resource_id=table, limit=1)["total"]
act.datastore_upsert(resource_id=table, method="update", records=[{"k": "007", "n": 700}])
seen["updated"] = anybody.action.datastore_search(resource_id=table, filters={"k": "007"})["records"][0]["n"]
act.datastore_delete(resource_id=table, filters={"n": {"gt": 99}})
seen["left"] = anybody.action.datastore_search(resource_id=table, limit=0)["total"]
seen["fields"] = [one["id"] for one in anybody.action.datastore_info(id=table)["fields"]]

act.package_patch(id="peer-set", notes="補上說明")
patched = act.package_show(id="peer-set")
seen["patched"] = [patched["notes"], patched["num_tags"], patched["num_resources"]]
act.resource_patch(id=uploaded["id"], description="每日更新")
seen["resource"] = act.resource_show(id=uploaded["id"])["description"]
patched["title"] = "改名的資料集"
seen["round_trip"] = [act.package_update(**patched)["title"], act.package_show(id="peer-set")["num_resources"]]


def kind(call) -> str:
    try:
        call()
    except (NotAuthorized, NotFound, ValidationError) as error:
        return type(error).__name__
    return "nothing"


seen["errors"] = [
    kind(lambda: anybody.action.package_create(name="x")),
    kind(lambda: act.package_show(id="missing")),
    kind(lambda: act.package_create(name="Bad Name", owner_org="moi")),
    kind(lambda: act.package_create(name="peer-set", owner_org="moi")),
    kind(lambda: RemoteCKAN(url, apikey="wrong").action.package_delete(id="peer-set")),
    kind(lambda: act.datastore_upsert(resource_id=table, records=[{"k": "1", "n": "許多"}])),
    kind(lambda: act.datastore_upsert(resource_id=uploaded["id"], records=[])),
]
act.resource_delete(id=uploaded["id"])
act.datastore_delete(resource_id=table)
seen["dropped"] = kind(lambda: anybody.action.datastore_search(resource_id=table))
act.package_delete(id="peer-set")
seen["gone"] = [kind(lambda: anybody.action.package_show(id="peer-set")), anybody.action.package_list()]
sys.stdout.write(json.dumps(seen, ensure_ascii=False))
