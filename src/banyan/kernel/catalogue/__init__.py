"""What the house holds: operations, the registry of services, bilingual messages."""

from banyan.kernel.catalogue.catalogue import Catalogue
from banyan.kernel.catalogue.messages import Messages, load_messages
from banyan.kernel.catalogue.operation import (
    Context,
    Face,
    FaceAnswer,
    FaceRequest,
    FormData,
    Operation,
    Page,
    Service,
    Text,
    UploadedFile,
    View,
)

__all__ = [
    "Catalogue",
    "Context",
    "Face",
    "FaceAnswer",
    "FaceRequest",
    "FormData",
    "Messages",
    "Operation",
    "Page",
    "Service",
    "Text",
    "UploadedFile",
    "View",
    "load_messages",
]
