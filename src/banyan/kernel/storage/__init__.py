"""Where: the SQL store, the journal, the lake, blobs, the text index; one drawer a service."""

from banyan.kernel.storage.blobs import BlobRef, Blobs
from banyan.kernel.storage.drawer import Drawer, close_drawer, open_drawer
from banyan.kernel.storage.fold import fold
from banyan.kernel.storage.journal import Journal
from banyan.kernel.storage.lake import Lake
from banyan.kernel.storage.lent import Lent
from banyan.kernel.storage.statements import load_statements
from banyan.kernel.storage.store import Row, SqlValue, Statement, Store, Tx
from banyan.kernel.storage.textindex import Document, Hit, TextIndex

__all__ = [
    "BlobRef",
    "Blobs",
    "Document",
    "Drawer",
    "Hit",
    "Journal",
    "Lake",
    "Lent",
    "Row",
    "SqlValue",
    "Statement",
    "Store",
    "TextIndex",
    "Tx",
    "close_drawer",
    "fold",
    "load_statements",
    "open_drawer",
]
