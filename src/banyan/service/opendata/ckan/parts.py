"""Every module of the face; importing them registers the actions and routes."""

from __future__ import annotations

from banyan.service.opendata.ckan import (
    bodies,
    changing,
    datastore,
    dump,
    face,
    packages,
    saving,
    saving_resources,
    site,
    tags,
    writing,
)

MODULES = (bodies, changing, datastore, dump, face, packages, saving, saving_resources, site, tags, writing)
