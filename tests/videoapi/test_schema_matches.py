"""Every operation in each of its states, for real: the answer is exactly what the OpenAPI document says."""

import datetime
import io
import uuid

import pytest
from django.core.cache import cache
from django.db import OperationalError, connection
from PIL import Image
from rest_framework.test import APIClient

from base.throttles import ReadThrottle
from dust.models import Account
from jobs import lifecycle
from jobs.providers.base import FailureCode
from tests.jobs.making import finish, move_clock, order_for
from tests.videoapi import conformity, webhook_scenarios

SCENARIOS = dict(webhook_scenarios.SCENARIOS)
FAR = {
    "title": "Far away",
    "provider": "jobs.providers.runway.Runway",
    "seconds_of_work": 1.0,
    "remote": {"base_url": "https://models.example.org"},
}
# Two requests at one moment, on two connections: tests/jobs/test_idempotency.py has them.
ELSEWHERE = {("generateVideo", "409"), ("animateImage", "409"), ("createOpenaiVideo", "409")}


def scenario(operation, status):
    def keep(function):
        SCENARIOS[operation, str(status)] = function
        return function

    return keep


class World:
    """Alice, her client, and shortcuts to what she may come upon."""

    def __init__(self, api, alice, settings, tmp_path):
        self.api, self.alice, self.settings, self.tmp_path = api, alice, settings, tmp_path

    def queued(self, **changes):
        return lifecycle.submit(order_for(self.alice, **changes))

    def processing(self):
        job = lifecycle.claim(self.queued().id, worker="w1")
        lifecycle.accept(job)
        lifecycle.progress(job, share=0.3, step="Drawing")
        return job

    def completed(self):
        job = self.processing()
        self.video_id = finish(job, self.tmp_path)
        return job

    def failed(self):
        job = self.processing()
        lifecycle.fail(job, code=FailureCode.CONTENT_REJECTED, detail="the provider's own words")
        return job

    def cancelled(self):
        job = self.queued()
        lifecycle.cancel(job)
        return job

    def expired(self):
        job = self.completed()
        move_clock(job, hours=25)
        return job

    def deleted(self):
        job = self.completed()
        assert self.api.delete(f"/videos/{self.video_id}").status_code == 200
        return job

    def link(self, name="url"):
        self.completed()
        return self.api.get(f"/videos/{self.video_id}").json()["video"][name]


@pytest.fixture
def world(api, alice, settings, tmp_path):
    cache.clear()
    yield World(api, alice, settings, tmp_path)
    cache.clear()


def picture():
    file = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(file, "PNG")
    file.seek(0)
    file.name = "sea.png"
    return file


GENERATE, ANIMATE, CREATE = "/videos/generate", "/videos/animate", "/v1/videos"
BODIES = {
    CREATE: {"prompt": "a quiet sea"},
    GENERATE: {"prompt": "a quiet sea"},
    ANIMATE: {"prompt": "zoom in", "image_url": "http://pictures.example/cat.jpg"},
    **webhook_scenarios.BODIES,
}


def submits(operation, path, *, success=202):
    """The states of a submit, which all have."""
    body = BODIES[path]

    def send(world, **options):
        return world.api.post(path, body, format="json", **options)

    @scenario(operation, success)
    def accepted(world):
        first = send(world, headers={"Idempotency-Key": "k1"})
        assert conformity.violations(conformity.named(operation), first) == []
        return send(world, headers={"Idempotency-Key": "k1"})

    @scenario(operation, 400)
    def invalid(world):
        return world.api.post(path, {"prompt": "", "camera": 1}, format="json")

    @scenario(operation, 402)
    def too_dear(world):
        world.settings.DUST_PRICES = {"generate": 101, "animate": 101}
        return send(world)

    @scenario(operation, 403)
    def as_somebody_else(world):
        return world.api.post(path, {**body, "user_id": str(uuid.uuid4())}, format="json")

    @scenario(operation, 413)
    def too_large(world):
        return world.api.post(path, {**body, "metadata": {"x": "y" * 70_000}}, format="json")

    @scenario(operation, 415)
    def in_xml(world):
        return world.api.post(path, "<a/>", content_type="application/xml")

    @scenario(operation, 422)
    def another_body(world):
        send(world, headers={"Idempotency-Key": "k1"})
        changed = {**body, "seed": 3}
        return world.api.post(path, changed, format="json", headers={"Idempotency-Key": "k1"})

    @scenario(operation, 429)
    def too_many(world):
        world.settings.MAX_ACTIVE_JOBS = 1
        send(world)
        return send(world)


submits("generateVideo", GENERATE)
submits("animateImage", ANIMATE)
submits("createOpenaiVideo", CREATE, success=200)


