"""Was every client told the truth? Its journal against the rows."""

from collections import defaultdict
from collections.abc import Iterator

from tests.faults import checker_remote
from tests.faults.checker_books import Books, Row
from tests.faults.client_journal import FINISHED, Journal, Order
from tests.faults.client_scripts import HOPELESS

AFTERWARDS = ("withdraw", "news")  # what providers are told and tell of a job that has ended moves nothing
TRIES_LEFT = "given up although it had tries left"


def check(books: Books, journals: list[Journal], *, max_attempts: int) -> Iterator[str]:
    """Yield a line for each violation."""
    orders = [order for journal in journals for order in journal.orders]
    yield from (oddity for journal in journals for oddity in journal.oddities)
    yield from _one_job_a_key(books, orders)
    jobs = {job["id"]: job for job in books.jobs}
    holds = {row["job_id"]: row for row in books.transfers if row["kind"] == "hold"}
    videos = {video["id"]: video for video in books.videos}
    submissions = checker_remote.by_job(books)
    for order in orders:
        job = jobs.get(order.job_id)
        if order.job_id and job is None:
            yield f"told: job {order.job_id} was acknowledged to {order.user} (key {order.key}) and is lost"
        if job:
            yield from _truth(order, job)
            yield from _outcome(order, job, submissions[job["id"]], max_attempts)
            yield from _receipts(order, job, holds.get(job["id"]))
            yield from _video(order, job, videos)
    yield from _endings(books)
    yield from _timelines(books)
    for journal in journals:
        yield from _balances(journal, books)
        yield from _closing(journal, books)


def _one_job_a_key(books: Books, orders: list[Order]) -> Iterator[str]:
    made: dict[str, list[str]] = defaultdict(list)
    for job in books.jobs:
        made[job["metadata"].get("key", "")].append(job["id"])
    receipts = {row["key"]: row["receipt"].get("job_id") for row in books.keys}
    for order in orders:
        ids = made.pop(order.key, [])
        told = {receipt.job_id for receipt in order.receipts}
        if len(told) > 1:
            yield f"told: key {order.key} was answered with several jobs: {sorted(told)}"
        if len(ids) > 1:
            yield f"told: key {order.key} made several jobs: {ids}"
        if ids and not told and not order.unknown:
            yield f"told: key {order.key} was refused ({order.refused}) and made job {ids[0]}"
        if told and receipts.get(order.key) != order.job_id:
            yield f"told: key {order.key} is kept for job {receipts.get(order.key)} instead of {order.job_id}"
        if order.fresh > 1 or (told and not order.fresh and not order.unknown):
            yield f"told: {order.fresh} of the answers to key {order.key} claim to be the first"
    for key, ids in made.items():
        yield f"told: jobs {ids} have the key {key!r} that nobody used"


def _truth(order: Order, job: Row) -> Iterator[str]:
    about = f"told: job {job['id']} of {order.user} ({job['status']})"
    if order.is_finished and order.statuses[-1] != job["status"]:
        yield f"{about} had been said to be {order.statuses[-1]}"
    if order.was_cancelled and job["status"] != "cancelled":
        yield f"{about} had been said to be cancelled"
    if 409 in order.cancels and job["status"] == "cancelled":
        yield f"{about} is cancelled though the cancel was refused"
    if job["status"] == "cancelled" and not order.cancels:
        yield f"{about} is cancelled and nobody asked for it"


def _endings(books: Books) -> Iterator[str]:
    """Each job ends, also one whose client never saw a receipt: its DUST is gone all the same."""
    names = {user["id"]: user["username"] for user in books.users}
    for job in books.jobs:
        about = f"told: job {job['id']} of {names.get(job['user_id'], 'nobody')} ({job['status']})"
        if job["status"] not in FINISHED:
            yield f"{about} never ended; attempt {job['attempt']}, held by {job['worker'] or 'nobody'}"
        if job["worker"] or job["lease_expires_at"]:
            yield f"{about} is still held by worker {job['worker']!r}"


def _outcome(order: Order, job: Row, submissions: list[Row], max_attempts: int) -> Iterator[str]:
    """A submission that was never heard of ends its job; one that may be heard of keeps it from its end."""
    about = f"told: job {job['id']} {order.script!r}"
    if job["status"] == "completed" and order.script in HOPELESS:
        yield f"{about} completed though it can't"
    has_tries_left = job["attempt"] < max_attempts and order.script not in HOPELESS
    is_heard_of = not any(checker_remote.is_unheard_of(each, job) for each in submissions)
    if job["status"] == "failed" and has_tries_left and is_heard_of:
        reason = f"{job['failure_code']}, attempt {job['attempt']}: {job['failure_detail'][:300]}"
        yield f"{about} was {TRIES_LEFT}: {reason}"
    if job["attempt"] > max_attempts and not submissions:
        yield f"{about} was tried {job['attempt']} times"


