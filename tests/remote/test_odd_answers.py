"""Answers that are JSON and make no sense: one of them ends no job that a provider is at work on."""

import pytest

from jobs import catalogue
from jobs.models import RemoteState
from jobs.providers.openai_videos import OpenAIVideos
from tests.remote.cases import CASES
from tests.remote.stand_ins.server import Answer
from tests.remote.watching import eventually, states

ONE = pytest.mark.parametrize("case", CASES[:1], indirect=True, ids=["openai"])


class Careless(OpenAIVideos):
    """Reads answers as if they were always what they should be."""

    def taken(self, reply):
        int(reply.body["size"].split("x")[0])
        return super().taken(reply)

    def outcome(self, handle, reply):
        round(reply.body["progress"] / len(reply.body["size"]))
        return super().outcome(handle, reply)


@pytest.fixture
def careless(far, settings):
    """Have the model `far` read by the careless one."""
    provider = f"{Careless.__module__}.{Careless.__name__}"
    settings.VIDEO_MODELS = {"far": {**settings.VIDEO_MODELS["far"], "provider": provider}}


@ONE
@pytest.mark.slow
@pytest.mark.parametrize(
    "odd",
    [{"progress": True, "size": 7}, {"progress": float("nan")}, {"progress": "a"}, {"size": ""}, {"id": 1}],
    ids=["TypeError", "ValueError", "another TypeError", "ZeroDivisionError", "KeyError"],
)
def test_one_answer_that_makes_no_sense_is_asked_for_again(odd, careless, finish, submit, stand_in):
    there, polls = stand_in.retrieve, []

    def retrieve(asked, work_id):
        polls.append(work_id)
        body = there(asked, work_id).body
        return Answer(200, ({**body, **odd} if "id" not in odd else odd) if len(polls) == 2 else body)

    stand_in.takes = 1.0
    stand_in.retrieve = retrieve
    job = finish(submit())
    assert (job.status, states(job)) == ("completed", [RemoteState.MADE])


@ONE
@pytest.mark.slow
def test_a_submit_that_is_answered_so_may_have_been_taken(careless, drive, submit, stand_in):
    there = stand_in.shown
    stand_in.shown = lambda work: {**there(work), "size": "large"}
    job = submit()
    drive()
    eventually(lambda: states(job) == [RemoteState.UNKNOWN])


@pytest.mark.slow
@pytest.mark.parametrize(
    "case", [case for case in CASES if case.name == "runway"], indirect=True, ids=["runway"]
)
def test_a_video_whose_cost_is_no_number_is_delivered(finish, submit, stand_in, task_of):
    there = stand_in.answer

    def answer(asked):
        found = there(asked)
        is_task = isinstance(found.body, dict) and "status" in found.body
        return Answer(found.status, {**found.body, "cost": {"credits": float("nan")}}) if is_task else found

    stand_in.answer = answer
    job = finish(submit())
    assert (job.status, task_of(job).cost_micros) == ("completed", None)


@ONE
@pytest.mark.parametrize("url", ["https://[bad", "", "https://a:b:c/", "//"])
def test_what_is_no_address_is_not_the_providers(url, far):
    assert not catalogue.get("far").adapter().route.owns(url)
