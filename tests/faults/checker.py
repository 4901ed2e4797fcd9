"""Judges an installation after a storm from outside: its tables, its files, and what its clients were told.

It shares no code with the product. Each violation is one line with ids; none is an empty list.
"""

from pathlib import Path

from tests.faults import (
    checker_books,
    checker_files,
    checker_money,
    checker_orphans,
    checker_remote,
    checker_told,
)
from tests.faults.client_journal import Journal
from tests.faults.provider_journal import Taken


def check(
    database_url: str, media: Path, journals: list[Journal], works: list[Taken], *, max_attempts: int = 3
) -> list[str]:
    """Return everything that is wrong. Nothing may run any more, and the clean-up must have been run.

    `works` are what remote providers have taken, by their own count.
    """
    books = checker_books.read(database_url)
    granted = {journal.user: journal.granted for journal in journals}
    orders = [order for journal in journals for order in journal.orders]
    return [
        *checker_told.check(books, journals, max_attempts=max_attempts),
        *checker_money.check(books, granted),
        *checker_files.check(books, orders, media),
        *checker_remote.check(books, works),
    ]


def check_leftovers(
    database_url: str, media: Path, journals: list[Journal], *, interruptions: int
) -> list[str]:
    """Return every file that nothing explains. Nothing may run any more, or have been cleaned up yet."""
    books = checker_books.read(database_url)
    orders = [order for journal in journals for order in journal.orders]
    return list(checker_orphans.check(books, orders, media, interruptions=interruptions))
