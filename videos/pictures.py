"""What kind of picture a stored file is: uploads are kept as they came, under a name that does not say."""

import dataclasses
import re

from django.core.files.storage import default_storage

HEAD = 16  # bytes; every signature below lies within


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """A media type, and the ending of a file name that goes with it."""

    media_type: str
    suffix: str


UNKNOWN = Kind("application/octet-stream", "")
SIGNATURES = {
    re.compile(rb"\xff\xd8\xff"): Kind("image/jpeg", ".jpg"),
    re.compile(rb"\x89PNG\r\n\x1a\n"): Kind("image/png", ".png"),
    re.compile(rb"RIFF....WEBP", re.DOTALL): Kind("image/webp", ".webp"),
    re.compile(rb"....ftypavi[fs]", re.DOTALL): Kind("image/avif", ".avif"),
}


def kind(head: bytes) -> Kind:
    """Return the kind of a picture by its first bytes."""
    return next((kind for signature, kind in SIGNATURES.items() if signature.match(head)), UNKNOWN)


def stored_kind(name: str) -> Kind:
    """Return the kind of a stored picture. Raise OSError if it cannot be read."""
    with default_storage.open(name) as file:
        return kind(file.read(HEAD))
