"""Run by the peers' Python: frictionless[ckan] reads our catalogue and one package of it. Prints one JSON object."""

from __future__ import annotations

import json
import sys

from frictionless import Catalog, Package
from frictionless.portals import CkanControl

url, token = sys.argv[1:3]
whole = Catalog(control=CkanControl(baseurl=url))
of_agency = Catalog(control=CkanControl(baseurl=url, organization_name="wra"))
of_group = Catalog(control=CkanControl(baseurl=url, group_id="disaster"))
package = Package(control=CkanControl(baseurl=url, dataset="mask-stock"))
table = next(
    resource for resource in package.resources if resource.path.endswith("334e56a0-6424-4099-8667-f8fca41f57a1")
)
sys.stdout.write(
    json.dumps(
        {
            "datasets": sorted(dataset.name for dataset in whole.datasets),
            "agency": sorted(dataset.name for dataset in of_agency.datasets),
            "group": sorted(dataset.name for dataset in of_group.datasets),
            "title": package.title,
            "table": table.read_bytes().decode("utf-8-sig").splitlines()[1],
        },
        ensure_ascii=False,
    )
)
