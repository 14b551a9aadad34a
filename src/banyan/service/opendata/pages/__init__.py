"""The portal's pages of open data. Importing a module registers its pages; each calls operations, as anybody could."""

from banyan.service.opendata.pages import (
    chart,
    dataset,
    editing,
    groups,
    home,
    map,
    publish,
    quality,
    requests,
    resource,
    search,
)

__all__ = [
    "chart",
    "dataset",
    "editing",
    "groups",
    "home",
    "map",
    "publish",
    "quality",
    "requests",
    "resource",
    "search",
]
