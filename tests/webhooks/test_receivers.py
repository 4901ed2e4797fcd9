"""Receivers that are down, slow, redirecting, gone or hostile: what arrives, when, in which order."""

import contextlib
import datetime

import pytest
from django.utils import timezone

from tests import ports
from tests.jobs import servers
from tests.webhooks.conftest import pass_time
from tests.webhooks.receiving import Listener, Reply
from webhooks import checks, deliveries, endpoints, outbox, places, receivers, schedule
from webhooks.models import Attempt, Delivery, Receiver, State

pytestmark = pytest.mark.django_db

SCHEDULE = [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]  # seconds


def assert_waits(delivery, seconds):
    """The next try is so long after the last one failed, which was after it was sent and before now."""
    delivery.refresh_from_db()
    sent, now = delivery.attempts.order_by("id").last().at, timezone.now()
    shortest, longest = (seconds * (1 + sign * schedule.JITTER) for sign in (-1, 1))
    assert (delivery.next_at - sent).total_seconds() > shortest - 0.01  # SQLite's clock has three digits
    assert (delivery.next_at - now).total_seconds() < longest + 0.01


def skip_wait():
    """Let the time until the next try pass, rest of the receiver and all."""
    wait = max(row.next_at for row in Delivery.objects.pending()) - timezone.now()
    pass_time(seconds=max(wait.total_seconds(), schedule.LONGEST_REST.total_seconds() * 1.2) + 1)


def reason(delivery):
    return delivery.attempts.order_by("id").last().error


class TestDown:
    @pytest.fixture
    def no_retry_yet(self, settings):
        """Nothing that failed once is due again while the test goes on."""
        settings.WEBHOOK_RETRIES = [datetime.timedelta(minutes=1), *settings.WEBHOOK_RETRIES[1:]]

    def test_it_is_tried_ten_times_over_about_three_days_then_given_up(self, endpoint, server, submit, carry):
        server.answer = lambda heard: 500
        submit()
        carry()
        delivery = Delivery.objects.get()
        for seconds in SCHEDULE:
            assert_waits(delivery, seconds)
            skip_wait()
            assert carry() == 1
        assert (
            datetime.timedelta(days=3)
            < datetime.timedelta(seconds=sum(SCHEDULE))
            < datetime.timedelta(days=4)
        )
        delivery.refresh_from_db()
        assert delivery.state == State.FAILED
        assert len(server.heard) == delivery.attempts.count() == 10

    def test_every_try_has_the_same_id_and_body_and_a_signature_of_its_time(
        self, register, server, submit, carry
    ):
        _, secret = register(server.url())
        server.answer = lambda heard: 500 if len(server.heard) < 3 else 200
        submit()
        while carry():
            if Delivery.objects.pending().exists():
                skip_wait()
        assert len(server.heard) == 3
        assert len({(heard.id, heard.text) for heard in server.heard}) == 1
        assert all(heard.verify(secret) for heard in server.heard)

    def test_nobody_listens(self, register, submit, carry, settings):
        with contextlib.closing(ports.hold()) as gone:
            host = f"{ports.HOST}:{ports.port_of(gone)}"
            settings.OUTBOUND_ALLOWED_HOSTS = [host]
            register(f"http://{host}/hook")
            submit()
            carry()
        delivery = Delivery.objects.get()
        assert (delivery.state, reason(delivery)) == (State.PENDING, "127.0.0.1 could not be reached.")
        assert delivery.attempts.get().http_status is None

    def test_the_next_line_of_a_job_waits_and_another_jobs_does_not(
        self, endpoint, server, through, carry, carry_all, no_retry_yet
    ):
        server.answer = lambda heard: 500
        first = through()
        carry()
        server.answer = lambda heard: 200
        second = through()
        carry_all()
        assert server.types(str(second.id)) == ["job.queued", "job.started", "job.completed"]
        assert server.types(str(first.id)) == ["job.queued"]
        skip_wait()
        carry_all()
        assert server.types(str(first.id)) == ["job.queued", "job.queued", "job.started", "job.completed"]

    def test_the_next_line_comes_once_the_one_before_is_given_up(
        self, endpoint, server, through, carry, carry_all
    ):
        server.answer = lambda heard: 500 if heard.type == "job.queued" else 200
        through()
        carry()
        while Delivery.objects.pending().filter(type="job.queued").exists():
            skip_wait()
            carry()
        pass_time(seconds=schedule.LONGEST_REST.total_seconds() * 1.2)
        carry_all()
        assert server.types() == ["job.queued"] * 10 + ["job.started", "job.completed"]

    def test_what_has_waited_too_long_behind_others_is_given_up(self, endpoint, server, through, carry):
        server.answer = lambda heard: 500
        through()
        carry()
        pass_time(days=5)
        assert deliveries.give_up() == 3
        assert carry() == 0

    def test_from_the_third_failure_on_it_rests_and_gets_one_message_at_a_time(
        self, endpoint, server, submit, carry, no_retry_yet
    ):
        server.answer = lambda heard: 500
        for _ in range(3):
            submit()
        assert carry() == 3
        for _ in range(5):
            submit()
        assert carry() == 0  # nothing is sent while it rests
        pass_time(seconds=schedule.LONGEST_REST.total_seconds())
        assert carry() == 1
        server.answer = lambda heard: 200
        pass_time(minutes=6)
        assert carry() == 1
        assert carry() == places.OF_RECEIVER  # well again

    def test_days_of_nothing_else_disable_it_with_the_reason(self, endpoint, server, submit, carry, api):
        server.answer = lambda heard: 500
        for _ in range(2):  # each is tried for three days
            submit()
            carry()
            while Delivery.objects.pending().exists():
                endpoint.refresh_from_db()
                assert endpoint.disabled_at is None
                skip_wait()
                carry()
        shown = api.get(f"/webhooks/{endpoint.id}").json()["webhook"]
        assert (shown["is_enabled"], shown["disabled_reason"]) == (False, "Nothing was taken for 5 days.")

    def test_so_does_a_message_whose_time_is_over_behind_many_others(self, endpoint, server, submit, carry):
        server.answer = lambda heard: 500
        submit()
        carry()
        pass_time(days=5, minutes=1)
        deliveries.give_up()
        endpoint.refresh_from_db()
        assert endpoint.disabled_reason == "Nothing was taken for 5 days."

    def test_one_more_failure_after_quiet_days_does_not(self, endpoint, server, submit, carry):
        server.answer = lambda heard: 500
        submit()
        carry()
        Delivery.objects.update(state=State.FAILED, ended_at=timezone.now())
        pass_time(days=6)
        submit()
        carry()
        deliveries.give_up()
        endpoint.refresh_from_db()
        assert (endpoint.disabled_at, Receiver.objects.get().failures) == (None, 2)

    def test_one_success_in_between_keeps_it(self, endpoint, server, submit, carry):
        server.answer = lambda heard: 500
        submit()
        carry()
        pass_time(days=3)
        server.answer = lambda heard: 200
        carry()
        server.answer = lambda heard: 500
        pass_time(days=3)
        submit()
        carry()
        endpoint.refresh_from_db()
        assert endpoint.disabled_at is None


