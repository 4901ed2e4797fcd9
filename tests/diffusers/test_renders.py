"""Videos made by a real pipeline of random numbers, with the real child process, encoder and storage."""

import io
import os
import re
import shutil
import threading
import time

import av
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connections
from PIL import Image

from jobs import kept, lifecycle, runner
from jobs.providers.base import FailureCode
from jobs.states import Status
from tests.diffusers.conftest import needs_diffusers
from tests.jobs.making import OPENING, PRICE

pytestmark = [pytest.mark.django_db, pytest.mark.slow, needs_diffusers]


def log():
    return os.pread(kept.keeper._log.fileno(), 100_000, 0).decode()


def require_made(job):
    assert job.status == Status.COMPLETED, job.failure_detail


def content(job):
    with default_storage.open(job.video.file) as file:
        return file.read()


def frames(job):
    with av.open(io.BytesIO(content(job))) as container:
        stream = container.streams.video[0]
        sizes = {(frame.width, frame.height) for frame in container.decode(stream)}
        return sizes, stream.frames, float(stream.average_rate)


def animate(run, color, **changes):
    file = io.BytesIO()
    Image.new("RGB", (300, 200), color).save(file, "PNG")
    stored = default_storage.save("uploads/aa/one", ContentFile(file.getvalue()))
    asked = {"generation_type": "image_to_video", "aspect_ratio": "", "cost": 8}
    return run(upload=stored, upload_name="cat.png", **asked, **changes)


def test_text_and_pictures_become_videos_by_weights_that_are_loaded_once(run, alice, dust_of):
    one, again, other = run(seed=7), run(seed=7), run(seed=8)
    teal, red = animate(run, "teal"), animate(run, "red")
    for job in (one, again, other, teal, red):
        require_made(job)
    assert frames(one) == ({(854, 480)}, 10, 2.0)
    video = one.video
    assert (video.width, video.height, video.fps, video.duration_seconds) == (854, 480, 2, 5.0)
    assert frames(teal) == ({(720, 480)}, 10, 2.0)
    assert content(one) == content(again)
    assert content(one) != content(other)
    assert content(teal) != content(red)
    assert default_storage.exists(one.video.poster)
    loads = re.findall(r"as (\w+) in [\d.]+ s, (\d) parts were in memory", log())
    assert loads == [("LTXPipeline", "0"), ("LTXImageToVideoPipeline", "5")]
    assert dust_of(alice) == (OPENING - 3 * PRICE - 2 * 8, 0)


def test_options_reach_the_pipeline(run, worker):
    tuned = {"dtype": {"default": "bfloat16", "vae": "float32"}, "vae_tiling": True, "guidance": 4.5}
    worker("tuned", options={**tuned, "negative_prompt": "blur", "pipeline": "LTXPipeline", "steps": 1})
    require_made(run(model="tuned"))


@pytest.fixture
def watched(submit, fresh):
    """Run a job while another thread looks at it, and acts at a step.

    Return the job, the steps seen, and the seconds it went on after the act.
    """

    def make(model, act=lambda job: None):
        job, seen, acted = submit(prompt="a quiet sea", model=model), [], []

        def watch():
            while (now := fresh(job)).status not in {Status.COMPLETED, Status.FAILED}:
                if now.current_step not in seen:
                    seen.append(now.current_step)
                if now.current_step.startswith("Step") and not acted:
                    act(now)
                    acted.append(time.monotonic())
                time.sleep(0.05)
            connections.close_all()

        thread = threading.Thread(target=watch)
        thread.start()
        runner.run(job.id, worker="w1")
        ended = time.monotonic()
        thread.join(60)
        return fresh(job), seen, ended - acted[0]

    return make


@pytest.mark.django_db(transaction=True)
def test_each_step_is_told(worker, watched):
    worker("slow", options={"steps": 12})
    job, seen, _ = watched("slow")
    require_made(job)
    steps = [step for step in seen if step.startswith("Step")]
    assert steps == sorted(steps, key=lambda step: int(step.split()[1]))
    assert len(steps) >= 2
    assert all(step.endswith(" of 12") for step in steps)


