"""Is every DUST where it should be? The rules of the ledger, once more, from the rows alone."""

from collections import defaultdict
from collections.abc import Iterator

from tests.faults.checker_books import Books, Row

# What a transfer does to the balance and to what is held, in units of its amount.
EFFECTS = {
    "hold": (0, 1),
    "post": (-1, -1),
    "void": (0, -1),
    "expire": (0, -1),
    "reverse": (1, 0),
    "grant": (1, 0),
}


def check(books: Books, granted: dict[str, int]) -> Iterator[str]:
    """Yield a line for each violation; `granted` is what each user was given, by name."""
    yield from _jobs(books)
    yield from _histories(books)
    yield from _grants(books, granted)


def _jobs(books: Books) -> Iterator[str]:
    moves: dict[str, list[Row]] = defaultdict(list)
    for transfer in sorted(books.transfers, key=lambda row: row["seq"]):
        if transfer["job_id"]:
            moves[transfer["job_id"]].append(transfer)
    jobs = {job["id"]: job for job in books.jobs}
    for job_id in moves.keys() - jobs.keys():
        kinds = [row["kind"] for row in moves[job_id]]
        yield f"money: job {job_id} has transfers {kinds} but is not there"
    owner = {account["id"]: account["user_id"] for account in books.accounts}
    for job in books.jobs:
        yield from _settled(job, moves[job["id"]], owner)


def _settled(job: Row, moves: list[Row], owner: dict[int, str]) -> Iterator[str]:
    about = f"money: job {job['id']} ({job['status']}, attempt {job['attempt']})"
    kinds = [row["kind"] for row in moves]
    if kinds not in _expected(job):
        yield f"{about} has {kinds or 'no transfers'} instead of {' or '.join(map(str, _expected(job)))}"
        return
    for transfer in moves:
        if transfer["amount"] != job["cost"]:
            name = f"{transfer['kind']} {transfer['id']}"
            yield f"{about} costs {job['cost']}, its {name} is {transfer['amount']}"
        if owner.get(transfer["account_id"]) != job["user_id"]:
            yield f"{about}: its {transfer['kind']} {transfer['id']} is on account {transfer['account_id']}"
    if len(moves) > 1 and moves[1]["hold_id"] != moves[0]["id"]:
        yield f"{about}: its {kinds[1]} ends the hold {moves[1]['hold_id']} and not its own"
    if len(moves) > 2 and moves[2]["reverses_id"] != moves[1]["id"]:
        yield f"{about}: its refund reverses {moves[2]['reverses_id']} and not its own charge"


def _expected(job: Row) -> list[list[str]]:
    released = [["hold", "void"], ["hold", "expire"]]
    charged = [["hold", "post"]]
    given_back = [["hold", "post", "reverse"]] if job["attempt"] else released
    return {
        "queued": [["hold"]],
        "starting": charged,
        "processing": charged,
        "completed": charged,
        "cancelled": given_back,
        "failed": given_back,
    }[job["status"]]


def _histories(books: Books) -> Iterator[str]:
    histories: dict[int, list[Row]] = defaultdict(list)
    for transfer in sorted(books.transfers, key=lambda row: row["seq"]):
        histories[transfer["account_id"]].append(transfer)
    for account in books.accounts:
        yield from _history(account, histories[account["id"]])


def _history(account: Row, history: list[Row]) -> Iterator[str]:
    about = f"money: account {account['id']}"
    posted = held = 0
    for number, transfer in enumerate(history, 1):
        line = f"{about}, transfer {transfer['id']} ({transfer['kind']}, seq {transfer['seq']})"
        if transfer["seq"] != number:
            yield f"{line}: its number should be {number}"
        effect = tuple(sign * transfer["amount"] for sign in EFFECTS.get(transfer["kind"], (0, 0)))
        if (transfer["d_posted"], transfer["d_held"]) != effect:
            yield f"{line}: moves {transfer['d_posted']}, {transfer['d_held']} instead of {effect}"
        posted, held = posted + transfer["d_posted"], held + transfer["d_held"]
        if (transfer["posted_after"], transfer["held_after"]) != (posted, held):
            after = f"{transfer['posted_after']}, {transfer['held_after']}"
            yield f"{line}: says {after} after it, the history says {posted}, {held}"
        if not 0 <= held <= posted:
            yield f"{line}: more was held than owned: {held} of {posted}"
    if (account["posted"], account["held"], account["seq"]) != (posted, held, len(history)):
        row = f"{account['posted']}, {account['held']}, seq {account['seq']}"
        yield f"{about}: its row says {row}, its history {posted}, {held}, seq {len(history)}"
    if account["held"] or held:
        yield f"{about} still holds {account['held']} DUST ({held} by its history), and nothing runs any more"


def _grants(books: Books, granted: dict[str, int]) -> Iterator[str]:
    names = {user["id"]: user["username"] for user in books.users}
    for account in books.accounts:
        name = names.get(account["user_id"], "")
        grants = [
            row for row in books.transfers if row["account_id"] == account["id"] and row["kind"] == "grant"
        ]
        total = sum(row["amount"] for row in grants)
        if name in granted and total != granted[name]:
            yield f"money: user {name} (account {account['id']}) was given {total} instead of {granted[name]}"