class TestAnswers:
    @pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
    def test_2xx_is_taken(self, status, endpoint, server, submit, carry):
        server.answer = lambda heard: Reply(status, body=b"")
        submit()
        carry()
        assert Delivery.objects.get().state == State.DELIVERED

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_redirect_is_a_failure_and_is_not_followed(
        self, status, endpoint, server, submit, carry, allow
    ):
        with Listener() as elsewhere:
            allow(elsewhere)
            server.answer = lambda heard: Reply(status, {"Location": elsewhere.url()})
            submit()
            carry()
            assert elsewhere.heard == []
        delivery = Delivery.objects.get()
        assert (delivery.state, reason(delivery)) == (State.PENDING, f"Answered {status}.")

    @pytest.mark.parametrize("status", [400, 401, 404, 409, 422, 500, 502])
    def test_anything_else_is_tried_again(self, status, endpoint, server, submit, carry):
        server.answer = lambda heard: status
        submit()
        carry()
        assert_waits(Delivery.objects.get(), 5)

    def test_410_disables_it_at_once_and_ends_what_is_pending(
        self, endpoint, server, through, submit, carry, carry_all
    ):
        server.answer = lambda heard: 410
        through()
        carry()
        endpoint.refresh_from_db()
        assert endpoint.disabled_reason == receivers.GONE
        assert carry() == 0
        deliveries.give_up()
        assert set(Delivery.objects.values_list("state", flat=True)) == {State.FAILED}
        submit()
        carry_all()
        assert server.types() == ["job.queued"]

    def test_410_of_a_jobs_url_ends_that_message(self, server, submit, carry):
        server.answer = lambda heard: 410
        submit(webhook_url=server.url())
        carry()
        assert Delivery.objects.get().state == State.FAILED

    @pytest.mark.parametrize("status", [429, 503])
    def test_retry_after_is_honoured_for_all_that_it_gets(self, status, endpoint, server, submit, carry):
        server.answer = lambda heard: Reply(status, {"Retry-After": "600"})
        submit()
        carry()
        assert_waits(Delivery.objects.get(), 600)
        server.answer = lambda heard: 200
        submit()
        assert carry() == 0
        pass_time(seconds=601)
        assert carry() == 2

    @pytest.mark.parametrize(
        "value",
        [
            *("0", "-5", "soon", "1e9", "", "²", "9" * 200),
            "Mon, 01 Jan 99999999999999999999 10:00:00 GMT",
            "Mon, 01 Jan 2026 99999999999999999999:00:00 GMT",
            "Mon, 01 Jan 2026 10:00:00 +99999999999999999999",
            "Fri, 31 Dec 9999 23:59:59 -2359",
            "Mon, 01 Jan 0001 00:00:00 +2359",
        ],
    )
    def test_a_strange_retry_after_holds_nothing_up_for_long(self, value):
        wait = schedule.asked_for(value, timezone.now())
        assert datetime.timedelta() <= wait <= schedule.LONGEST_RETRY_AFTER

    def test_a_retry_after_in_no_year_that_there_is_counts_as_a_failure_like_others(
        self, endpoint, server, submit, carry
    ):
        never = {"Retry-After": "Mon, 01 Jan 99999999999999999999 10:00:00 GMT"}
        server.answer = lambda heard: Reply(503, never)
        submit()
        carry()
        assert_waits(Delivery.objects.get(), 5)
        assert (Attempt.objects.get().http_status, Receiver.objects.get().failures) == (503, 1)

    def test_retry_after_may_be_a_date(self):
        now = datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.UTC)
        assert schedule.asked_for("Sat, 31 Jan 2026 12:02:00 GMT", now) == datetime.timedelta(minutes=2)
        assert schedule.asked_for("Sat, 31 Jan 2026 11:00:00 GMT", now) == datetime.timedelta()
        assert schedule.asked_for("Sat, 31 Jan 2026 12:02:00 -0000", now) == datetime.timedelta(minutes=2)

    def test_what_it_said_is_kept_as_far_as_it_is_text_and_short(self, endpoint, server, submit, carry):
        server.answer = lambda heard: Reply(500, body="Fehler: ü\x00".encode() + b"\xff" + b"x" * 5000)
        submit()
        carry()
        kept = Attempt.objects.get().response
        assert kept.startswith("Fehler: ü\ufffd\ufffdx")
        assert len(kept.encode()) < 1100