@pytest.mark.django_db(transaction=True)
def test_a_job_that_is_ended_in_the_middle_stops_at_the_next_step_and_the_weights_stay(worker, watched, run):
    worker("endless", options={"steps": 5000})

    def end(job):
        lifecycle.fail(job, code=FailureCode.INTERNAL_ERROR, detail="stuck", actor="charlie")

    job, _, seconds = watched("endless", end)
    first = kept.keeper._process.pid
    assert job.status == Status.FAILED
    assert seconds < kept.STOP_SECONDS
    again, _, _ = watched("endless", end)
    assert again.status == Status.FAILED
    assert kept.keeper._process.pid == first
    assert log().count("loaded") == 1


def failed(job, code, alice, dust_of):
    assert (job.status, job.failure_code, job.attempt) == (Status.FAILED, code, 1), job.failure_detail
    assert dust_of(alice) == (OPENING, 0)
    assert kept.keeper._process is None  # and all that it held
    return job.failure_detail


def test_a_frame_too_large_for_the_memory_is_a_clear_failure_and_the_next_job_is_made(
    run, worker, alice, dust_of
):
    worker("small", memory_mb=2500, options={"steps": 1})
    detail = failed(run(model="small", resolution="4k_2160p"), FailureCode.PROVIDER_REJECTED, alice, dust_of)
    assert "not enough memory to make 3840 x 2176, 17 frames" in detail
    require_made(run(model="small"))


@pytest.mark.parametrize("kind", ["missing", "empty", "pickle", "damaged"])
def test_a_model_that_can_not_be_loaded_is_a_clear_failure(
    run, worker, alice, dust_of, tmp_path, model_folder, kind
):
    folder = tmp_path / "model"
    if kind == "empty":
        folder.mkdir()
    elif kind != "missing":
        shutil.copytree(model_folder, folder)
        weights = folder / "transformer/diffusion_pytorch_model.safetensors"
        if kind == "pickle":  # which could hold code
            weights.rename(weights.with_suffix(".bin"))
        else:
            weights.write_bytes(weights.read_bytes()[:1000])
    worker("wrong", options={"model": str(folder)})
    detail = failed(run(model="wrong"), FailureCode.PROVIDER_UNAVAILABLE, alice, dust_of)
    assert f"The model {str(folder)!r} can't be loaded" in detail


def test_code_that_comes_with_a_model_is_not_run(run, worker, alice, dust_of, tmp_path, model_folder):
    folder = tmp_path / "model"
    shutil.copytree(model_folder, folder)
    mark = tmp_path / "it-ran"
    code = f"from pathlib import Path\nPath({str(mark)!r}).touch()\nclass Mine:\n    pass\n"
    (folder / "pipeline.py").write_text(code)
    (folder / "transformer/mine.py").write_text(code)
    index = folder / "model_index.json"
    index.write_text(
        index.read_text()
        .replace('"LTXVideoTransformer3DModel"', '"Mine"')
        .replace('"transformer": [\n    "diffusers"', '"transformer": [\n    "mine"')
    )
    assert '"mine"' in index.read_text()
    worker("wrong", options={"model": str(folder)})
    failed(run(model="wrong"), FailureCode.PROVIDER_UNAVAILABLE, alice, dust_of)
    assert not mark.exists()


def test_a_repository_that_was_not_fetched_is_a_clear_failure(
    run, worker, alice, dust_of, tmp_path, monkeypatch
):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    worker("absent", options={"model": "someone/some-model"})
    detail = failed(run(model="absent"), FailureCode.PROVIDER_UNAVAILABLE, alice, dust_of)
    assert "someone/some-model" in detail


def test_a_pipeline_for_which_a_request_makes_no_sense_is_a_clear_failure(run, worker, alice, dust_of):
    worker("unfit", options={"call": {"no_such_argument": 1}})
    detail = failed(run(model="unfit"), FailureCode.PROVIDER_UNAVAILABLE, alice, dust_of)
    assert "LTXPipeline takes no no_such_argument" in detail


def test_a_want_of_a_gpu_is_a_clear_failure(run, worker, alice, dust_of, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    worker("far", options={"device": "cuda"})
    detail = failed(run(model="far"), FailureCode.PROVIDER_UNAVAILABLE, alice, dust_of)
    assert "can't be loaded" in detail
