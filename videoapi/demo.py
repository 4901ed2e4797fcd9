"""The demo's story, told over HTTP, and the checks that it was all true."""

import dataclasses
import io
from pathlib import Path
from typing import Any

import av
from PIL import Image, ImageDraw, ImageFilter

from videoapi.client import FINISHED, Api
from videoapi.terminal import Screen

GRANT = 100  # DUST
COSTS = {"generate": 10, "animate": 8}
SECONDS = 5  # the length of a `short` video
TOLERANCE = 0.1  # seconds
GENERATE = {
    "prompt": "A lighthouse above a stormy sea at dusk, slow zoom in",
    "resolution": "hd_720p",
    "seed": 7,
}
ANIMATE = {"prompt": "Slow pan to the right, the sun is setting", "resolution": "hd_720p", "seed": "7"}
FAIL = {"prompt": "[fail] A storm that never comes", "model": "rehearsal"}


@dataclasses.dataclass(frozen=True)
class Made:
    """A job that came to its end, and the files that were fetched of it."""

    name: str
    status: dict[str, Any]
    video: dict[str, Any]
    file: Path
    poster: Path


@dataclasses.dataclass(frozen=True)
class Check:
    """One thing that must be true."""

    sentence: str
    holds: bool


def generate(api: Api, screen: Screen, folder: Path) -> Made:
    """Make a video from words."""
    job = api.submit("/videos/generate", key="demo-generate", json=GENERATE)
    return _fetch(api, "generate", _follow(api, screen, "generate", job), folder)


def animate(api: Api, screen: Screen, folder: Path) -> Made:
    """Make a video from a picture, sent as an upload."""
    picture = {"image": ("hills.png", draw_picture(), "image/png")}
    job = api.submit("/videos/animate", key="demo-animate", data=ANIMATE, files=picture)
    return _fetch(api, "animate", _follow(api, screen, "animate", job), folder)


def fail(api: Api, screen: Screen) -> dict[str, Any]:
    """Order a video that can't be made; return the job's last status."""
    job = api.submit("/videos/generate", key="demo-fail", json=FAIL)
    return _follow(api, screen, "a failure", job)


def show_ledger(api: Api, screen: Screen) -> None:
    """Show every movement of DUST, oldest first."""
    rows = [
        (entry["created_at"][11:19], entry["kind"], entry["amount"], entry["balance_after"], entry["note"])
        for entry in reversed(api.get("/dust/transactions?limit=100")["transactions"])
    ]
    screen.table(("time", "kind", "dust", "left", "note"), rows)


def checks(api: Api, made: list[Made], failed: dict[str, Any]) -> list[Check]:
    """Return everything that must be true by now, true or not."""
    spent = sum(COSTS.values())
    purse = api.get("/dust/balance")
    code, refusal = api.refusal(f"/videos/jobs/{failed['job_id']}/result")
    return [
        *(check for each in made for check in _file_checks(each)),
        Check("the failed job says so", failed["status"] == "failed" and bool(failed.get("error"))),
        Check("its DUST was refunded", failed["dust"] == "refunded"),
        Check("its result is refused", code == 409 and refusal["error_code"] == "job_failed"),
        Check(
            f"{GRANT} DUST less {spent} leaves {GRANT - spent}",
            (purse["balance"], purse["held"], purse["available"]) == (GRANT - spent, 0, GRANT - spent),
        ),
    ]


def draw_picture() -> bytes:
    """Return a PNG to animate: hills under an evening sky."""
    width, height = 1280, 720
    picture = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(picture)
    for y in range(height):
        share = y / height
        draw.line(
            [(0, y), (width, y)], fill=(int(250 - 90 * share), int(170 - 60 * share), int(120 + 60 * share))
        )
    draw.ellipse([840, 210, 980, 350], fill=(255, 236, 190))
    for depth, colour in enumerate([(120, 86, 120), (84, 60, 96), (46, 36, 64)]):
        top = 420 + 80 * depth
        ridge = [(x, top + (x * (7 + 4 * depth) + 211 * depth) % 120 // 2) for x in range(0, width + 1, 80)]
        draw.polygon([(0, height), *ridge, (width, height)], fill=colour)
    buffer = io.BytesIO()
    picture.filter(ImageFilter.GaussianBlur(1.5)).save(buffer, "PNG")
    return buffer.getvalue()


def _follow(api: Api, screen: Screen, label: str, job: dict[str, Any]) -> dict[str, Any]:
    status: dict[str, Any] = {}
    for status in api.follow(job["job_id"]):
        over = status["status"] in FINISHED
        step = status["status"] if over else status["generation_info"]["current_step"]
        screen.progress(label, status["progress"], step or status["status"])
    screen.end_progress()
    return status


def _fetch(api: Api, name: str, status: dict[str, Any], folder: Path) -> Made:
    file, poster = folder / f"{name}.mp4", folder / f"{name}.jpg"
    for stale in (file, poster):
        stale.unlink(missing_ok=True)
    video: dict[str, Any] = {}
    if status["status"] == "completed":
        video = api.get(f"/videos/jobs/{status['job_id']}/result")["video"]
        file.write_bytes(api.download(video["url"]))
        poster.write_bytes(api.download(video["thumbnail_url"]))
    return Made(name=name, status=status, video=video, file=file, poster=poster)


def _file_checks(made: Made) -> list[Check]:
    if not made.file.exists():
        error = made.status.get("error", "no reason given")
        return [Check(f"{made.name}: a video was made ({error})", holds=False)]
    with av.open(str(made.file)) as container:
        stream = container.streams.video[0]
        codec, size = stream.codec_context.name, (stream.width, stream.height)
        seconds = (container.duration or 0) / av.time_base
        frames = sum(1 for _ in container.decode(stream))
    with Image.open(made.poster) as poster:
        poster_format = poster.format
    promised = (made.video["width"], made.video["height"])
    return [
        Check(f"{made.file.name} is {codec}, {size[0]} x {size[1]}", codec == "h264" and size == promised),
        Check(
            f"it plays {seconds:.2f} s in {frames} frames", abs(seconds - SECONDS) <= TOLERANCE and frames > 0
        ),
        Check(f"{made.poster.name} is a {poster_format}", poster_format == "JPEG"),
        Check(f"it cost {made.status['cost']} DUST", made.status["cost"] == COSTS[made.name]),
    ]
