"""Rules 15 to 19 of the audit: what jobs say and what the ledger says of them must agree.

SQL of its own, as `dust.invariants`: it trusts neither the lifecycle nor the ledger. Purged jobs are judged
by what was kept of them.
"""

from dust.invariants import Check

# one line for each job there is or was, with the number of its transfers of each kind
_BOOKS = """
    SELECT j.id, j.status, j.started, j.cost,
           COALESCE(m.holds, 0) AS holds, COALESCE(m.posts, 0) AS posts,
           COALESCE(m.voids, 0) AS voids, COALESCE(m.reverses, 0) AS reverses
    FROM (
        SELECT id, status, cost, CASE WHEN attempt > 0 THEN 1 ELSE 0 END AS started FROM jobs_job
        UNION ALL
        SELECT id, status, cost, CASE WHEN was_started THEN 1 ELSE 0 END FROM jobs_purgedjob
    ) j
    LEFT JOIN (
        SELECT job_id,
               SUM(CASE WHEN kind = 'hold' THEN 1 ELSE 0 END) AS holds,
               SUM(CASE WHEN kind = 'post' THEN 1 ELSE 0 END) AS posts,
               SUM(CASE WHEN kind IN ('void', 'expire') THEN 1 ELSE 0 END) AS voids,
               SUM(CASE WHEN kind = 'reverse' THEN 1 ELSE 0 END) AS reverses
        FROM dust_transfer WHERE job_id IS NOT NULL GROUP BY job_id
    ) m ON m.job_id = j.id
"""


def _books(broken: str) -> str:
    return f"SELECT NULL, id, NULL FROM ({_BOOKS}) b WHERE cost > 0 AND ({broken})"  # noqa: S608 - our own text


CHECKS = (
    Check(
        number=15,
        rule="A job is queued exactly as long as its hold is open.",
        sql=_books("(status = 'queued') <> (holds = 1 AND posts = 0 AND voids = 0)"),
    ),
    Check(
        number=16,
        rule="A job that runs or is completed was charged once and not refunded.",
        sql=_books(
            "status IN ('starting', 'processing', 'completed')"
            " AND NOT (holds = 1 AND posts = 1 AND voids = 0 AND reverses = 0)"
        ),
    ),
    Check(
        number=17,
        rule="A job that failed got its DUST back once: refunded after its start, released before.",
        sql=_books(
            "status = 'failed' AND NOT (holds = 1 AND reverses = posts AND posts = started"
            " AND voids = 1 - started)"
        ),
    ),
    Check(
        number=18,
        rule="A job that was cancelled got its DUST back once: refunded after its start, released before.",
        sql=_books(
            "status = 'cancelled' AND NOT (holds = 1 AND reverses = posts AND posts = started"
            " AND voids = 1 - started)"
        ),
    ),
    Check(
        number=19,
        rule="Each job transfer has its job, is of its price, and is on its user's account.",
        sql="""
        SELECT t.account_id, t.job_id, t.id FROM dust_transfer t
        JOIN dust_account a ON a.id = t.account_id
        LEFT JOIN jobs_job j ON j.id = t.job_id
        LEFT JOIN jobs_purgedjob p ON p.id = t.job_id
        WHERE t.job_id IS NOT NULL AND (
            (j.id IS NULL AND p.id IS NULL)
            OR t.amount <> COALESCE(j.cost, p.cost)
            OR (j.id IS NOT NULL AND a.user_id IS NOT NULL AND j.user_id <> a.user_id)
        )
        """,
    ),
)
