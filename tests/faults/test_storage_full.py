"""A storage with no room left: jobs are tried again or refunded, uploads refused, no half a file is left."""

import contextlib
import io
import os
import subprocess
from pathlib import Path

import av
import pytest
from PIL import Image

from tests.faults import outages, servers
from tests.faults.outages import COST, Caller
from tests.live import Installation

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

GRANT = 500
SPACE = 2 * 1024 * 1024


class Full:
    """A file system of its own that is filled to the last byte.

    Where none can be mounted there is no test, and in CI a failure: an error that is made up would say
    nothing of space that runs out in the middle of a file.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={SPACE},mode=777", "videoapi-full", folder]
        done = subprocess.run(mount, capture_output=True, text=True)
        if done.returncode:
            refuse(f"No file system can be mounted here, so none can be filled: {done.stderr.strip()}")

    def fill(self) -> None:
        with (self.folder / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
            while True:
                filler.write(bytes(4096))

    def free(self) -> None:
        (self.folder / "filler").unlink(missing_ok=True)

    def files(self) -> set[Path]:
        found = {path for path in self.folder.rglob("*") if path.is_file()}
        return {path for path in found if path.parent != self.folder}

    def close(self) -> None:
        subprocess.run(["umount", "--lazy", self.folder], check=True)


def refuse(reason: str) -> None:
    """Leave the test out; in CI, fail it."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def media():
    with servers.scratch() as folder, contextlib.closing(Full(folder / "media")) as media:
        yield media


@pytest.fixture(scope="module")
def live(media, tmp_path_factory):
    settings = {
        "MEDIA_ROOT": str(media.folder),
        "DUST_OPENING_GRANT": str(GRANT),
        "JOB_MAX_ATTEMPTS": "2",
        "JOB_RETRY_SECONDS": "3600",  # no job has its next try before the test wants it
        "JOB_LEASE_SECONDS": "60",
        "SWEEP_SECONDS": "5",
    }
    with Installation(tmp_path_factory.mktemp("full"), **settings) as installation:
        yield installation


@pytest.fixture(scope="module")
def token(live):
    return live.token("ada")


@pytest.fixture
def caller(live, token, media):
    with contextlib.closing(Caller(live.url, token)) as caller:
        yield caller
    media.free()


def wait_for_its_pause(caller, job_id):
    """Wait until a job has had a try, and waits for the next one."""

    def is_waiting():
        return "another try" in caller.status(job_id).body["generation_info"]["current_step"]

    outages.wait_for(is_waiting)


def end_pauses(live):
    """Give all jobs that wait for another try theirs now."""
    live.sql("UPDATE jobs_job SET woken_at = created_at WHERE status = 'starting' AND worker = ''")
    created = "(SELECT created_at FROM jobs_job WHERE jobs_job.id = job_id)"
    live.sql(f"UPDATE jobs_message SET due_at = {created} WHERE holder = '' AND job_id IS NOT NULL")


def detail(live, job_id):
    """What staff are told of a failure."""
    show = f"from jobs.models import Job; print(Job.objects.get(id='{job_id}').failure_detail)"
    return live.manage("shell", "--verbosity=0", "-c", show)


def picture():
    file = io.BytesIO()
    Image.effect_noise((256, 256), 90).save(file, "png")
    return file.getvalue()


def animate(caller, key):
    return caller.ask(
        "/videos/animate",
        "POST",
        headers={"Idempotency-Key": key},
        data={"prompt": "a sea", "model": "rehearsal", "resolution": "sd_480p"},
        files={"image": ("sea.png", picture(), "image/png")},
    )


def test_a_job_that_finds_no_room_is_tried_again_and_completed_when_there_is(live, media, caller):
    (before, _), files = caller.balance(), media.files()
    media.fill()
    job_id = caller.submit("a sea").body["job_id"]
    wait_for_its_pause(caller, job_id)
    assert media.files() == files
    media.free()
    end_pauses(live)
    assert outages.finished(caller, job_id)["status"] == "completed"
    video = caller.ask(f"/videos/jobs/{job_id}/result").body["video"]
    content = caller.ask(video["url"]).body
    with av.open(io.BytesIO(content)) as container:
        assert sum(1 for _ in container.decode(video=0)) > 0
    assert len(content) in {path.stat().st_size for path in media.files() - files}
    assert caller.balance() == (before - COST, 0)
    assert caller.ask(f"/videos/{video['id']}", "DELETE").status == 200
    assert media.files() == files


def test_a_job_that_never_finds_room_is_refunded_and_staff_can_read_why(live, media, caller):
    before, files = caller.balance(), media.files()
    media.fill()
    job_id = caller.submit("a sea").body["job_id"]
    wait_for_its_pause(caller, job_id)
    end_pauses(live)
    ended = outages.finished(caller, job_id)
    assert (ended["status"], ended["dust"]) == ("failed", "refunded")
    assert "space" not in ended["error"].lower()  # the user is told less than staff
    assert "Storage failed" in detail(live, job_id)
    assert "No space left on device" in detail(live, job_id)
    assert media.files() == files
    assert caller.balance() == before
    assert "Every rule holds." in live.manage("reconcile_dust")


def test_an_upload_that_finds_no_room_is_refused_and_costs_nothing(live, media, caller):
    before, files, key = caller.balance(), media.files(), os.urandom(8).hex()
    media.fill()
    refused = animate(caller, key)
    assert refused.is_outage
    assert media.files() == files
    assert caller.balance() == before
    media.free()
    job_id = animate(caller, key).body["job_id"]
    assert outages.finished(caller, job_id)["status"] == "completed"


def test_a_render_that_finds_no_room_to_work_in_is_refunded_too(live, caller):
    before = caller.balance()
    work = live.folder / "work"
    work.mkdir(exist_ok=True)
    with contextlib.closing(Full(live.folder / "full")) as full:
        full.fill()
        work.rename(live.folder / "work.aside")
        work.symlink_to(full.folder)
        job_id = caller.submit("a sea").body["job_id"]
        wait_for_its_pause(caller, job_id)
        end_pauses(live)
        ended = outages.finished(caller, job_id)
        work.unlink()
        (live.folder / "work.aside").rename(work)
    assert (ended["status"], ended["dust"]) == ("failed", "refunded")
    assert "No space left on device" in detail(live, job_id)
    assert caller.balance() == before
