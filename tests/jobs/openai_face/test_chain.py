"""One installation can be another's provider: our adapter for `/v1/videos` understands our own."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from jobs import lifecycle
from jobs.models import Job
from jobs.providers.base import FailureCode
from jobs.providers.openai_videos import OpenAIVideos
from jobs.providers.remote import Made, NotMade, Refused, Working
from tests.jobs.making import finish
from tests.remote.adapters.saying import handle, order, reply, route

ADAPTER = OpenAIVideos(route("https://videos.example.org/v1", "preview"))


def said_of(response):
    return reply(response.json(), status=response.status_code, **dict(response.items()))


def send(api, request):
    """Post what the adapter would send."""
    path = request.url.removeprefix("https://videos.example.org")
    headers = {name: value for name, value in request.headers.items() if name != "Authorization"}
    if request.json is not None:
        return api.post(path, request.json, format="json", headers=headers)
    files = {
        name: SimpleUploadedFile(file.name, file.content, file.content_type)
        for name, file in request.files.items()
    }
    return api.post(path, {**request.fields, **files}, format="multipart", headers=headers)


@pytest.mark.parametrize("image", [None, b"\xff\xd8\xff a picture"])
def test_its_submit_is_taken_once(api, image):
    request = ADAPTER.submit(order(image=image))
    taken = ADAPTER.taken(said_of(send(api, request)))
    again = ADAPTER.taken(said_of(send(api, request)))
    job = Job.objects.get()
    assert taken.remote_id == again.remote_id == str(job.id)
    assert (job.model, job.prompt, job.seed, job.resolution) == ("preview", "A quiet sea", 7, "hd_720p")
    assert job.generation_type == ("image_to_video" if image else "text_to_video")


def test_too_little_dust_there_is_an_account_to_top_up_and_no_fault_of_the_job(api, settings):
    settings.DUST_OPENING_GRANT = 4
    refused = ADAPTER.refused(said_of(send(api, ADAPTER.submit(order()))))
    assert isinstance(refused, Refused)
    assert refused.code == FailureCode.PROVIDER_UNAVAILABLE


def outcome(api, job):
    return ADAPTER.outcome(handle(str(job.id)), said_of(api.get(f"/v1/videos/{job.id}")))


def test_it_follows_a_job_to_its_end(api, processing, tmp_path):
    lifecycle.progress(processing, share=0.4, step="Drawing")
    working = outcome(api, processing)
    assert isinstance(working, Working)
    assert (working.share, working.is_waiting, working.strange) == (0.4, False, "")
    assert working.poll_after >= 1
    finish(processing, tmp_path)
    made = outcome(api, processing)
    assert isinstance(made, Made)
    assert made.video.url == f"https://videos.example.org/v1/videos/{processing.id}/content"


def test_it_tells_what_was_blocked_from_what_broke(api, processing):
    lifecycle.fail(processing, code=FailureCode.CONTENT_REJECTED, detail="")
    blocked = outcome(api, processing)
    assert isinstance(blocked, NotMade)
    assert blocked.code == FailureCode.CONTENT_REJECTED
