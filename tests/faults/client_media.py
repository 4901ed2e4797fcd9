"""Pictures to order videos of, a small server for some of them, and a look at what comes back."""

import io
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import av
from PIL import Image

FRAMES = 120  # of a `short` video


def pictures() -> list[bytes]:
    """Return a few small PNGs, all different."""
    colours = ("teal", "orange", "navy", "olive")
    return [_png(Image.new("RGB", (64 + 8 * n, 64), colour)) for n, colour in enumerate(colours)]


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def marked(png: bytes, word: str) -> bytes:
    """Return the same picture with a word in it: whose it is can be told from its bytes."""
    body, end = png[:-12], png[-12:]  # the last chunk is always IEND, and empty
    chunk = b"tEXtComment\0" + word.encode("latin-1")
    return body + struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) + end


@contextmanager
def serving(picture: bytes) -> Iterator[str]:
    """Serve a picture on this machine, to whoever asks; yield its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "image/png")
            self.send_header("Content-Length", str(len(picture)))
            self.end_headers()
            self.wfile.write(picture)

        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/picture.png"
        server.shutdown()


def fault(content: bytes, size: int) -> str:
    """Say what keeps `content` from being a whole short video of `size` bytes; "" if nothing does."""
    if len(content) != size:
        return f"has {len(content)} bytes instead of {size}"
    kinds = [kind for kind, _ in _boxes(content)]
    if not {"ftyp", "moov", "mdat"} <= set(kinds) or sum(length for _, length in _boxes(content)) != size:
        return f"is not a whole MP4: {kinds}"
    with av.open(io.BytesIO(content)) as file:
        frames = sum(packet.size > 0 for packet in file.demux(video=0))
    return "" if frames == FRAMES else f"has {frames} frames instead of {FRAMES}"


def _boxes(content: bytes) -> Iterator[tuple[str, int]]:
    at = 0
    while at + 8 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        if length < 8:
            yield "broken", 0
            return
        yield kind.decode("latin-1"), length
        at += length