class TestHostile:
    """Each of these would keep us for ever, or fill our memory."""

    @pytest.fixture
    def raw(self, settings, register, submit, carry):
        """Send one message to a server that answers just so; return the delivery."""

        def raw(answer, *, timeout=15.0):
            settings.WEBHOOK_TIMEOUT_SECONDS = timeout
            with servers.serving(answer) as server:
                settings.OUTBOUND_ALLOWED_HOSTS = [f"127.0.0.1:{server.port}"]
                register(server.url())
                submit()
                carry()
            return Delivery.objects.get()

        return raw

    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param(servers.silent, id="silent"),
            pytest.param(servers.drip(b"HTTP/1.1 200 OK\r\nA: b", b"c"), id="dripping-headers"),
            pytest.param(servers.drip(b"", b"HTTP/1.1 102 Processing\r\n\r\n"), id="endless-interim"),
        ],
    )
    def test_no_answer_in_time_is_a_failure(self, answer, raw):
        delivery = raw(answer, timeout=0.7)
        assert delivery.state == State.PENDING
        assert "in time" in reason(delivery) or "longer than" in reason(delivery)
        assert delivery.attempts.get().duration_ms >= 600

    def test_a_status_counts_though_the_rest_of_the_answer_drips(self, raw):
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
        assert raw(servers.drip(head + b"c" * 1020, b"c")).state == State.DELIVERED

    def test_a_huge_answer_is_not_read(self, raw):
        delivery = raw(servers.flood(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536))
        assert delivery.state == State.DELIVERED
        assert len(delivery.attempts.get().response) == 1024

    def test_endless_headers_are_cut_off(self, raw):
        endless = servers.flood(b"HTTP/1.1 200 OK\r\n", b"A: " + b"b" * 1000 + b"\r\n")
        assert raw(endless).state == State.PENDING

    def test_no_http_at_all(self, raw):
        delivery = raw(b"SSH-2.0-OpenSSH_9.2\r\n")
        assert delivery.state == State.PENDING
        assert "did not keep to HTTP" in reason(delivery) or "failed" in reason(delivery)


class TestNotPublic:
    def test_an_address_that_is_allowed_no_more_is_refused_at_delivery(
        self, endpoint, server, submit, carry, settings
    ):
        settings.OUTBOUND_ALLOWED_HOSTS = []
        submit()
        carry()
        assert server.heard == []
        assert "127.0.0.1 is not public" in reason(Delivery.objects.get())

    def test_the_url_of_a_job_that_is_allowed_no_more_is_told_nothing(self, server, submit, carry, settings):
        submit(webhook_url=server.url())
        settings.OUTBOUND_ALLOWED_HOSTS = []
        assert carry() == 0
        assert server.heard == []


