"""The storm's checker names files without a row and rows without a file; so does the product's clean-up."""

import pytest

from tests.faults import checker_books, planting

pytestmark = pytest.mark.slow


def test_a_lost_video_row_is_named_by_the_checker_and_by_the_clean_up(installation):
    order = installation.order("kept")
    (row,) = (row for row in checker_books.read(installation.url).videos if row["id"] == order.video_id)
    planting.lose(installation, order)
    found = installation.violations()
    assert (
        f"told: job {order.job_id} of alice is completed and its video ({order.video_id}) is not there"
        in found
    )
    assert sum("belongs to no row" in line for line in found) == 2
    counts, log = installation.clean_up()
    assert "orphaned files removed: 2" in counts
    for name in (row["file"], row["poster"]):
        assert f"{name} is an orphan of {(installation.media / name).stat().st_size} bytes" in log


def test_a_lost_a_cut_and_a_changed_file_are_named_and_the_first_two_by_the_clean_up(installation):
    books = checker_books.read(installation.url)
    lost, cut = (
        next(row for row in books.videos if row["id"] == installation.order(key).video_id)
        for key in ("kept", "late")
    )
    animated = installation.order("animated").job_id
    (changed,) = (row for row in books.videos if row["source_image"])
    (installation.media / lost["file"]).unlink()
    (installation.media / cut["file"]).write_bytes(b"a vid")
    (installation.media / cut["poster"]).write_bytes(b"\xff\xd8 a po")
    (installation.media / changed["source_image"]).write_bytes(b"another picture")
    assert sorted(installation.violations()) == sorted(
        [
            f"files: video {lost['id']} has lost {lost['file']}",
            f"files: video {cut['id']} has 5 bytes instead of 7",
            f"files: the poster of video {cut['id']} is not a whole JPEG",
            f"files: {changed['source_image']} of job {animated} is not what the client sent",
        ]
    )
    counts, log = installation.clean_up()
    assert "videos without their file: 2" in counts
    assert f"video {lost['id']} has lost a file in the storage" in log
    assert f"video {cut['id']} has 5 bytes in the storage instead of 7" in log


@pytest.mark.parametrize("name", ["videos/aa/stray.mp4", "uploads/aa/stray"])
def test_a_file_without_a_row_is_named(installation, name):
    path = installation.media / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"stray")
    assert installation.violations() == [f"files: {name} (5 bytes) belongs to no row"]


def test_what_a_delete_left_on_the_disk_is_named_however_much_was_killed(installation):
    order = installation.order("animated")
    (row,) = (row for row in checker_books.read(installation.url).videos if row["id"] == order.video_id)
    planting.lose(installation, order)
    about = f"files: video {order.video_id} of alice was said to be deleted ([200]) and left"
    why = "but 0 submits were cut short, its deletes were answered [200]"
    picture = f"the picture of job {order.job_id} of alice, {why}"
    assert installation.leftovers(planting.after_delete(installation, "animated"), interruptions=99) == [
        f"{about} {row['poster']}",
        f"{about} {row['file']}",
        f"files: ['{row['source_image']}'] is {picture}",
    ]


def test_what_a_delete_that_was_cut_short_left_on_the_disk_is_no_violation(installation):
    planting.lose(installation, installation.order("animated"))
    assert installation.leftovers(planting.after_delete(installation, "animated", deletes=[404])) == []


def test_a_video_without_a_row_is_named_unless_an_attempt_was_cut_short(installation):
    stem = f"videos/aa/{'a' * 32}-{'b' * 16}"
    for name in (f"{stem}.mp4", f"{stem}.jpg"):
        path = installation.media / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"stray")
    text = (
        f"files: 1 videos were stored without a row, 0 attempts were cut short: ['{stem}.jpg', '{stem}.mp4']"
    )
    assert installation.leftovers() == [text]
    # bob's failed job and three of alice's at a provider were attempts for nothing
    assert installation.leftovers(interruptions=1) == []
    for other in "cdef":
        path.with_name(f"{other * 32}-{'d' * 16}.mp4").write_bytes(b"stray")
    (found,) = installation.leftovers(interruptions=99)
    assert found.startswith("files: 5 videos were stored without a row, 4 attempts were cut short")


def test_a_picture_without_a_row_is_named_unless_its_submit_was_cut_short(installation):
    order = installation.order("animated")
    (kept,) = (installation.media / "uploads").rglob("*/*")
    kept.with_name("copy").write_bytes(kept.read_bytes())
    (found,) = installation.leftovers(interruptions=99)
    assert f"is the picture of job {order.job_id} of alice, but 0 submits were cut short" in found
    unsure = planting.after_delete(installation, "animated", deletes=[], unknown=1)
    assert installation.leftovers(unsure, interruptions=99) == []
    kept.with_name("copy").write_bytes(b"half")
    assert installation.leftovers(unsure, interruptions=1) == []
    (found,) = installation.leftovers(interruptions=1)
    assert found.startswith("files: 1 uploads are no client's picture, 0 were cut short")