@scenario("getJobStatus", 200)
def any_status(world):
    for job in (world.queued(), world.processing(), world.completed(), world.failed(), world.cancelled()):
        answer = world.api.get(f"/videos/jobs/{job.id}/status")
        assert conformity.violations(conformity.named("getJobStatus"), answer) == []
    return world.api.get(f"/videos/jobs/{world.expired().id}/status")


@scenario("getJobStatus", 304)
def unchanged(world):
    path = f"/videos/jobs/{world.queued().id}/status"
    return world.api.get(path, headers={"If-None-Match": world.api.get(path)["ETag"]})


@scenario("getJobStatus", 400)
def no_such_wait(world):
    return world.api.get(f"/videos/jobs/{world.queued().id}/status?wait=61")


@scenario("streamJobEvents", 200)
def the_events_of_a_job(world):
    return world.api.get(f"/videos/jobs/{world.completed().id}/events")


@scenario("streamJobEvents", 204)
def nothing_more_to_tell(world):
    return world.api.get(
        f"/videos/jobs/{world.failed().id}/events", headers={"Last-Event-ID": "1" + "0" * 15}
    )


@scenario("streamJobEvents", 400)
def no_event_of_a_job(world):
    return world.api.get(f"/videos/jobs/{world.queued().id}/events", headers={"Last-Event-ID": "x"})


@scenario("streamEvents", 200)
def the_events(world):
    world.queued(), world.processing()
    return world.api.get("/videos/jobs/events")


@scenario("streamEvents", 400)
def no_event(world):
    return world.api.get("/videos/jobs/events?last_event_id=x")


@scenario("getJobResult", 200)
def the_result(world):
    return world.api.get(f"/videos/jobs/{world.completed().id}/result")


@scenario("getJobResult", 202)
def no_result_yet(world):
    return world.api.get(f"/videos/jobs/{world.processing().id}/result")


@scenario("getJobResult", 409)
def no_result_ever(world):
    failed = world.api.get(f"/videos/jobs/{world.failed().id}/result")
    assert conformity.violations(conformity.named("getJobResult"), failed) == []
    return world.api.get(f"/videos/jobs/{world.cancelled().id}/result")


@scenario("getJobResult", 410)
def result_gone(world):
    deleted = world.api.get(f"/videos/jobs/{world.deleted().id}/result")
    assert conformity.violations(conformity.named("getJobResult"), deleted) == []
    return world.api.get(f"/videos/jobs/{world.expired().id}/result")


@scenario("cancelJob", 200)
def cancelled(world):
    return world.api.delete(f"/videos/jobs/{world.queued().id}")


@scenario("cancelJob", 202)
def stopping(world):
    world.settings.CANCEL_RUNNING = True
    world.settings.VIDEO_MODELS = {"far": FAR}
    job = lifecycle.claim(world.queued(model="far").id, worker="w1")
    return world.api.delete(f"/videos/jobs/{job.id}")


@scenario("cancelJob", 409)
def too_late(world):
    return world.api.delete(f"/videos/jobs/{world.processing().id}")


@scenario("listActiveJobs", 200)
def active(world):
    world.queued(), world.processing()
    return world.api.get("/videos/jobs/active")


@scenario("listJobs", 200)
def all_jobs(world):
    world.queued(), world.completed(), world.failed()
    return world.api.get("/videos/jobs?limit=2")


@scenario("listJobs", 400)
def unknown_status(world):
    return world.api.get("/videos/jobs?status=expired")


@scenario("getStatistics", 200)
def numbers(world):
    empty = world.api.get("/videos/stats")
    assert conformity.violations(conformity.named("getStatistics"), empty) == []
    world.completed()
    cache.clear()
    return world.api.get("/videos/stats")


@scenario("listModels", 200)
def models(world):
    return world.api.get("/videos/models")


@scenario("quoteVideo", 200)
def quote(world):
    return world.api.get("/videos/quote?generation_type=image_to_video&duration=long")


@scenario("quoteVideo", 400)
def endless(world):
    return world.api.get("/videos/quote?duration=endless")


@scenario("listVideos", 200)
def videos(world):
    world.completed()
    return world.api.get("/videos")


@scenario("listVideos", 400)
def no_page(world):
    return world.api.get("/videos?limit=0")


@scenario("getVideo", 200)
def a_video(world):
    world.completed()
    return world.api.get(f"/videos/{world.video_id}")


@scenario("setVideoFavorite", 200)
def favourite(world):
    world.completed()
    return world.api.put(f"/videos/{world.video_id}", {"is_favorited": True}, format="json")


@scenario("setVideoFavorite", 400)
def perhaps_favourite(world):
    return world.api.put(f"/videos/{uuid.uuid4()}", {"is_favorited": "perhaps"}, format="json")


@scenario("setVideoFavorite", 403)
def anothers_favourite(world):
    body = {"is_favorited": True, "user_id": str(uuid.uuid4())}
    return world.api.put(f"/videos/{uuid.uuid4()}", body, format="json")


