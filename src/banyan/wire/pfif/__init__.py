"""PFIF: the People Finder Interchange Format, read in versions 1.1 to 1.4 and written in 1.4, with its feeds."""

from banyan.wire.pfif.feeds import Entry, RepoEntry, note_feed, person_feed, repo_feed
from banyan.wire.pfif.model import SENSITIVE, STATUSES, Fault, Note, Person, Reading
from banyan.wire.pfif.reading import read
from banyan.wire.pfif.sheets import read_csv
from banyan.wire.pfif.status import Batch, status
from banyan.wire.pfif.writing import MEDIA_TYPE, tombstone, without_sensitive, write, write_notes

__all__ = [
    "MEDIA_TYPE",
    "SENSITIVE",
    "STATUSES",
    "Batch",
    "Entry",
    "Fault",
    "Note",
    "Person",
    "Reading",
    "RepoEntry",
    "note_feed",
    "person_feed",
    "read",
    "read_csv",
    "repo_feed",
    "status",
    "tombstone",
    "without_sensitive",
    "write",
    "write_notes",
]
