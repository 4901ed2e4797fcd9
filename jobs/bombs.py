"""Pictures that are small to send and endless to decode: their parts are counted before a decoder sees them.

Pixels are bounded elsewhere, but a JPEG of 20 MB can hold some 600,000 progressive scans, each a pass over
the whole picture (hours), or 5 million empty segments; a PNG 1.7 million empty chunks.
"""

import re

MAX_SCANS = 50  # encoders write about 10
MAX_SEGMENTS = 5_000  # cameras write below 100
MAX_PADDING = 65_536  # bytes between two segments, where encoders write none: Pillow reads them one by one
MAX_CHUNKS = 50_000  # 20 MB in pieces as small as encoders write them is below 5,000

JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
# In scan data ff 00 is a stuffed byte and d0 to d7 are restarts: neither ends the scan.
JPEG_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]", re.DOTALL)
START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
# As Pillow's reader has it; to take one of these for longer would be to look away from what it sees.
WITHOUT_LENGTH = frozenset({0x01, 0xC8, 0xD8, 0xD9, *range(0xF0, 0xFE)})


def found_in(data: bytes) -> str:
    """Return what makes `data` endless to decode, or ""."""
    if data.startswith(JPEG):
        return _in_jpeg(data)
    if data.startswith(PNG):
        return _in_png(data)
    return ""


def _in_jpeg(data: bytes) -> str:
    scans, position = 0, 2
    for _ in range(MAX_SEGMENTS):
        found = JPEG_MARKER.search(data, position)
        if not scans and (found.start() if found else len(data)) - position > MAX_PADDING:
            return f"more than {MAX_PADDING} bytes of padding"
        # Phones append whole films after the end; before the first scan an end means nothing to Pillow.
        if found is None or (scans and found[0][1] == END_OF_IMAGE):
            return ""
        marker, position = found[0][1], found.end()
        scans += marker == START_OF_SCAN
        if scans > MAX_SCANS:
            return f"more than {MAX_SCANS} scans"
        if marker not in WITHOUT_LENGTH:
            position += int.from_bytes(data[position : position + 2])
    return f"more than {MAX_SEGMENTS} segments"


def _in_png(data: bytes) -> str:
    position = len(PNG)
    for _ in range(MAX_CHUNKS):
        if position >= len(data) or data[position + 4 : position + 8] == b"IEND":
            return ""
        position += 12 + int.from_bytes(data[position : position + 4])  # length, type and checksum around it
    return f"more than {MAX_CHUNKS} chunks"