@scenario("setVideoFavorite", 413)
def large_favourite(world):
    return world.api.put(f"/videos/{uuid.uuid4()}", {"x": "y" * 70_000}, format="json")


@scenario("setVideoFavorite", 415)
def xml_favourite(world):
    return world.api.put(f"/videos/{uuid.uuid4()}", "<a/>", content_type="application/xml")


@scenario("deleteVideo", 200)
def deleted(world):
    world.completed()
    return world.api.delete(f"/videos/{world.video_id}")


@scenario("getVideoFile", 200)
def whole_file(world):
    poster = world.api.get(world.link("thumbnail_url"))
    assert conformity.violations(conformity.named("getVideoFile"), poster) == []
    return world.api.get(world.link())


@scenario("getVideoFile", 206)
def part_of_a_file(world):
    return world.api.get(world.link(), headers={"Range": "bytes=0-2"})


@scenario("getVideoFile", 304)
def same_file(world):
    link = world.link()
    return world.api.get(link, headers={"If-None-Match": world.api.head(link)["ETag"]})


@scenario("getVideoFile", 403)
def old_link(world):
    world.settings.MEDIA_URL_SECONDS = -10
    return world.api.get(world.link())


@scenario("getVideoFile", 404)
def forged_link(world):
    return world.api.get("/videos/files/forged/video.mp4")


@scenario("getVideoFile", 412)
def another_file(world):
    return world.api.get(world.link(), headers={"If-Match": '"another"'})


@scenario("getVideoFile", 416)
def past_the_end(world):
    return world.api.get(world.link(), headers={"Range": "bytes=999999-"})


@scenario("getDustBalance", 200)
def balance(world):
    world.queued()
    return world.api.get("/dust/balance")


@scenario("listDustTransactions", 200)
def transactions(world):
    world.cancelled(), world.failed()
    return world.api.get("/dust/transactions")


@scenario("listDustTransactions", 400)
def no_transactions_page(world):
    return world.api.get("/dust/transactions?offset=-1")


@scenario("listOpenaiVideos", 200)
def openai_videos(world):
    empty = world.api.get(CREATE)
    assert conformity.violations(conformity.named("listOpenaiVideos"), empty) == []
    world.queued(), world.completed(), world.failed(), world.cancelled()
    return world.api.get("/v1/videos?limit=3")


@scenario("listOpenaiVideos", 400)
def no_openai_page(world):
    return world.api.get("/v1/videos?after=video_1")


@scenario("getOpenaiVideo", 200)
def any_openai_video(world):
    for job in (world.queued(), world.processing(), world.completed(), world.failed(), world.cancelled()):
        answer = world.api.get(f"/v1/videos/{job.id}")
        assert conformity.violations(conformity.named("getOpenaiVideo"), answer) == []
    return world.api.get(f"/v1/videos/{world.queued(aspect_ratio='').id}")


def openai_content(world, query="", job=None, **headers):
    job = job or world.completed()
    return world.api.get(f"/v1/videos/{job.id}/content{query}", headers=headers)


@scenario("downloadOpenaiVideo", 200)
def whole_content(world):
    thumbnail = openai_content(world, "?variant=thumbnail")
    assert conformity.violations(conformity.named("downloadOpenaiVideo"), thumbnail) == []
    return openai_content(world)


@scenario("downloadOpenaiVideo", 206)
def part_of_the_content(world):
    return openai_content(world, Range="bytes=0-2")


@scenario("downloadOpenaiVideo", 304)
def same_content(world):
    job = world.completed()
    tag = world.api.head(f"/v1/videos/{job.id}/content")["ETag"]
    return openai_content(world, job=job, **{"If-None-Match": tag})


@scenario("downloadOpenaiVideo", 400)
def no_such_variant(world):
    return openai_content(world, "?variant=gif")


@scenario("downloadOpenaiVideo", 404)
def no_content(world):
    for job in (world.processing(), world.failed(), world.cancelled(), world.expired(), world.deleted()):
        answer = openai_content(world, job=job)
        assert answer.status_code == 404
        assert conformity.violations(conformity.named("downloadOpenaiVideo"), answer) == []
    return openai_content(world, "?variant=spritesheet")


@scenario("downloadOpenaiVideo", 412)
def another_content(world):
    return openai_content(world, **{"If-Match": '"another"'})


@scenario("downloadOpenaiVideo", 416)
def past_the_content(world):
    return openai_content(world, Range="bytes=999999-")


@scenario("deleteOpenaiVideo", 200)
def openai_video_deleted(world):
    return world.api.delete(f"/v1/videos/{world.completed().id}")


