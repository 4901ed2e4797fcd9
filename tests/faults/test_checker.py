"""The storm's checker names every violation that is planted; the product's own audit those of money."""

import threading

import pytest
import redis

from tests.faults import checker_books, checker_queue, planting, servers, storm_verdict
from tests.faults.checker_material import OPENING

pytestmark = pytest.mark.slow


def test_where_nothing_is_wrong_nothing_is_named(installation):
    assert installation.violations() == []
    assert installation.leftovers() == []
    assert installation.audit().returncode == 0
    counts, log = installation.clean_up()
    assert "orphaned files removed: 0" in counts
    assert "videos without their file: 0" in counts
    assert log == ""
    assert not checker_queue.messages(installation.url)
    assert checker_books.unfinished(installation.url) == 0


def test_a_skipped_refund_is_named_by_the_checker_and_by_the_audit(installation):
    order = installation.order("failed")
    account = installation.account(order)
    latest = planting.LATEST.format(account=account)
    installation.plant(
        f"DELETE FROM dust_transfer WHERE id = {latest} AND kind = 'reverse'",
        f"UPDATE dust_account SET posted = posted - 10, seq = seq - 1 WHERE id = {account}",
    )
    found = installation.violations()
    assert any("money: " in line and order.job_id in line and "'reverse'" in line for line in found), found
    audit = installation.audit()
    assert audit.returncode == 1
    assert f"refunded after its start, released before. Broken by job {order.job_id}" in audit.stdout


def test_a_double_charge_is_named_by_the_checker_and_by_the_audit(installation):
    order = installation.order("late")
    account, job = installation.account(order), planting.hex_of(order.job_id)
    hold, post = "0" * 31 + "1", "0" * 31 + "2"
    installation.plant(
        planting.MORE.format(id=hold, later=2, posted="- 10", hold="NULL", job=job, kind="hold"),
        planting.MORE.format(id=post, later=2, posted="- 10", hold=f"'{hold}'", job=job, kind="post"),
        f"UPDATE dust_account SET posted = posted - 10, seq = seq + 2 WHERE id = {account}",
    )
    found = installation.violations()
    expected = "has ['hold', 'post', 'hold', 'post'] instead of ['hold', 'post']"
    assert any(order.job_id in line and expected in line for line in found), found
    audit = installation.audit()
    assert audit.returncode == 1
    assert f"charged once and not refunded. Broken by job {order.job_id}" in audit.stdout


def test_a_balance_that_does_not_fit_is_named_by_the_checker_and_by_the_audit(installation):
    account = installation.account(installation.order("kept"))
    installation.plant(f"UPDATE dust_account SET posted = posted + 1 WHERE id = {account}")
    assert any(
        line.startswith(f"money: account {account}: its row says") for line in installation.violations()
    )
    assert installation.audit().returncode == 1


@pytest.mark.parametrize(
    ("verb", "status", "is_wrong"),
    [("news", "failed", False), ("news", "completed", True), ("fail", "failed", True)],
)
def test_a_job_ends_once_and_what_is_told_afterwards_does_not_end_it(installation, verb, status, is_wrong):
    order = installation.order("failed")
    installation.plant(
        "INSERT INTO jobs_jobevent (job_id, at, verb, actor, status, attempt, message) "
        f"SELECT job_id, at, '{verb}', actor, '{status}', attempt, message FROM jobs_jobevent "
        f"WHERE job_id = '{planting.hex_of(order.job_id)}' AND verb = 'fail'"
    )
    named = [line for line in installation.violations() if "has the timeline" in line]
    assert [order.job_id in line for line in named] == [True] * is_wrong


def test_a_lost_job_is_named_by_the_checker_and_by_the_audit(installation):
    order = installation.order("cancelled")
    installation.plant(
        f"DELETE FROM jobs_jobevent WHERE job_id = '{planting.hex_of(order.job_id)}'",
        f"DELETE FROM jobs_job WHERE id = '{planting.hex_of(order.job_id)}'",
    )
    found = installation.violations()
    assert f"told: job {order.job_id} was acknowledged to alice (key cancelled) and is lost" in found
    assert any("has transfers ['hold', 'void'] but is not there" in line for line in found)
    audit = installation.audit()
    assert audit.returncode == 1
    assert order.job_id in audit.stdout


def leave_message(installation, *, number, job_id=None):
    about = f"'{planting.hex_of(job_id)}'" if job_id else "NULL"
    checker_books.execute(
        installation.url,
        "INSERT INTO jobs_message (id, queue, job_id, payload, due_at, holder) "
        f"VALUES ({number}, 'render', {about}, 'x', CURRENT_TIMESTAMP, 'w1')",
    )


def test_a_message_about_a_job_is_named_if_it_is_left(installation):
    order = installation.order("kept")
    assert storm_verdict.on_work(installation.url, "", seconds=0.3) == []
    leave_message(installation, number=7, job_id=order.job_id)
    [line] = storm_verdict.on_work(installation.url, "", seconds=0.3)
    assert f"jobs_message 7 about {planting.hex_of(order.job_id)} in w1" in line


