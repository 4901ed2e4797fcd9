"""VIDEO_API_DOCUMENTATION.md: every example is sent and answered as it says, and nothing is left out."""

import datetime
import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db.models.functions import Now
from django.test import Client
from PIL import Image

from accounts import tokens
from base import phrases
from dust import ledger
from jobs import lifecycle, pricing, runner
from jobs.formats import AspectRatio, Duration, GenerationType, Resolution
from jobs.models import Worker
from jobs.providers import rehearsal
from jobs.providers.base import FailureCode
from jobs.states import Dust, Status
from tests.jobs.making import move_clock, order_for
from tests.videoapi import conformity, document
from tests.videoapi.test_openapi import PROMISED
from webhooks import deliveries, endpoints, outbox
from webhooks.events import EventType
from webhooks.models import Delivery
from webhooks.sending import Outcome

EXAMPLES = document.examples()
JOB_ID = "019a2098-5d59-7b0a-8e11-5a3c2f9d1e77"
VIDEO_ID = "019a2098-9c4e-7d22-b1a8-3f60c2d7e915"
WEBHOOK_ID = "019a20a1-4b7e-7c31-9d02-6e8f1a2b3c4d"
DELIVERY_ID = "019a20a2-0c5d-7e42-8a13-7f901b2c3d4e"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
LINK = re.compile(r"/videos/files/[^/]+/(\w+\.\w+)")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z")
# Numbers and words that differ from run to run and machine to machine: only their type is compared.
MEASURED = {
    *("estimated_completion_seconds", "estimated_remaining_seconds", "typical_seconds", "size_bytes"),
    *("generation_time_ms", "average_processing_time_seconds", "p50_seconds", "p95_seconds", "request_id"),
    *("secret", "webhook_id", "duration_ms"),
}
UNIX = {"created_at", "completed_at", "expires_at"}  # where they are numbers
MEASURED_HEADERS = {
    "ETag": r'(W/)?"[0-9a-f]+"',
    "Retry-After": r"\d+",
    "openai-poll-after-ms": r"\d+000",
    "Content-Range": r"bytes 0-1023/\d+",
}

HOOK = "https://hooks.example.com/videos"
FOX = {
    "prompt": "A red fox runs through fresh snow at dawn",
    "metadata": {"album": "winter"},
    "seed": 42,
    "expected_seconds": 2.0,
}
FAR = {
    "title": "Far away",
    "provider": "jobs.providers.runway.Runway",
    "seconds_of_work": 1.0,
    "remote": {"base_url": "https://models.example.org"},
}
ONE_MODEL = {
    "preview": {
        "durations": ["short", "medium"],
        "resolutions": ["sd_480p", "hd_1080p"],
        "aspect_ratios": ["16:9", "9:16", "1:1"],
    }
}