@scenario("deleteOpenaiVideo", 409)
def openai_video_at_work(world):
    world.settings.CANCEL_RUNNING = True
    world.settings.VIDEO_MODELS = {"far": FAR}
    job = lifecycle.claim(world.queued(model="far").id, worker="w1")
    stopping = world.api.delete(f"/v1/videos/{job.id}")
    assert stopping.status_code == 409
    assert conformity.violations(conformity.named("deleteOpenaiVideo"), stopping) == []
    return world.api.delete(f"/v1/videos/{world.processing().id}")


# --- what many operations have in common -------------------------------------------------------------------


def call(client, method, path):
    """Call an operation with whatever it needs to come as far as its own work."""
    ids = {name: uuid.uuid4() for name in ("job_id", "video_id", "webhook_id", "delivery_id")}
    filled = path.format(**ids, token="t", name="video.mp4")
    body = BODIES.get(path, {"is_favorited": True}) if method in ("post", "put", "patch") else None
    return getattr(client, method)(filled, body, **({"format": "json"} if body is not None else {}))


def nobody(world, method, path):
    return call(APIClient(), method, path)


def strangers_page(world, method, path):
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(world.alice)
    return call(client, method, path)


def unknown_id(world, method, path):
    return call(world.api, method, path)


def too_fast(world, method, path):
    rates = ReadThrottle.THROTTLE_RATES
    kept, rates["read"] = rates["read"], "1/min"
    try:
        call(world.api, method, path)
        return call(world.api, method, path)
    finally:
        rates["read"] = kept


def database_away(world, method, path):
    path = path.replace("{token}/{name}", "/".join(world.link().split("/")[-2:]))

    def refuse(*_):
        raise OperationalError("the connection is lost")

    cache.clear()
    with connection.execute_wrapper(refuse):
        return call(world.api, method, path)


COMMON = {
    "401": nobody,
    "403": strangers_page,
    "404": unknown_id,
    "429": too_fast,
    "503": database_away,
}
DOCUMENTED = [
    pytest.param(name, method, path, status, id=f"{name}-{status}")
    for name, method, path, operation in conformity.operations()
    for status in operation["responses"]
    if (name, status) not in ELSEWHERE and status != "default"
]


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "method", "path", "status"), DOCUMENTED)
def test_each_documented_status_comes_and_is_as_documented(world, name, method, path, status):
    play = SCENARIOS.get((name, status))
    answer = play(world) if play else COMMON[status](world, method, path)
    assert answer.status_code == int(status), answer.getvalue()
    assert conformity.violations(conformity.named(name), answer) == []


@pytest.mark.parametrize(("name", "method", "path"), [found[:3] for found in conformity.operations()])
def test_other_methods_are_the_default_error(world, name, method, path):
    has_patch = "patch" in conformity.document()["paths"][path]
    answer = call(world.api, "put" if has_patch else "patch", path)
    assert answer.status_code == 405
    assert conformity.violations(conformity.named(name), answer) == []


def test_a_picture_in_a_form_is_accepted_as_documented(world):
    fields = {"prompt": "zoom in", "image": picture(), "camera_fixed": "true", "metadata": '{"a": 1}'}
    answer = world.api.post(ANIMATE, fields, format="multipart")
    assert answer.status_code == 202
    assert conformity.violations(conformity.named("animateImage"), answer) == []


def test_a_picture_that_is_too_large_is_refused_as_documented(world):
    world.settings.MAX_UPLOAD_BYTES = 10
    answer = world.api.post(ANIMATE, {"prompt": "zoom in", "image": picture()}, format="multipart")
    assert answer.status_code == 413
    assert conformity.violations(conformity.named("animateImage"), answer) == []


def test_a_frozen_account_is_refused_as_documented(world):
    world.api.get("/dust/balance")
    Account.objects.filter(user=world.alice).update(frozen=True)
    answer = world.api.post(GENERATE, BODIES[GENERATE], format="json")
    assert (answer.status_code, answer.json()["error_code"]) == (403, "account_frozen")
    assert conformity.violations(conformity.named("generateVideo"), answer) == []


def test_too_little_dust_is_refused_as_documented_in_openais_shape(world):
    world.settings.DUST_PRICES = {"generate": 101, "animate": 101}
    answer = world.api.post(CREATE, BODIES[CREATE], format="json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "insufficient_quota")
    assert conformity.violations(conformity.named("createOpenaiVideo"), answer) == []


def test_the_check_notices_what_is_not_documented(world):
    answer = world.api.get("/dust/balance")
    operation = conformity.named("getDustBalance")
    assert conformity.violations(operation, answer) == []
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    body = answer.json()
    assert conformity.mistakes(schema, {**body, "secret": 1})
    assert conformity.mistakes(schema, {**body, "held": "0"})
    assert conformity.mistakes(schema, {"success": True})
    now = datetime.datetime.now(datetime.UTC).isoformat()
    assert conformity.mistakes({"type": "string", "format": "date-time"}, now)
