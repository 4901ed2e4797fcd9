"""A provider that does to its worker what its prompt says, in the real child process."""

import ctypes
import fcntl
import json
import math
import os
import resource
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

from django.conf import settings

from jobs.providers.base import FailureCode, LocalProvider, ProviderError, Rendered
from jobs.providers.rehearsal import Rehearsal

PATH = f"{__name__}.Misbehaving"
FOREVER = 300  # seconds: more than any test waits
MODEL = {"title": "Misbehaving", "provider": PATH, "seconds_of_work": 1, "options": {"seconds": 0}}


class Misbehaving(LocalProvider):
    """The prompt's first word is the name of what it does."""

    def generate(self, generation, folder, progress):
        return HABITS[generation.prompt.split()[0]](generation, folder, progress)


def channel():
    """The pipe to the worker, which a provider is never given."""
    for number in range(3, 64):
        try:
            is_pipe = stat.S_ISFIFO(os.fstat(number).st_mode)
            if is_pipe and fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY:
                return number
        except OSError:
            continue
    raise AssertionError("there is no channel")


def say(content):
    os.write(channel(), json.dumps(content).encode() + b"\n")


def sleep_on():
    time.sleep(FOREVER)


def sleeper(generation):
    """Start a process of its own that can be found by the job's id."""
    return subprocess.Popen(
        [sys.executable, "-c", f"import time; time.sleep({FOREVER})  # {generation.job_id}"]
    )


def told(rendered, **changes):
    fields = {name: getattr(rendered, name) for name in ("width", "height", "frames_per_second")}
    paths = {"video": str(rendered.video), "poster": str(rendered.poster)}
    return {"done": {**fields, **paths, "duration_seconds": rendered.duration_seconds, **changes}}


def tardy(generation, folder, progress):
    """Say nothing for longer than the worker waits between two looks, then all at once, and end."""
    time.sleep(2)
    return good(generation, folder, progress)


def inquisitive(generation, folder, progress):
    """Tell which of the prompt's other words are anywhere in the environment or the settings."""
    kernels, debug = Path("/proc/self/environ").read_text(), settings.DEBUG  # read now, at the latest
    everything = f"{kernels} {dict(os.environ)} {debug} {vars(settings._wrapped)}"
    found = [word for word in generation.prompt.split()[1:] if word in everything]
    raise ProviderError(FailureCode.INTERNAL_ERROR, json.dumps(found))


def good(generation, folder, progress):
    return Rehearsal().generate(generation, folder, progress)


def quick(folder):
    """Answer at once, with files that are no video: for what must not come to be looked at."""
    for name in ("video.mp4", "poster.jpg"):
        (folder / name).write_bytes(name.encode())
    return Rendered(
        video=folder / "video.mp4",
        poster=folder / "poster.jpg",
        width=854,
        height=480,
        frames_per_second=24,
        duration_seconds=5.0,
    )


def deaf(generation, folder, progress):
    for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_IGN)
    while True:
        progress(0.5, "working")
        time.sleep(0.1)


def family(generation, folder, progress):
    sleeper(generation)
    if os.fork() == 0:  # this one has the channel too, so the worker never reads its end
        sleep_on()
    os.kill(os.getpid(), signal.SIGSEGV)


def fertile(generation, folder, progress):
    sleeper(generation)
    return good(generation, folder, progress)


def endless(generation, folder, progress):
    while True:
        os.write(channel(), b"x" * 4096)


def garbage(generation, folder, progress):
    os.write(channel(), b"\x00\xff<html>\n")
    sleep_on()


def mute(generation, folder, progress):
    os.close(channel())
    for number in (0, 1, 2):
        os.close(number)
    sleep_on()


def premature(generation, folder, progress):
    say(told(good(generation, folder, progress)))
    deaf(generation, folder, lambda share, step: None)


def repetitive(generation, folder, progress):
    for _ in range(3):
        say({"accepted": {}})
    return good(generation, folder, progress)


def immeasurable(generation, folder, progress):
    for share in (math.nan, -1.0, -math.inf, 10**300):
        progress(share, "step\x00\ud800 " * 5000)
        time.sleep(0.6)  # each is written
    return good(generation, folder, progress)


def outside(generation, folder, progress):
    """Answer with a video elsewhere: the prompt's second word says how."""
    rendered, how = quick(folder), generation.prompt.split()[1]
    video = folder / "other.mp4"
    if how == "absolute":
        video = Path("/etc/hostname")
    elif how == "upwards":
        video = folder / ".." / "other.mp4"
        video.write_bytes(rendered.video.read_bytes())
    elif how == "link":
        video.symlink_to("/etc/hostname")
    elif how == "inward":
        video.symlink_to(rendered.video)
    elif how == "loop":
        video.symlink_to(video)
    elif how == "pipe":
        os.mkfifo(video)
    elif how == "folder":
        video.mkdir()
    say(told(rendered, video=str(video)))
    sleep_on()


def unreal(generation, folder, progress):
    say(told(quick(folder), **json.loads(generation.prompt.split(maxsplit=1)[1])))
    sleep_on()


def array(generation, folder, progress):
    import numpy

    numpy.ones((100_000, 100_000))


def cpp(generation, folder, progress):
    """What C++ does when it gets no memory: an exception that nobody catches."""
    library = ctypes.CDLL("libstdc++.so.6")
    library._Znwm.argtypes = [ctypes.c_size_t]
    library._Znwm(64 << 30)


def large(generation, folder, progress):
    with (folder / "video.mp4").open("wb") as file:
        file.truncate(5 << 30)


def full(generation, folder, progress):
    with open("/dev/full", "wb") as file:
        file.write(b"x")


def limited(generation, folder, progress):
    """Tell what the process may do."""
    kinds = ("RLIMIT_DATA", "RLIMIT_CORE", "RLIMIT_FSIZE")
    found = {kind: resource.getrlimit(getattr(resource, kind)) for kind in kinds}
    found["first"] = Path("/proc/self/oom_score_adj").read_text().strip()
    raise ProviderError(FailureCode.INTERNAL_ERROR, json.dumps(found))


def deadly(generation, folder, progress):
    """Kill the worker process itself."""
    os.kill(os.getppid(), signal.SIGKILL)
    sleep_on()


HABITS = {
    habit.__name__: habit
    for habit in (
        *(good, deaf, family, fertile, endless, garbage, mute, premature, repetitive, immeasurable, outside),
        *(unreal, array, cpp, large, full, limited, deadly, tardy, inquisitive),
    )
}