def _receipts(order: Order, job: Row, hold: Row | None) -> Iterator[str]:
    for receipt in order.receipts:
        if hold and receipt.balance != hold["posted_after"] - hold["held_after"]:
            left = hold["posted_after"] - hold["held_after"]
            yield f"told: job {job['id']}: the receipt says {receipt.balance} DUST left, the history {left}"
        if receipt.cost != job["cost"]:
            yield f"told: job {job['id']} costs {job['cost']}, the receipt says {receipt.cost}"


def _video(order: Order, job: Row, videos: dict[str, Row]) -> Iterator[str]:
    about = f"told: job {job['id']} of {order.user}"
    if job["status"] == "completed" and not order.was_deleted:
        if job["video_id"] not in videos:
            yield f"{about} is completed and its video ({order.video_id or 'never seen'}) is not there"
        elif order.video_id not in ("", job["video_id"]):
            yield f"{about} has the video {job['video_id']}, and {order.video_id} was shown"
    if order.was_deleted and order.video_id in videos:
        yield f"{about}: its video {order.video_id} was said to be deleted ({order.deletes}) and is there"
    if job["status"] != "completed" and job["video_id"]:
        yield f"{about} is {job['status']} and has a video"


def _timelines(books: Books) -> Iterator[str]:
    lines: dict[str, list[Row]] = defaultdict(list)
    for event in sorted(books.events, key=lambda row: row["id"]):
        lines[event["job_id"]].append(event)
    for job in books.jobs:
        verbs = [event["verb"] for event in lines[job["id"]]]
        final = [event for event in lines[job["id"]] if event["status"] in FINISHED]
        ends = [event["status"] for event in final if event["verb"] not in AFTERWARDS]
        said = {event["status"] for event in final}
        is_once = ends == [job["status"]] * (job["status"] in FINISHED) and said <= {job["status"]}
        if verbs.count("submit") != 1 or not is_once:
            yield f"told: job {job['id']} ({job['status']}) has the timeline {verbs}"
    known = {video_id for job in books.jobs if (video_id := job["video_id"])}
    for video in books.videos:
        if video["id"] not in known:
            yield f"told: video {video['id']} belongs to no job"


def _balances(journal: Journal, books: Books) -> Iterator[str]:
    """Each balance that was shown was true at some moment."""
    account = _account(journal, books)
    history = [row for row in books.transfers if account and row["account_id"] == account["id"]]
    true = {(row["posted_after"], row["held_after"]) for row in history} | {(0, 0)}
    for balance, held in journal.balances:
        if (balance, held) not in true:
            yield f"told: {journal.user} was shown {balance} DUST, {held} held, which never was so"


def _closing(journal: Journal, books: Books) -> Iterator[str]:
    closing, account = journal.closing, _account(journal, books)
    if closing is None or account is None:
        yield f"told: {journal.user} never got a last look"
        return
    if (closing.balance["balance"], closing.balance["held"]) != (account["posted"], account["held"]):
        yield f"told: {journal.user} was told {closing.balance}, has {account['posted']}, {account['held']}"
    said = [(row["id"], row["amount"], row["balance_after"], row["job_id"]) for row in closing.transactions]
    rows = sorted(
        (row for row in books.transfers if row["account_id"] == account["id"]), key=lambda row: -row["seq"]
    )
    if [row["id"] for row in rows] != [entry[0] for entry in said]:
        yield f"told: {journal.user} was shown {len(said)} transactions, there are {len(rows)}"
    running = {row["id"]: row["posted_after"] - row["held_after"] for row in rows}
    for number, amount, after, job_id in said:
        if running.get(number) not in (None, after):
            about = f"transaction {number} ({amount} DUST, job {job_id})"
            yield f"told: {about} shows {after} after it, not {running[number]}"
    jobs = {job["id"]: job["status"] for job in books.jobs if job["user_id"] == account["user_id"]}
    if closing.jobs != jobs:
        other = set(closing.jobs.items()) ^ set(jobs.items())
        yield f"told: {journal.user} was shown other jobs than there are: {other}"
    videos = {video["id"] for video in books.videos if video["user_id"] == account["user_id"]}
    if set(closing.videos) != videos or len(closing.videos) != len(videos):
        yield f"told: {journal.user} was shown other videos than there are: {set(closing.videos) ^ videos}"


def _account(journal: Journal, books: Books) -> Row | None:
    ids = {user["username"]: user["id"] for user in books.users}
    return next((row for row in books.accounts if row["user_id"] == ids.get(journal.user)), None)
