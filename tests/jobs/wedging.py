"""Tasks for tests of the worker. Served a second time, each is done at once."""

import pathlib
import time


def touch(path: str) -> None:
    """Show that tasks get through."""
    pathlib.Path(path).touch()


def swallow(path: str) -> None:
    """Let nothing end this task, not even the engine's time limit."""
    if _is_new(path):
        _ignore_all()


def busy(path: str) -> None:
    """Be at work for long."""
    if _is_new(path):
        time.sleep(3600)


def _is_new(path: str) -> bool:
    is_new = not pathlib.Path(path).exists()
    pathlib.Path(path).touch()
    return is_new


def _ignore_all() -> None:
    while True:
        try:
            time.sleep(60)
        except BaseException:
            continue
