"""Files that belong to no row, before anything is cleaned up: an interruption must explain each of them."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from tests.faults import checker_files
from tests.faults.checker_books import Books
from tests.faults.client_journal import Order


def check(books: Books, orders: list[Order], media: Path, *, interruptions: int) -> Iterator[str]:
    """Yield a line for each file left behind by nothing that may leave any.

    `interruptions` is how often something was killed or stopped. What a delete left is named whether or not
    its row is still there.
    """
    stored = checker_files.stored(media)
    for order in orders:
        if 200 in order.deletes:
            yield from _after_delete(order, stored)
    strays = checker_files.orphans(books, media)
    videos = {name for name in strays if name.startswith("videos/")}
    pictures = {name: path for name, path in strays.items() if name.startswith("uploads/")}
    for name in strays.keys() - videos - pictures.keys():
        yield f"files: {name} is in no folder of ours"
    halves, lines = _pictures(orders, pictures)
    yield from lines
    verbs = Counter(event["verb"] for event in books.events)
    lost = min(verbs["claim"] - verbs["complete"], interruptions)
    if len(cut := _cut_short(orders, videos)) > lost:
        names = sorted(name for files in cut.values() for name in files)
        yield f"files: {len(cut)} videos were stored without a row, {lost} attempts were cut short: {names}"
    lost = min(sum(order.unknown for order in orders if order.picture), interruptions)
    if len(halves) > lost:
        yield f"files: {len(halves)} uploads are no client's picture, {lost} were cut short: {halves}"


def _after_delete(order: Order, stored: dict[str, Path]) -> Iterator[str]:
    """Nothing of a video is left once its user was told so: what is put away later does not count."""
    about = f"files: video {order.video_id} of {order.user} was said to be deleted ({order.deletes})"
    for name in sorted(stored):
        if UUID(order.video_id).hex in name:
            yield f"{about} and left {name}"


def _pictures(orders: list[Order], pictures: dict[str, Path]) -> tuple[list[str], list[str]]:
    """Return the names of what no client sent (half a picture), and a line for each one too many.

    A submit whose answer was lost may have left its picture, a delete that was cut short too.
    """
    copies: dict[str, list[str]] = defaultdict(list)
    for name, path in sorted(pictures.items()):
        copies[hashlib.sha256(path.read_bytes()).hexdigest()].append(name)
    lines = []
    for order in orders:
        names = copies.pop(order.picture, [])
        if len(names) > order.unknown + _was_cut_short(order):
            why = f"{order.unknown} submits were cut short, its deletes were answered {order.deletes}"
            lines.append(f"files: {names} is the picture of job {order.job_id} of {order.user}, but {why}")
    return sorted(name for names in copies.values() for name in names), lines


def _cut_short(orders: list[Order], videos: set[str]) -> dict[str, list[str]]:
    """Return the files of each attempt that ended between its files and its row, by the attempt's name."""
    explained = {UUID(order.video_id).hex for order in orders if order.was_deleted}  # or named already
    found: dict[str, list[str]] = defaultdict(list)
    for name in sorted(videos):
        stem = Path(name).stem
        if stem.partition("-")[0] not in explained:
            found[stem].append(name)
    return found


def _was_cut_short(order: Order) -> bool:
    """Whether its delete did its work and its answer was lost: then it may have left files."""
    return order.was_deleted and 200 not in order.deletes