class TestFairness:
    def test_a_receiver_gets_only_a_few_at_once(self, endpoint, submit):
        for _ in range(10):
            submit()
        outbox.fan_out(but=set())
        taken = deliveries.take([])
        assert len(taken) == places.OF_RECEIVER
        assert deliveries.take(taken) == []

    @pytest.fixture
    def crowd(self, alice, register, server, submit):
        """Users with a webhook each, and something to be told."""

        def crowd(names):
            for name in names:
                user = type(alice).objects.create_user(name, f"{name}@example.com")
                register(server.url(f"/{name}"), user=user)
                submit(user, cost=0)
            outbox.fan_out(but=set())

        return crowd

    def test_those_in_trouble_never_fill_all_places(self, crowd, server, settings):
        settings.WEBHOOKS_AT_ONCE = 8
        crowd(f"u{number}" for number in range(10))
        Receiver.objects.update(failures=1)
        taken = deliveries.take([])
        assert len(taken) == 4
        crowd(["well"])
        more = deliveries.take(taken)
        assert [parcel.url for parcel in more if not parcel.in_trouble] == [server.url("/well")]

    def test_those_that_do_well_leave_places_for_the_others(self, crowd, settings):
        settings.WEBHOOKS_AT_ONCE = 8
        crowd(f"u{number}" for number in range(12))
        Receiver.objects.filter(endpoint__url__endswith="/u11").update(failures=1)
        taken = deliveries.take([])
        assert (len(taken), sum(parcel.in_trouble for parcel in taken)) == (7, 1)

    @pytest.mark.parametrize("is_slow", [False, True])
    def test_one_user_cannot_hold_all_places(self, is_slow, crowd, register, server, submit, alice):
        for number in range(10):
            register(server.url(f"/{number}"))
        for _ in range(5):
            submit(cost=0, webhook_url=server.url("/own"))
        crowd(["late"])
        Receiver.objects.update(is_slow=is_slow)
        taken = deliveries.take([])
        assert server.url("/late") in {parcel.url for parcel in taken}
        hers = [parcel for parcel in taken if parcel.user_id == alice.id]
        assert 0 < len(hers) <= places.of_user()
        crowd(["later"])
        Receiver.objects.update(is_slow=is_slow)
        more = deliveries.take(taken)
        assert [parcel.url for parcel in more] == [server.url("/later")]

    def test_another_url_buys_a_slow_user_no_places(self, endpoint, server):
        Receiver.objects.update(is_slow=True)
        endpoints.change(endpoint, url=server.url("/again"))
        assert Receiver.objects.get().is_slow

    def test_a_single_place_is_for_those_that_fail_too(self, endpoint, server, submit, carry, settings):
        settings.WEBHOOKS_AT_ONCE = 1
        server.answer = lambda heard: 500
        submit()
        assert carry() == 1
        skip_wait()
        assert carry() == 1

    def test_with_no_place_nothing_is_sent(self, crowd, settings):
        settings.WEBHOOKS_AT_ONCE = 0
        crowd(["well", "failing"])
        Receiver.objects.filter(endpoint__url__endswith="/failing").update(failures=1)
        assert deliveries.take([]) == []

    def test_whoever_was_served_last_comes_last(self, register, server, submit, settings):
        settings.WEBHOOKS_AT_ONCE = 4
        for number in range(4):
            register(server.url(f"/{number}"))
        for _ in range(2):
            submit()
        outbox.fan_out(but=set())
        first, second = deliveries.take([]), deliveries.take([])
        assert {parcel.receiver_id for parcel in first}.isdisjoint(
            parcel.receiver_id for parcel in second[:1]
        )


def test_enabled_again_it_hears_of_what_happens_then(endpoint, server, submit, carry_all):
    receivers.disable(endpoint.id, reason=endpoints.BY_USER)
    submit()
    carry_all()
    endpoints.enable(endpoint)
    later = submit()
    carry_all()
    assert [heard.job for heard in server.heard] == [str(later.id)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WEBHOOKS_AT_ONCE", -1),
        ("WEBHOOK_TIMEOUT_SECONDS", 0.0),
        ("WEBHOOK_RETRIES", [datetime.timedelta(seconds=5), datetime.timedelta(seconds=-1)]),
        ("WEBHOOK_DISABLE_AFTER", datetime.timedelta()),
        ("WEBHOOK_RETENTION", datetime.timedelta(days=-1)),
    ],
)
def test_a_setting_that_cannot_work_is_named_before_the_start(name, value, settings):
    assert checks.check(None) == []
    setattr(settings, name, value)
    assert [problem.id for problem in checks.check(None)] == ["webhooks.E001"]
