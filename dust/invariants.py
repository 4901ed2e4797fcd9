"""What must always be true of accounts and transfers, each said as SQL that finds the rows where it is not.

The checks are independent of the ledger's code and of each other: none trusts a constraint, a trigger or
what another one has shown. Each selects (account_id, job_id, transfer_id) of an offender, NULL where there
is none, and runs unchanged on SQLite and PostgreSQL.
"""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One numbered rule, and the SQL that finds what breaks it."""

    number: int
    rule: str
    sql: str


CHECKS = (
    Check(
        number=1,
        rule="An account holds back no less than nothing and no more than it has.",
        sql="SELECT id, NULL, NULL FROM dust_account WHERE held < 0 OR posted < held",
    ),
    Check(
        number=2,
        rule="An account's balance is the sum of its transfers.",
        sql="""
        SELECT a.id, NULL, NULL FROM dust_account a
        LEFT JOIN (SELECT account_id, SUM(d_posted) AS total FROM dust_transfer GROUP BY account_id) t
               ON t.account_id = a.id
        WHERE a.posted <> COALESCE(t.total, 0)
        """,
    ),
    Check(
        number=3,
        rule="What an account holds back is the sum of what its transfers held and released.",
        sql="""
        SELECT a.id, NULL, NULL FROM dust_account a
        LEFT JOIN (SELECT account_id, SUM(d_held) AS total FROM dust_transfer GROUP BY account_id) t
               ON t.account_id = a.id
        WHERE a.held <> COALESCE(t.total, 0)
        """,
    ),
    Check(
        number=4,
        rule="What an account holds back is the sum of its open holds.",
        sql="""
        SELECT a.id, NULL, NULL FROM dust_account a
        LEFT JOIN (
            SELECT h.account_id, SUM(h.amount) AS total FROM dust_transfer h
            LEFT JOIN dust_transfer r ON r.hold_id = h.id
            WHERE h.kind = 'hold' AND r.id IS NULL GROUP BY h.account_id
        ) t ON t.account_id = a.id
        WHERE a.held <> COALESCE(t.total, 0)
        """,
    ),
    Check(
        number=5,
        rule="An account's transfers are numbered 1, 2, 3 ... up to its seq, without a gap.",
        sql="""
        SELECT a.id, NULL, NULL FROM dust_account a
        LEFT JOIN (
            SELECT account_id, COUNT(*) AS n, COUNT(DISTINCT seq) AS kinds, MIN(seq) AS low, MAX(seq) AS high
            FROM dust_transfer GROUP BY account_id
        ) t ON t.account_id = a.id
        WHERE a.seq <> COALESCE(t.n, 0) OR t.kinds <> t.n OR t.low <> 1 OR t.high <> t.n
        """,
    ),
    Check(
        number=6,
        rule="Each transfer's balance after it is the sum of the transfers up to it.",
        sql="""
        SELECT account_id, job_id, id FROM (
            SELECT account_id, job_id, id, posted_after, held_after,
                   SUM(d_posted) OVER history AS posted, SUM(d_held) OVER history AS held
            FROM dust_transfer
            WINDOW history AS (PARTITION BY account_id ORDER BY seq ROWS UNBOUNDED PRECEDING)
        ) t
        WHERE posted <> posted_after OR held <> held_after
        """,
    ),
    Check(
        number=7,
        rule="No account was ever below zero, or held back more than it had.",
        sql="""
        SELECT account_id, job_id, id FROM dust_transfer WHERE held_after < 0 OR posted_after < held_after
        """,
    ),
    Check(
        number=8,
        rule="One attempt of a job has at most one hold.",
        sql="""
        SELECT t.account_id, t.job_id, t.id FROM dust_transfer t
        JOIN dust_transfer o USING (job_id, attempt, kind)
        WHERE t.kind = 'hold' AND o.id < t.id
        """,
    ),
    Check(
        number=9,
        rule="A hold ends at most once.",
        sql="""
        SELECT t.account_id, t.job_id, t.id FROM dust_transfer t
        JOIN dust_transfer o ON o.hold_id = t.hold_id AND o.id < t.id
        """,
    ),
    Check(
        number=10,
        rule="One attempt of a job is charged at most once.",
        sql="""
        SELECT t.account_id, t.job_id, t.id FROM dust_transfer t
        JOIN dust_transfer o USING (job_id, attempt, kind)
        WHERE t.kind = 'post' AND o.id < t.id
        """,
    ),
    Check(
        number=11,
        rule="One attempt of a job is refunded at most once.",
        sql="""
        SELECT t.account_id, t.job_id, t.id FROM dust_transfer t
        JOIN dust_transfer o USING (job_id, attempt, kind)
        WHERE t.kind = 'reverse' AND o.id < t.id
        """,
    ),
    Check(
        number=12,
        rule="A refund gives back, to the same account, exactly what an earlier charge took.",
        sql="""
        SELECT t.account_id, t.job_id, t.id FROM dust_transfer t
        LEFT JOIN dust_transfer p ON p.id = t.reverses_id AND p.kind = 'post' AND p.account_id = t.account_id
              AND p.job_id = t.job_id AND p.attempt = t.attempt AND p.seq < t.seq
              AND t.d_posted = -p.d_posted AND t.amount = p.amount
        WHERE t.kind = 'reverse' AND p.id IS NULL
        """,
    ),
    Check(
        number=13,
        rule="What ends a hold releases all of it, later, on the same account, and takes no more than it.",
        sql="""
        SELECT t.account_id, t.job_id, t.id FROM dust_transfer t
        LEFT JOIN dust_transfer h ON h.id = t.hold_id AND h.kind = 'hold' AND h.account_id = t.account_id
              AND h.job_id = t.job_id AND h.attempt = t.attempt AND h.seq < t.seq
              AND t.d_held = -h.amount AND t.amount <= h.amount
        WHERE t.kind IN ('post', 'void', 'expire') AND h.id IS NULL
        """,
    ),
    Check(
        number=14,
        rule="What all users own is what the system accounts gave out: everything adds up to nothing.",
        sql="""
        SELECT NULL, NULL, NULL
        WHERE (SELECT COALESCE(SUM(posted), 0) FROM dust_account)
           <> (SELECT COALESCE(SUM(d_posted), 0) FROM dust_transfer)
        """,
    ),
    Check(
        number=21,
        rule="Each transfer moves all of its amount, the way its kind says.",
        # COALESCE: a kind that nobody knows, or a NULL, is no shape at all
        sql="""
        SELECT account_id, job_id, id FROM dust_transfer
        WHERE NOT COALESCE(amount > 0 AND CASE kind
            WHEN 'hold' THEN d_posted = 0 AND d_held = amount
            WHEN 'post' THEN d_posted = -amount AND d_held = -amount AND hold_id IS NOT NULL
            WHEN 'void' THEN d_posted = 0 AND d_held = -amount AND hold_id IS NOT NULL
            WHEN 'expire' THEN d_posted = 0 AND d_held = -amount AND hold_id IS NOT NULL
            WHEN 'reverse' THEN d_posted = amount AND d_held = 0 AND reverses_id IS NOT NULL
            WHEN 'grant' THEN d_posted = amount AND d_held = 0
            WHEN 'adjust' THEN ABS(d_posted) = amount AND d_held = 0
        END, FALSE)
        """,
    ),
)