class Scene:
    """Alice with 100 DUST, a token, and what an example takes as given."""

    def __init__(self, alice, settings):
        self.alice, self.settings = alice, settings
        self.token = tokens.issue(alice, name="documentation")[1]
        settings.VIDEO_MODELS = {"rehearsal": {"options": {"seconds": 0}}}  # no longer than the work takes
        self.real = {}  # an id in the document -> the one it stands for here

    def set(self, given, request):
        """Make it so; `given` as the document has it."""
        {
            "": lambda: None,
            "4 DUST": lambda: self.grant(4),
            "20 unfinished jobs": self.busy,
            "one model": self.one_model,
            "a queued job": self.queued,
            "a job in progress": self.in_progress,
            "a job at a provider that can stop": self.stoppable,
            "a finished job": self.ended,
            "a failed job": lambda: self.ended(prompt="[reject]"),
            "a cancelled job": lambda: lifecycle.cancel(self.queued()),
            "an expired job": lambda: move_clock(self.ended(), hours=25),
            "a webhook": self.webhook,
            "a webhook that was told of a completed job": self.told,
            "a deleted video": lambda: self.delete_video(self.ended()),
            "this request was sent before": lambda: self.send(request),
            "another request was sent with this key": lambda: self.send(
                document.Request(request.method, request.path, request.headers, '{"prompt": "A red fox"}')
            ),
        }[given]()

    def grant(self, amount):
        self.settings.DUST_OPENING_GRANT = amount

    def busy(self):
        self.grant(1000)
        for _ in range(20):
            self.queued()

    def one_model(self):
        self.settings.REHEARSAL = False
        self.settings.VIDEO_MODELS = ONE_MODEL

    def queued(self, **changes):
        job = lifecycle.submit(order_for(self.alice, **{**FOX, **changes}))
        self.real[JOB_ID] = str(job.id)
        return job

    def in_progress(self, **changes):
        job = lifecycle.claim(self.queued(**changes).id, worker="w1")
        lifecycle.accept(job)
        lifecycle.progress(job, share=0.42, step="Rehearsing")
        return job

    def stoppable(self):
        self.settings.CANCEL_RUNNING = True
        self.settings.VIDEO_MODELS = {"far": FAR}
        return self.in_progress(model="far")

    def ended(self, **changes):
        """A job that a worker has really run."""
        Worker.objects.get_or_create(id="w1", queue="render", processes=1)
        job = self.queued(**changes)
        runner.run(job.id, worker="w1")
        job.refresh_from_db()
        if job.video_id:
            self.real[VIDEO_ID] = str(job.video_id)
        return job

    def delete_video(self, job):
        assert self.client().delete(f"/videos/{job.video_id}", headers=self.bearer).status_code == 200

    def webhook(self):
        types = ["job.failed", "job.completed"]
        asked = {"url": HOOK, "event_types": types, "description": "Tells the app"}
        endpoint, _ = endpoints.create(self.alice.pk, **asked)
        self.real[WEBHOOK_ID] = str(endpoint.id)

    def told(self):
        """First in vain, then well; only the user's server is stood in for."""
        self.webhook()
        self.ended()
        outbox.fan_out(but=set())
        for status, words, error in ((503, "restarting", "Answered 503."), (200, "ok", "")):
            Delivery.objects.update(next_at=Now())
            [parcel] = deliveries.take([])
            now = datetime.datetime.now(datetime.UTC)
            outcome = Outcome(at=now, seconds=0.05, status=status, response=words, error=error)
            deliveries.record(parcel, outcome)
        self.real[DELIVERY_ID] = str(parcel.delivery_id)

    @property
    def bearer(self):
        return {"Authorization": f"Bearer {self.token}"}

    def client(self):
        return Client(HTTP_HOST="localhost:8000", enforce_csrf_checks=True)

    def send(self, request):
        path = request.path
        for shown, real in self.real.items():
            path = path.replace(shown, real)
        headers = {
            name: value.replace("<token>", self.token).replace("$TOKEN", self.token)
            for name, value in request.headers.items()
        }
        if LINK.match(path):
            shown = self.client().get(f"/videos/{self.real[VIDEO_ID]}", headers=self.bearer).json()["video"]
            path = shown["url"].removeprefix("http://localhost:8000")
        if request.form:
            return self.client().post(path, self.form(request.form), headers=headers)
        kind = headers.pop("Content-Type", "application/json")
        return self.client().generic(request.method, path, request.body, content_type=kind, headers=headers)

    def form(self, fields):
        return {name: picture(value) if value.startswith("@") else value for name, value in fields.items()}


def picture(name):
    file = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(file, "JPEG")
    file.seek(0)
    file.name = name.removeprefix("@")
    return file


@pytest.fixture
def scene(alice, settings):
    cache.clear()
    yield Scene(alice, settings)
    cache.clear()


def differences(shown, got, real, where=""):
    """How an answer differs from the one shown: keys, types, and values but for what is measured."""
    key = where.rpartition(".")[2]
    if isinstance(shown, dict) and isinstance(got, dict):
        if set(shown) != set(got):
            return [f"{where}: {sorted(set(shown) ^ set(got))} on one side only"]
        return [
            found for name in shown for found in differences(shown[name], got[name], real, f"{where}.{name}")
        ]
    if isinstance(shown, list) and isinstance(got, list) and len(shown) == len(got):
        pairs = zip(shown, got, strict=True)
        return [found for one, other in pairs for found in differences(one, other, real, f"{where}[]")]
    if type(shown) is not type(got):
        return [f"{where}: {shown!r} shown, {got!r} came"]
    if (
        key in MEASURED
        or (key == "id" and shown.isdigit() and got.isdigit())
        or (key in UNIX and isinstance(shown, int))
        or (isinstance(shown, str) and same_text(shown, got, real))
        or shown == got
    ):
        return []
    return [f"{where}: {shown!r} shown, {got!r} came"]


def same_text(shown, got, real):
    """Whether two texts are equal but for times, signatures, and ids; each id stands for one real one."""
    if TIME.fullmatch(shown):
        return bool(TIME.fullmatch(got))
    if LINK.search(shown):
        return LINK.sub(r"\1", shown) == LINK.sub(r"\1", got)
    for one, other in zip(UUID.finditer(shown), UUID.finditer(got), strict=False):
        real.setdefault(one[0], other[0])
    return UUID.sub(lambda found: real.get(found[0], found[0]), shown) == got


