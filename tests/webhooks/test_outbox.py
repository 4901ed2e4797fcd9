"""The timeline as outbox: marked where the change is made, taken over once, whoever dies and however late."""

import importlib
import threading

import pytest
from django.db import connection, connections, transaction
from django.db.migrations.loader import MigrationLoader
from django.test.utils import CaptureQueriesContext

from jobs import lifecycle, timeline
from jobs.models import Job, JobEvent
from tests.jobs.making import order_for
from tests.webhooks.receiving import PATIENCE
from webhooks import outbox
from webhooks.models import Delivery, Endpoint, Receiver

pytestmark = pytest.mark.django_db


def untold():
    return JobEvent.objects.news().count()


def test_what_clients_may_hear_of_is_marked_and_nothing_else(through, submit):
    job = through("failed")
    claimed = lifecycle.claim(submit().id, worker="w1")
    lifecycle.release(claimed)
    lifecycle.claim(claimed.id, worker="w2")
    marked = JobEvent.objects.news().order_by("id").values_list("verb", flat=True)
    assert list(marked) == ["submit", "claim", "fail", "submit", "claim"]
    assert JobEvent.objects.filter(job=job).count() == 4


def test_a_change_that_is_taken_back_takes_its_mark_along(alice):
    with transaction.atomic():
        lifecycle.submit(order_for(alice))
        transaction.set_rollback(True)
    assert untold() == 0


def test_news_of_those_who_have_no_webhook_are_ticked_off(submit):
    submit()
    assert outbox.fan_out(but=set()) == 1
    assert (untold(), Delivery.objects.count()) == (0, 0)


def test_told_once_it_is_told_no_more(endpoint, submit):
    submit()
    assert [outbox.fan_out(but=set()) for _ in range(2)] == [1, 0]
    JobEvent.objects.update(is_news=True)  # as if the mark had come back: a restored table, say
    outbox.fan_out(but=set())
    assert Delivery.objects.count() == 1


def test_marks_and_deliveries_are_one_transaction(endpoint, submit):
    submit()
    with transaction.atomic():
        outbox.fan_out(but=set())
        transaction.set_rollback(True)  # the end of the process, before the commit
    assert (untold(), Delivery.objects.count()) == (1, 0)


def test_one_job_in_trouble_holds_up_no_others(endpoint, submit, caplog):
    bad, good = submit(), submit()
    JobEvent.objects.filter(job=bad).update(status="unheard")
    passed_over = set()
    assert outbox.fan_out(but=passed_over) == 1
    assert Delivery.objects.get().job_id == good.id
    assert passed_over == {JobEvent.objects.get(job=bad).id}
    assert outbox.fan_out(but=passed_over) == 0
    JobEvent.objects.filter(job=bad).update(status="queued")
    assert outbox.fan_out(but=set()) == 1
    assert Delivery.objects.count() == 2


def test_it_asks_the_same_few_statements_for_many_lines(endpoint, submit):
    def statements(number):
        for _ in range(number):
            submit(cost=0)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert outbox.fan_out(but=set()) == number
        return len(queries)

    statements(1)  # what estimates are made of is remembered from then on
    assert statements(2) == statements(15)


def test_what_is_in_turn_is_read_from_the_front_of_an_index(endpoint, submit):
    submit()
    outbox.fan_out(but=set())
    waiting = Delivery.objects.in_turn().filter(receiver=Receiver.objects.get())
    rows = waiting.order_by("next_at", "id").values("id")[:4]
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL enable_seqscan = off")
                cursor.execute("SET LOCAL enable_sort = off")
        plan = rows.explain()
    assert "delivery_due" in plan
    assert "B-TREE FOR" not in plan  # a sort, in the words of SQLite


def test_looking_for_news_reads_only_the_index_of_news(submit):
    for _ in range(5):
        submit()
    JobEvent.objects.update(is_news=False)
    plan = JobEvent.objects.news().order_by("id").values("id")[:200]
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL enable_seqscan = off")
        assert "jobevent_news" in plan.explain()


@pytest.mark.django_db(transaction=True)
def test_its_index_is_built_again_after_a_migration_that_was_killed_and_locks_nobody_out():
    migration = importlib.import_module("jobs.migrations.0020_index_of_news").Migration
    state = MigrationLoader(connection).project_state(("jobs", "0020_index_of_news"))
    with (
        CaptureQueriesContext(connection) as queries,
        connection.schema_editor(atomic=migration.atomic) as editor,
    ):
        migration.operations[0].database_forwards("jobs", editor, state, state)  # it is there already
    [build] = [query["sql"] for query in queries if "CREATE INDEX" in query["sql"]]
    assert ("CONCURRENTLY" in build) == (connection.vendor == "postgresql")
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, JobEvent._meta.db_table)
    assert found["jobevent_news"]["index"]


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    @pytest.mark.skipif(
        connection.vendor != "postgresql", reason="SQLite has one writer at a time: nothing commits late."
    )
    def test_a_commit_that_becomes_visible_late_is_told_all_the_same(self, alice, register, server):
        register(server.url())
        written, go_on = threading.Event(), threading.Event()
        first = {}

        def submit_slowly():
            try:
                with transaction.atomic():
                    first["job"] = lifecycle.submit(order_for(alice, cost=0)).id
                    written.set()
                    assert go_on.wait(PATIENCE)
            finally:
                connections.close_all()

        # by another user: of one, the second submit waits for the first one's account
        thread = threading.Thread(target=submit_slowly)
        thread.start()
        assert written.wait(PATIENCE)
        other = type(alice).objects.create_user("dora", "dora@example.com")
        register(server.url("/dora"), user=other)
        later = lifecycle.submit(order_for(other))
        assert outbox.fan_out(but=set()) == 1
        assert [row.job_id for row in Delivery.objects.all()] == [later.id]
        go_on.set()
        thread.join()
        assert JobEvent.objects.get(job=first["job"]).id < JobEvent.objects.get(job=later.id).id
        assert outbox.fan_out(but=set()) == 1
        assert {row.job_id for row in Delivery.objects.all()} == {first["job"], later.id}

    def test_several_couriers_plan_each_message_once_and_in_order(self, alice, register, server, together):
        register(server.url())
        jobs = [lifecycle.submit(order_for(alice, cost=0)) for _ in range(10)]
        for job in jobs:
            lifecycle.cancel(job)

        together(lambda _: outbox.fan_out(but=set()), range(4))
        assert untold() == 0
        assert Delivery.objects.count() == 20
        assert Receiver.objects.count() == Endpoint.objects.count() == 1

    def test_the_first_urls_of_a_user_make_one_receiver(self, alice, server, allow, together):
        for _ in range(4):
            lifecycle.submit(order_for(alice, cost=0, webhook_url=server.url()))
        ids = timeline.oldest_news(10)
        together(lambda line: outbox._tell([line]), ids)
        assert Receiver.objects.count() == 1
        assert Delivery.objects.count() == Job.objects.count() == 4
