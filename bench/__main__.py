"""`make bench`: measure at each size, print one table, write JSON. It asserts nothing.

`SIZES` are the numbers of finished jobs, `ROUNDS` how often each comparison is made, `BENCH_DATABASE_URL` a
PostgreSQL server where databases may be made (else the one on this machine) or `sqlite`, `BENCH_JSON` the
file for all figures.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench import databases, report

ROOT = Path(__file__).resolve().parent.parent
SIZES = "1000,100000"


def main() -> None:
    """Measure in a process and a database of its own for each size."""
    server = os.environ.get("BENCH_DATABASE_URL") or databases.LOCAL
    sizes = [int(size) for size in (os.environ.get("SIZES") or SIZES).split(",")]
    path = Path(os.environ.get("BENCH_JSON") or "bench.json")
    found: dict[str, Any] = {"machine": report.machine(server), "sizes": []}
    for size in sizes:
        found["sizes"].append(_size(size, server))
        path.write_text(json.dumps(found, indent=1) + "\n")  # each size, should a later one be cut short
    print("\n".join(report.table(found)))
    print(f"\nAll figures: {path}")


def _size(jobs: int, server: str) -> Any:
    command = [sys.executable, "-m", "bench.size", str(jobs)]
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        databases.throw_away(server, Path(folder)) as url,
    ):
        environment = {
            **databases.production(folder, url),
            "DJANGO_SETTINGS_MODULE": "bench.settings",
            "DATABASE_POOL": "true" if url else "false",
            "REHEARSAL": "true",
        }
        done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


if __name__ == "__main__":
    main()