@pytest.mark.django_db
@pytest.mark.parametrize(
    "example", EXAMPLES, ids=lambda e: f"line-{e.line}-{e.request.method}-{e.response.status}"
)
def test_the_example_is_answered_as_it_says(scene, example):
    scene.set(example.given, example.request)
    answer = scene.send(example.request)
    shown = example.response
    body = answer.getvalue()
    assert answer.status_code == shown.status, body
    for name, value in shown.headers.items():
        pattern = MEASURED_HEADERS.get(name, re.escape(UUID.sub("ID", value)))
        assert re.fullmatch(pattern, UUID.sub("ID", answer[name])), (name, answer[name])
    if shown.body is not None:
        said = document.read(answer["Content-Type"], body.decode())
        assert differences(shown.body, said, scene.real) == []
    for name in ("Retry-After", "Location", "ETag", "Idempotent-Replayed", "WWW-Authenticate"):
        assert (name in answer) == (name in shown.headers), name


def test_the_token_comes_from_the_command_that_is_shown(db, capsys):
    shown = [block.text for block in document.blocks() if "manage.py" in block.text]
    command = re.fullmatch(r"TOKEN=\$\(python manage.py (.+)\)\n", shown[0])[1]
    call_command(*command.split())
    token = capsys.readouterr().out.strip()
    user, _ = tokens.authenticate(token)
    assert ledger.balance(user.pk).available >= 100


def test_the_first_snippet_is_the_frontend_teams_own():
    own = (Path(__file__).parents[1] / "browser" / "new_flow.js").read_text()
    assert next(block.text for block in document.blocks() if block.language == "javascript") == own


def test_no_block_stands_alone():
    found = document.blocks()
    assert document.TEXT.count("\n```") == 2 * len(found)
    left = [block for block in found if not (block.is_request or block.is_response)]
    assert [block.language for block in left] == [
        *("javascript", "javascript", "bash", "javascript", "json", "python", "javascript", "python"),
    ]
    assert len([block for block in found if block.is_response]) == len(EXAMPLES) > 30


def test_phrases_are_the_standards():
    wrong = [
        example.line for example in EXAMPLES if phrases.of(example.response.status) != example.response.phrase
    ]
    assert wrong == []


def test_every_operation_has_its_section_and_no_other_has():
    headings = set(re.findall(r"^### ((?:GET|POST|PUT|PATCH|DELETE) .+)$", document.TEXT, re.M))
    operations = {f"{method.upper()} {path}" for _, method, path, _ in conformity.operations()}
    assert headings == operations
    overview = {
        row[0].strip("`")
        for row in document.rows("## How it works")
        if row[0].startswith("`") and "/" in row[0]
    }
    assert overview == operations


def test_every_operation_has_an_example_in_its_section():
    silent = [
        heading
        for heading in re.findall(r"^### ((?:GET|POST|PUT|PATCH|DELETE) .+)$", document.TEXT, re.M)
        if "```http\nHTTP/1.1 2" not in document.section(f"### {heading}")
    ]
    assert silent == []


def test_every_field_of_a_request_is_described():
    for heading, schema in (
        ("### POST /videos/generate", "GenerateRequest"),
        ("### POST /videos/generate", "ReferencePersonRequest"),
        ("### POST /videos/animate", "AnimateRequest"),
        ("### POST /videos/animate", "AnimateUploadRequest"),
        ("### PUT /videos/{video_id}", "FavoriteRequest"),
        ("### POST /webhooks", "NewWebhookRequest"),
        ("### PATCH /webhooks/{webhook_id}", "PatchedWebhookChangeRequest"),
        ("### POST /v1/videos", "OpenAIVideoCreateRequest"),
    ):
        fields = set(conformity.components()["schemas"][schema]["properties"]) - {"user_id"}
        assert [name for name in fields if f"`{name}`" not in document.section(heading)] == []


def test_every_field_of_a_status_and_a_video_is_described():
    schemas = conformity.components()["schemas"]
    told = document.section("### GET /videos/jobs/{job_id}/status")
    fields = set(schemas["JobStatusAnswer"]["properties"]) - {"success", "job_id", "generation_info"}
    fields |= {f"generation_info.{name}" for name in schemas["GenerationInfo"]["properties"]}
    assert [name for name in fields if f"`{name}`" not in told] == []
    told = document.section("### The video object")
    assert [name for name in schemas["Video"]["properties"] if f"`{name}`" not in told] == []
    told, given = document.section("## OpenAI's shape"), {"id", "object", "prompt"}
    assert [
        name for name in set(schemas["OpenAIVideo"]["properties"]) - given if f"`{name}`" not in told
    ] == []


def test_every_type_of_message_is_described():
    told = {row[0].strip("`") for row in document.rows("## Webhooks") if row[0].startswith("`job.")}
    assert told == set(EventType.values)


