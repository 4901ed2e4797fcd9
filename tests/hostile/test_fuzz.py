"""Generated requests, fitting and unfitting ones, by docs/openapi.yaml against a real server.

`FUZZ_EXAMPLES` says how many of each kind (5); `FUZZ_SEED` repeats a run, whose seed is always printed.
"""

import collections
import functools
import os
import pathlib
import random
import re
import secrets
from urllib import parse

import pytest
import schemathesis
from schemathesis import checks
from schemathesis.config import SchemathesisConfig
from schemathesis.core.parameters import ParameterLocation

from tests.videoapi import conformity, document

pytestmark = [pytest.mark.fuzz, pytest.mark.slow]

DOCUMENT = pathlib.Path(__file__).parents[2] / "docs" / "openapi.yaml"
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "5"))
SEED = int(os.environ.get("FUZZ_SEED", "0")) or secrets.randbits(31)
BODY, HEADER, PATH = ParameterLocation.BODY, ParameterLocation.HEADER, ParameterLocation.PATH
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
EVERYWHERE = {405}
UNKNOWN_HEADER = "x-schemathesis-unknown-property"
EVENTS = "text/event-stream"
FEWEST = 10  # requests to one operation; the document is tried in every way that it can be
BEYOND_SCHEMAS = {
    "empty",  # a file of no bytes
    "blank",  # nothing is left after trimming
    "unstorable",  # a NUL, or half of a pair
    "null_characters_not_allowed",  # the same in a query
    "not_allowed",  # a URL that is none of a public host
    "not_web",  # begins as a URL does, and is none
    "too_large",  # metadata, measured in bytes
    "unknown_model",
    "unsupported_by_model",
}
BEYOND_SCHEMAS_IN_V1 = {"prompt", "model", "input_reference", "input_reference.image_url"}
api = schemathesis.openapi.from_path(
    DOCUMENT,
    config=SchemathesisConfig.from_dict(
        {"seed": SEED, "generation": {"max-examples": EXAMPLES, "database": "none"}}
    ),
)


@pytest.fixture(scope="module")
def tally():
    """The answers to each operation that was called here, by status. Refusals alone would prove nothing."""
    counted = collections.defaultdict(collections.Counter)
    yield counted
    answers = sum(counted.values(), collections.Counter())
    print(f"\n{answers.total()} requests, seed {SEED}: {dict(sorted(answers.items()))}")
    assert answers[429] == 0
    assert {name: dict(of) for name, of in counted.items() if of.total() < FEWEST} == {}
    assert {name: dict(of) for name, of in counted.items() if not of[success(name)]} == {}


def success(name):
    """The status of an operation that did what it is for: 202 of a submit, 200 and no 202 of a result."""
    return min(int(status) for status in conformity.named(name)["responses"] if status.startswith("2"))


@pytest.fixture(scope="module")
def caller(installation, objects):
    return {"base_url": installation.url, "headers": {"Authorization": f"Bearer {objects.token}"}}


@api.parametrize()
def test_no_request_gets_an_answer_that_is_not_documented(case, tally, caller, objects):
    name = case.operation.definition.raw["operationId"]
    lead_past_early_ends(case, chance_of(name))
    lead_to_something_real(case, tally[name][success(name)], objects)
    response = case.call(**caller)
    tally[name][response.status_code] += 1
    # an empty value in a query counts as none, which a schema can't say; a header of any name may be there
    is_lenient = set(case.query or {}) - sent(response) or UNKNOWN_HEADER in (case.headers or {})
    is_lenient = is_lenient or has_a_token_of_its_own(case)
    lenient = [checks.negative_data_rejection] if is_lenient else []
    if media_type(response) == EVENTS:  # described as a whole; `every_key_is_documented` looks inside
        lenient.append(checks.response_schema_conformance)
    case.validate_response(
        response,
        excluded_checks=[checks.positive_data_acceptance, *lenient],
        additional_checks=[every_status_is_listed, every_key_is_documented, what_fits_is_accepted],
    )


def media_type(response):
    return response.headers.get("content-type", [""])[0].partition(";")[0]


def has_a_token_of_its_own(case):
    """Whether what is wrong with the headers may be their token alone, which ours takes the place of."""
    part = case.meta.components.get(HEADER)
    return part is not None and not part.mode.is_positive and "Authorization" in case.headers


@functools.cache
def chance_of(operation):
    """Each operation has one of its own: what it draws does not depend on which tests came before."""
    return random.Random(f"{SEED} {operation}")


def sent(response):
    """The names in the query that came with a value: `offset={}` leaves the client as `offset=`."""
    return {name for name, _ in parse.parse_qsl(parse.urlsplit(response.request.url).query)}


