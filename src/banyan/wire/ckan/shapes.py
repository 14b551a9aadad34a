"""CKAN's objects with exactly the keys that 2.12.0 answers: package, resource, organization, group, tag, user-free.

Structs of plain values; `as_dict` makes the JSON object. Times are `moments.moment_text`. Source: the golden file.
"""

from __future__ import annotations

import uuid
from typing import Any, cast

import msgspec

from banyan.wire.ckan.envelope import Json
from banyan.wire.ckan.licences import LICENCES

_TAGS = uuid.UUID("5f0e0b9e-6b1d-5f0f-9d52-3a3f0c7e8d10")
"""Name space of tag ids: a tag has no record of its own, so its id comes from its name."""


class Body(msgspec.Struct, frozen=True):
    """An organization or a group."""

    id: str
    name: str
    title: str
    created: str
    description: str = ""
    image_url: str = ""
    state: str = "active"
    is_organization: bool = False

    @property
    def type(self) -> str:
        return "organization" if self.is_organization else "group"

    def listed(self, packages: int) -> dict[str, Json]:
        """The dict of `*_list?all_fields=true` and the base of `*_show`."""
        return {
            "approval_status": "approved",
            "created": self.created,
            "description": self.description,
            "display_name": self.title or self.name,
            "id": self.id,
            "image_display_url": self.image_url,
            "image_url": self.image_url,
            "is_organization": self.is_organization,
            "name": self.name,
            "num_followers": 0,
            "package_count": packages,
            "state": self.state,
            "title": self.title,
            "type": self.type,
        }

    def inside_package(self) -> dict[str, Json]:
        """The `organization` of a package, or one of its `groups`."""
        if not self.is_organization:
            return {
                "description": self.description,
                "display_name": self.title or self.name,
                "id": self.id,
                "image_display_url": self.image_url,
                "name": self.name,
                "title": self.title,
            }
        return {
            "id": self.id,
            "name": self.name,
            "title": self.title,
            "type": self.type,
            "description": self.description,
            "image_url": self.image_url,
            "created": self.created,
            "is_organization": True,
            "approval_status": "approved",
            "state": self.state,
        }


class Resource(msgspec.Struct, frozen=True):
    """A resource. Empty texts that CKAN keeps as null are None here."""

    id: str
    package_id: str
    name: str | None
    url: str
    created: str
    metadata_modified: str
    position: int = 0
    cache_last_updated: str | None = None
    cache_url: str | None = None
    datastore_active: bool = False
    description: str | None = None
    format: str = ""
    hash: str = ""
    last_modified: str | None = None
    mimetype: str | None = None
    mimetype_inner: str | None = None
    resource_type: str | None = None
    size: int | None = None
    state: str = "active"
    url_type: str | None = None
    extras: dict[str, str] = {}
    """CKAN has a resource's extras beside its own keys; they never hide one."""

    def as_dict(self) -> dict[str, Json]:
        found = cast("dict[str, Any]", msgspec.to_builtins(self))
        extras = found.pop("extras")
        return {**{key: value for key, value in extras.items() if key not in self.__struct_fields__}, **found}


class Package(msgspec.Struct, frozen=True):
    """A package with all that `package_show` joins to it."""

    id: str
    name: str
    title: str
    metadata_created: str
    metadata_modified: str
    author: str | None = None
    author_email: str | None = None
    creator_user_id: str | None = None
    license_id: str | None = None
    maintainer: str | None = None
    maintainer_email: str | None = None
    notes: str | None = None
    owner_org: str | None = None
    private: bool = False
    state: str = "active"
    type: str = "dataset"
    url: str | None = None
    version: str | None = None
    organization: Body | None = None
    extras: tuple[tuple[str, str], ...] = ()
    groups: tuple[Body, ...] = ()
    resources: tuple[Resource, ...] = ()
    tags: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Json]:
        licence = LICENCES.get(self.license_id or "")
        found: dict[str, Json] = {
            "author": self.author,
            "author_email": self.author_email,
            "creator_user_id": self.creator_user_id,
            "id": self.id,
            "isopen": licence.is_open if licence else False,
            "license_id": self.license_id,
            "license_title": licence.title if licence else self.license_id,
            "maintainer": self.maintainer,
            "maintainer_email": self.maintainer_email,
            "metadata_created": self.metadata_created,
            "metadata_modified": self.metadata_modified,
            "name": self.name,
            "notes": self.notes,
            "num_resources": len(self.resources),
            "num_tags": len(self.tags),
            "organization": self.organization.inside_package() if self.organization else None,
            "owner_org": self.owner_org,
            "private": self.private,
            "state": self.state,
            "title": self.title,
            "type": self.type,
            "url": self.url,
            "version": self.version,
            "extras": [{"key": key, "value": value} for key, value in self.extras],
            "groups": [group.inside_package() for group in self.groups],
            "resources": [resource.as_dict() for resource in self.resources],
            "tags": [tag_in_package(tag) for tag in self.tags],
            "relationships_as_subject": [],
            "relationships_as_object": [],
        }
        if licence and licence.url:
            found["license_url"] = licence.url
        return found


def tag_dict(name: str) -> dict[str, Json]:
    """A tag of `tag_list?all_fields=true` and `tag_show`."""
    return {"id": str(uuid.uuid5(_TAGS, name)), "name": name, "vocabulary_id": None, "display_name": name}


def tag_in_package(name: str) -> dict[str, Json]:
    return {**tag_dict(name), "state": "active"}