def test_a_pulse_that_stays_is_named_and_one_that_follows_another_is_not(installation):
    leave_message(installation, number=7)
    [line] = storm_verdict.on_work(installation.url, "", seconds=0.3)
    assert "1 messages are left and 0 jobs have not ended" in line
    assert "jobs_message 7 about no job in w1" in line

    judged = threading.Event()

    def renew():
        while not judged.wait(0.3):
            checker_books.execute(installation.url, "UPDATE jobs_message SET id = id + 1")

    pulse = threading.Thread(target=renew)
    pulse.start()
    try:
        assert storm_verdict.on_work(installation.url, "", seconds=30) == []
    finally:
        judged.set()
        pulse.join()
    assert len(checker_queue.messages(installation.url)) == 1


def test_messages_that_are_left_in_redis_are_counted_delayed_ones_too(installation):
    servers.require()
    with (
        servers.scratch() as folder,
        servers.Redis(folder) as server,
        redis.Redis.from_url(server.url) as client,
    ):
        client.sadd("videoapi:queue:queues", "render")
        client.zadd("videoapi:queue:freed:w1", {"": 0})
        assert not checker_queue.messages(installation.url, server.url)
        client.zadd("videoapi:queue:delayed:render", {"a|x": 1, "b|x": 2})
        client.rpush("videoapi:queue:waiting:render", "c|x")
        client.rpush("videoapi:queue:taken:w1", "|x")
        left = checker_queue.messages(installation.url, server.url)
        assert sorted(each.job_id for each in left) == ["", "a", "b", "c"]


def test_a_job_without_a_receipt_that_never_ends_is_named(installation):
    order = installation.order("late")
    installation.plant(
        "UPDATE jobs_job SET status = 'processing', worker = 'w1', finished_at = NULL, video_id = NULL "
        f"WHERE id = '{planting.hex_of(order.job_id)}'"
    )
    journals = installation.journals()
    (unsure,) = journals[2].orders
    unsure.receipts, unsure.fresh, unsure.unknown = [], 0, 1
    unsure.statuses, unsure.video_id = [], ""
    found = installation.violations(journals=journals)
    about = f"told: job {order.job_id} of charlie (processing)"
    assert f"{about} never ended; attempt 1, held by w1" in found
    assert f"{about} is still held by worker 'w1'" in found


def test_dust_that_is_still_held_at_the_end_is_named(installation):
    order = installation.order("late")
    account = installation.account(order)
    installation.plant(
        f"DELETE FROM dust_transfer WHERE id = {planting.LATEST.format(account=account)} AND kind = 'post'",
        f"UPDATE dust_account SET posted = posted + 10, held = 10, seq = seq - 1 WHERE id = {account}",
        "UPDATE jobs_job SET status = 'queued', attempt = 0, finished_at = NULL, video_id = NULL "
        f"WHERE id = '{planting.hex_of(order.job_id)}'",
    )
    found = installation.violations()
    text = f"money: account {account} still holds 10 DUST (10 by its history), and nothing runs any more"
    assert text in found
    assert f"told: job {order.job_id} of charlie (queued) never ended; attempt 0, held by nobody" in found


def test_a_job_that_never_ends_is_named(installation):
    order = installation.order("kept")
    installation.plant(
        "UPDATE jobs_job SET status = 'processing', worker = 'w1', finished_at = NULL, video_id = NULL "
        f"WHERE id = '{planting.hex_of(order.job_id)}'"
    )
    found = installation.violations()
    assert any(order.job_id in line and "never ended" in line for line in found), found
    assert checker_books.unfinished(installation.url) == 1


def test_a_cancelled_job_that_ran_is_named(installation):
    order = installation.order("cancelled")
    installation.plant(
        f"UPDATE jobs_job SET status = 'completed', attempt = 1 WHERE id = '{planting.hex_of(order.job_id)}'"
    )
    found = installation.violations()
    assert f"told: job {order.job_id} of alice (completed) had been said to be cancelled" in found


def test_a_deleted_video_that_is_still_there_is_named(installation):
    kept, deleted = installation.order("kept"), installation.order("deleted")
    journals = installation.journals()
    for order in journals[0].orders:
        if order.key == kept.key:
            order.deletes.append(200)
    found = installation.violations(journals=journals)
    about = f"told: job {kept.job_id} of alice"
    assert found == [f"{about}: its video {kept.video_id} was said to be deleted ([200]) and is there"]
    assert deleted.video_id not in {row["id"] for row in checker_books.read(installation.url).videos}


def test_two_jobs_for_one_key_are_named(installation):
    kept, animated = installation.order("kept"), installation.order("animated")
    other = planting.hex_of(animated.job_id)
    installation.plant(f"""UPDATE jobs_job SET metadata = '{{"key":"kept"}}' WHERE id = '{other}'""")
    found = installation.violations()
    assert any(line.startswith("told: key kept made several jobs") and kept.job_id in line for line in found)


def test_a_balance_that_never_was_is_named(installation):
    journals = installation.journals()
    journals[1].balances.append((OPENING + 1, 0))
    found = installation.violations(journals=journals)
    assert found == [f"told: bob was shown {OPENING + 1} DUST, 0 held, which never was so"]