def test_every_query_parameter_is_described():
    missing = [
        (path, parameter["name"])
        for _, method, path, operation in conformity.operations()
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "query"
        and parameter["name"] not in document.section(f"### {method.upper()} {path}")
    ]
    assert missing == []


@pytest.mark.parametrize("choices", [Duration, Resolution, AspectRatio, Status, Dust, FailureCode])
def test_every_word_of_the_api_is_named(choices):
    assert [value for value in choices.values if f"`{value}`" not in document.TEXT] == []


def test_the_errors_are_those_promised():
    told = {row[1].strip("`"): int(row[0]) for row in document.rows("## Errors")}
    assert told == PROMISED


def test_the_reasons_to_fail_are_in_the_apis_own_words():
    told = {row[0].strip("`"): row[1] for row in document.rows("## Why a job fails")}
    assert told == dict(FailureCode.choices)


def test_the_rehearsal_words_are_all_told():
    told = "".join(row[0] for row in document.rows("## Rehearsing"))
    words = {*rehearsal.ERRORS, *rehearsal.ACTIONS, "slow", "once", "at"}
    assert [word for word in words if not re.search(rf"[\[ ]{word}[\] ]", told)] == []


@pytest.mark.django_db
@pytest.mark.slow
@pytest.mark.parametrize(("prompt", "outcome"), document.rows("## Rehearsing"))
def test_the_rehearsal_word_does_what_is_told(scene, prompt, outcome, settings):
    if prompt in {"`[stall]`", "`[hang]`"}:  # patience, which only these try: the others may be slow
        settings.JOB_LEASE *= 0.1
    settings.JOB_RETRY *= 0  # a second try comes after a pause, and this test is all the workers there are
    prompt = prompt.strip("`").replace("60", "2")
    job = scene.ended(prompt=prompt)
    attempts = 1
    while job.status == Status.STARTING:
        runner.run(job.id, worker="w1")
        job.refresh_from_db()
        attempts += 1
    if code := re.search(r"with `(\w+)`", outcome):
        assert (job.status, job.failure_code) == (Status.FAILED, code[1])
    else:
        assert job.status == Status.COMPLETED
    told = {"each try": 3, "is tried again": 3, "third try": 3, "second try": 2}
    assert attempts == next((number for words, number in told.items() if words in outcome), 1)


def test_the_limits_are_the_defaults():
    """Read where nothing is set: the tests' own settings differ."""
    told = dict(document.rows("## Limits"))
    names = (
        "MAX_ACTIVE_JOBS",
        "MAX_STREAMS",
        "STREAM_SECONDS",
        "RATE_SUBMIT",
        "RATE_READ",
        "MAX_JSON_BYTES",
        "MAX_JSON_DEPTH",
        "MAX_UPLOAD_BYTES",
        "MAX_WEBHOOKS",
        "RATE_WEBHOOK",
    )
    lines = "; ".join(f"print(settings.{name})" for name in names)
    environment = {"DEBUG": "true", "SECRET_KEY": "x" * 50, "PATH": "", "DATA_DIR": "/nowhere"}
    command = [sys.executable, "-c", f"from videoapi import settings; {lines}"]
    printed = subprocess.run(
        command, env=environment, cwd=document.PATH.parent, capture_output=True, text=True
    )
    found = dict(zip(names, printed.stdout.split(), strict=True))
    assert told["unfinished jobs of one user"] == f"{found['MAX_ACTIVE_JOBS']} *"
    assert told["streams and held answers of one user"].startswith(f"{found['MAX_STREAMS']} *")
    assert told["life of a stream"] == f"{float(found['STREAM_SECONDS']) / 60:g} minutes *"
    assert f"{told['submits of one user'].split()[0]}/min" == found["RATE_SUBMIT"]
    assert f"{told['requests of one user'].split()[0]}/min" == found["RATE_READ"]
    assert (
        told["JSON body"]
        == f"{int(found['MAX_JSON_BYTES']) // 1024} KiB, nested at most {found['MAX_JSON_DEPTH']} deep"
    )
    assert told["webhooks of one user"] == f"{found['MAX_WEBHOOKS']} *"
    seldom = told["secrets made, tests and replays of one user"]
    assert f"{seldom.split()[0]}/min" == found["RATE_WEBHOOK"]
    assert told["picture"].startswith(f"{int(found['MAX_UPLOAD_BYTES']) // 1024**2} MB")


def test_prices_in_the_text_are_the_defaults():
    assert "Costs 10 DUST" in document.section("### POST /videos/generate")
    assert "Costs 8 DUST" in document.section("### POST /videos/animate")
    plain = {"model": "preview", "resolution": "hd_1080p", "duration": "short"}
    assert [pricing.cost(generation_type=kind, **plain) for kind in GenerationType.values] == [10, 8]
