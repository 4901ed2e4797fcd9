"""A prepared query answers with what the same query would."""

import uuid

import pytest
from django.db.models import CharField, UUIDField
from django.forms.models import model_to_dict

from accounts import tokens
from accounts.models import ApiToken
from base.prepared import Place, Prepared
from jobs import lifecycle, lookup
from jobs.models import Job
from tests.jobs.making import finish, order_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def token(alice):
    return tokens.issue(alice, name="phone")[0]


@pytest.fixture
def by_name():
    return Prepared(ApiToken.objects.filter(name=Place("name", CharField())).select_related("user"))


def test_a_row_comes_with_what_it_refers_to_and_no_further_query(
    by_name, token, alice, django_assert_num_queries
):
    with django_assert_num_queries(1):
        found = by_name.first(name="phone")
        assert (found.user, found.user.email) == (alice, alice.email)
    assert model_to_dict(found) == model_to_dict(token)


def test_no_row_is_none(by_name, token):
    assert by_name.first(name="tablet") is None


def test_each_call_has_its_own_values(by_name, alice):
    made = {name: tokens.issue(alice, name=name)[0].pk for name in ("phone", "tablet", "'; --", "%s")}
    assert {name: by_name.first(name=name).pk for name in made} == made


def test_a_prepared_row_can_be_saved(by_name, token):
    found = by_name.first(name="phone")
    found.name = "lost phone"
    found.save(update_fields=["name"])
    assert by_name.first(name="lost phone").pk == token.pk


def test_it_can_be_asked_from_several_threads_at_once(transactional_db, by_name, alice, together):
    made = {f"t{n}": tokens.issue(alice, name=f"t{n}")[0].pk for n in range(4)}
    assert dict(zip(made, together(lambda name: by_name.first(name=name).pk, made), strict=True)) == made


def usual(job):
    jobs = Job.objects.filter(id=job.id).seen_now().with_queue_ahead().select_related("video")
    return jobs.get()


def told(job):
    skipped = {"_state", "now", "is_unanswered", "_prefetched_objects_cache"}
    fields = {name: value for name, value in vars(job).items() if name not in skipped}
    return {name: value for name, value in fields.items() if name not in lookup._NOT_NEEDED}


def jobs_in_each_state(alice, tmp_path):
    first, second, third, fourth = (lifecycle.submit(order_for(alice)) for _ in range(4))
    lifecycle.claim(second.id, worker="w1")
    done = lifecycle.claim(third.id, worker="w1")
    lifecycle.accept(done)
    finish(done, tmp_path)
    lifecycle.cancel(fourth)
    last = lifecycle.submit(order_for(alice))
    return [first, second, third, fourth, last]


def test_the_poll_is_told_what_the_usual_query_tells(alice, tmp_path):
    for job in jobs_in_each_state(alice, tmp_path):
        found, expected = lookup.job(job.id, user_id=alice.pk), usual(job)
        assert told(found) == {k: v for k, v in told(expected).items() if k in told(found)}
        assert found.now.tzinfo == expected.now.tzinfo
        assert abs(found.now - expected.now).total_seconds() < 60
        assert found.prompt == expected.prompt  # read on demand


def test_the_result_comes_with_its_video(alice, tmp_path, django_assert_num_queries):
    done = jobs_in_each_state(alice, tmp_path)[2]
    expected = usual(done).video
    with django_assert_num_queries(1):
        found = lookup.job_with_video(done.id, user_id=alice.pk).video
    assert model_to_dict(found) == model_to_dict(expected)


def test_a_job_of_somebody_else_is_not_found(alice, bob):
    job = lifecycle.submit(order_for(alice))
    assert lookup.job(job.id, user_id=bob.pk) is None
    assert lookup.job(uuid.uuid4(), user_id=alice.pk) is None


def test_a_value_is_put_where_its_place_is(alice, bob):
    place = Place("id", UUIDField())
    both = Prepared(type(alice).objects.filter(id=place, username=Place("name", CharField())))
    assert both.first(name="alice", id=alice.pk) == alice
    assert both.first(name="alice", id=bob.pk) is None