def lead_past_early_ends(case, chance):
    """Mend what would end a submit early: a stranger's `user_id`, a key used before, a seed written as 5.0.

    No answer is held for long.
    """
    asked = str((case.query or {}).get("wait"))
    if re.fullmatch(r"\d+(\.0*)?", asked) and 1 < float(asked) <= 60:
        case.query["wait"] = 1
    # text/plain is read as JSON too
    if case.media_type in ("application/json", "text/plain") and isinstance(case.body, dict):
        # from an unfitting body too: else nobody would look at what is wrong with it
        if UUID.fullmatch(str(case.body.get("user_id"))) and chance.random() < 0.9:
            del case.body["user_id"]
        if fits(case, BODY) and isinstance(seed := case.body.get("seed"), float) and seed.is_integer():
            case.body["seed"] = int(seed)  # 5.0 is an integer to JSON Schema, and is none to us
    if fits(case, HEADER) and "Idempotency-Key" in case.headers:
        key = case.headers["Idempotency-Key"]
        is_sound = key.strip() and key.isprintable()  # which the document says in words
        if not is_sound or chance.random() < 0.5:  # of 255 characters at most, as it was made
            case.headers["Idempotency-Key"] = (key if is_sound else "")[:239] + secrets.token_hex(8)


def lead_to_something_real(case, succeeded, objects):
    """Put an id that exists where a fitting one was made up, else nearly all answers would be 404.

    Until the operation has succeeded, the id is one with which it can.
    """
    name = case.operation.definition.raw["operationId"]
    chance = chance_of(name)
    if not fits(case, PATH) or (succeeded and chance.random() < 0.2):
        return
    if "job_id" in case.path_parameters:
        apt = {
            "getJobResult": objects.completed[-1:],
            "downloadOpenaiVideo": objects.completed[-1:],
            "cancelJob": objects.waiting,
            "deleteOpenaiVideo": objects.waiting,
        }.get(name, objects.jobs)
        # what is completed stays, for the other operations
        any_will_do = succeeded and name != "deleteOpenaiVideo"
        case.path_parameters["job_id"] = chance.choice(objects.jobs if any_will_do else apt)
    elif "video_id" in case.path_parameters:
        # the first one is for deleting, the others stay
        few = objects.videos if succeeded else objects.videos[1:]
        case.path_parameters["video_id"] = chance.choice(objects.videos[:1] if name == "deleteVideo" else few)
    elif "webhook_id" in case.path_parameters:
        case.path_parameters["webhook_id"] = objects.webhooks.get(name, objects.webhooks["others"])
        if "delivery_id" in case.path_parameters:
            case.path_parameters["delivery_id"] = objects.told
    else:
        token, file = chance.choice(objects.files if succeeded else objects.files[-2:])
        case.path_parameters.update(token=token, name=file)


def fits(case, location):
    """Whether this part of the request is there, and was made to fit the document."""
    part = case.meta.components.get(location)
    return part is not None and part.mode.is_positive


def every_status_is_listed(ctx, response, case):
    """`default` stands for what is the same everywhere: a method that a path has not, a fault of ours."""
    listed = case.operation.definition.raw["responses"]
    if str(response.status_code) not in listed and response.status_code not in EVERYWHERE:
        raise AssertionError(f"{response.status_code} is not documented for {case.operation.label}")


def every_key_is_documented(ctx, response, case):
    operation = conformity.named(case.operation.definition.raw["operationId"])
    listed = operation["responses"]
    content = listed.get(str(response.status_code), listed["default"]).get("content", {})
    if media_type(response).endswith("json"):
        assert conformity.mistakes(content[media_type(response)]["schema"], response.json()) == []
    if media_type(response) == EVENTS:
        status = conformity.named("getJobStatus")["responses"]["200"]["content"]["application/json"]["schema"]
        told = [each["data"] for each in document.read(EVENTS, response.text) if "data" in each]
        assert [mistake for data in told for mistake in conformity.mistakes(status, data)] == []


def what_fits_is_accepted(ctx, response, case):
    """What fits the document may be refused for a reason that a schema can't say, and for no other."""
    if response.status_code != 400 or not case.meta.generation.mode.is_positive:
        return
    problem = response.json()
    if case.operation.path.startswith("/v1/"):  # one code for many reasons, but the field is named
        said = problem["error"]
        assert said["code"] == "model_not_found" or said["param"] in BEYOND_SCHEMAS_IN_V1, problem
        return
    codes = {error["code"] for error in problem.get("errors", [])} or {problem["error"]}
    assert codes <= BEYOND_SCHEMAS, f"refused though it fits: {codes - BEYOND_SCHEMAS}"
