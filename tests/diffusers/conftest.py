"""A model on disk, and a worker that makes videos with it."""

import importlib.util
import subprocess
import sys

import pytest
from django.conf import settings as django_settings

from jobs import kept, runner
from tests.jobs.conftest import dust_of, fresh, submit  # noqa: F401 - fixtures

PACKAGES = ("torch", "diffusers", "transformers", "accelerate")
MISSING = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
needs_diffusers = pytest.mark.skipif(
    bool(MISSING), reason=f"not installed: {', '.join(MISSING)} (requirements-diffusers.txt)"
)
PROVIDER = "jobs.providers.diffusers.Diffusers"


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory):
    """The tiny model, written by a process of its own: this one shall not know torch."""
    folder = tmp_path_factory.mktemp("model")
    subprocess.run(
        [sys.executable, "-m", "tests.diffusers.tiny", folder], check=True, cwd=django_settings.BASE_DIR
    )
    return folder


@pytest.fixture
def worker(settings, tmp_path, model_folder):
    """Offer the tiny model as `tiny`; return a way to offer it with other options, under another name."""
    settings.WORK_DIR = tmp_path / "work"

    def offer(alias="tiny", *, options=(), **changes):
        plain = {
            "model": str(model_folder),
            "image_pipeline": "LTXImageToVideoPipeline",
            "device": "cpu",
            "steps": 3,
            "fps": 2,
            "call": {"max_sequence_length": 16},
        }
        entry = {
            "title": "Tiny",
            "provider": PROVIDER,
            "seconds_of_work": 5,
            "options": {**plain, **dict(options)},
        }
        settings.VIDEO_MODELS = {**settings.VIDEO_MODELS, alias: {**entry, **changes}}

    offer()
    yield offer
    kept.keeper.close()
    assert not list(settings.WORK_DIR.glob("*")), "a work folder was left behind"


@pytest.fixture
def run(worker, submit, fresh):  # noqa: F811
    """Submit a prompt to a model, and run it as a worker would."""

    def make(prompt="a quiet sea", model="tiny", **changes):
        job = submit(prompt=prompt, model=model, **changes)
        runner.run(job.id, worker="w1")
        return fresh(job)

    return make
