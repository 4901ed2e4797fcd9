"""Makes `videoapi_client/_sync` from `videoapi_client/_async`, or into the folder that is named."""

import subprocess
import sys
from pathlib import Path

import unasync

HOME = Path(__file__).resolve().parent
SOURCE = HOME / "videoapi_client/_async"
NAMES = {
    "_async": "_sync",
    "asyncio": "time",
    "aclosing": "closing",
    "aclose": "close",
    "aiter_bytes": "iter_bytes",
    "aread": "read",
    "AsyncClient": "Client",
    "AsyncExitStack": "ExitStack",
    "enter_async_context": "enter_context",
    "AsyncDust": "Dust",
    "AsyncJob": "Job",
    "AsyncJobs": "Jobs",
    "AsyncList": "List",
    "AsyncTransport": "Transport",
    "AsyncUpdates": "Updates",
    "AsyncVideoClient": "VideoClient",
    "AsyncVideos": "Videos",
}
ABOUT = '"""The client that blocks: made from `_async` by `make clients`, and never edited."""\n'


def make(target: Path) -> None:
    """Write the folder anew."""
    rule = unasync.Rule(fromdir=f"{SOURCE}/", todir=f"{target}/", additional_replacements=NAMES)
    unasync.unasync_files([str(path) for path in sorted(SOURCE.glob("*.py"))], [rule])
    (target / "__init__.py").write_text(ABOUT)
    ruff = [sys.executable, "-m", "ruff"]
    settings = ["--config", str(HOME.parents[1] / "pyproject.toml"), str(target)]
    subprocess.run([*ruff, "check", "--quiet", "--fix", "--select", "I,F811,F401", *settings], check=True)
    subprocess.run([*ruff, "format", "--quiet", *settings], check=True)


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else HOME / "videoapi_client/_sync")
