"""What providers say may hold characters that no database keeps: it is understood and noted all the same."""

import asyncio

import pytest

from jobs import wire
from jobs.models import RemoteState, RemoteTask
from jobs.providers.base import FailureCode
from jobs.providers.remote import Request
from tests.remote.cases import CASES
from tests.remote.stand_ins.server import Answer
from tests.remote.watching import states

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("case", CASES[:1], indirect=True, ids=["openai"]),
    pytest.mark.parametrize("odd", ["\x00", "\ud83d"], ids=["NUL", "half a pair"]),
]


def test_an_answer_has_none_of_them(odd, case, stand_in):
    body = {"id": f"a{odd}", f"b{odd}": [{"message": odd}, 7, None], "whole": "\U0001f30a"}
    answers = [Answer(200, body), Answer(200, f"c{odd}".encode(errors="replace"))]
    stand_in.answer = lambda asked: answers.pop(0)

    async def ask():
        async with wire.Wire(connections=1) as line:
            request = Request(method="GET", url=stand_in.base_url)
            return [await line.ask(request, timeout=10) for _ in range(2)]

    first, second = asyncio.run(ask())
    assert first.body == {"id": "a\ufffd", "b\ufffd": [{"message": "\ufffd"}, 7, None], "whole": "\U0001f30a"}
    assert second.text.isprintable()


def test_a_refusal_in_such_words_is_one(odd, finish, submit, stand_in):
    stand_in.create = lambda asked: stand_in.refusal(400, "invalid_value", f"Not this {odd}")
    job = finish(submit())
    assert (job.status, job.failure_code) == ("failed", FailureCode.PROVIDER_REJECTED)
    assert "Not this \ufffd" in job.failure_detail
    assert (states(job), RemoteTask.objects.to_review().count()) == ([RemoteState.REFUSED], 0)


def test_a_lost_reply_in_such_words_is_one(odd, far, finish, submit, stand_in):
    far(unknown_seconds=1.0)
    stand_in.create = lambda asked: stand_in.refusal(500, "server_error", f"Not now {odd}")
    job = finish(submit())
    assert (job.failure_code, states(job)) == (FailureCode.PROVIDER_TIMEOUT, [RemoteState.UNKNOWN])


def test_an_id_of_such_is_noted(odd, finish, submit, stand_in, task_of):
    """That nobody knows it by what was kept of it is another matter."""
    stand_in.new_id = lambda: f"video_{odd}"
    job = finish(submit())
    assert (job.failure_code, task_of(job).state) == (FailureCode.PROVIDER_UNAVAILABLE, RemoteState.TAKEN)
    assert task_of(job).remote_id == "video_\ufffd"


def test_a_failure_in_such_words_is_one(odd, finish, submit, stand_in):
    there = stand_in.shown
    error = {"code": "video_generation_failed", "message": f"Out of memory {odd}"}
    stand_in.shown = lambda work: {**there(work), "error": error if work.share >= 1 else None}
    job = finish(submit("A quiet sea [fail]"))
    assert (job.failure_code, states(job)) == (FailureCode.PROVIDER_UNAVAILABLE, [RemoteState.NOT_MADE])
    assert "Out of memory \ufffd" in job.failure_detail
