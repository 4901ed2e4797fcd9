"""`manage.py run` (`make run`): the whole thing on this machine, with a first video to look at."""

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from videoapi import local, local_account, processes
from videoapi.client import Api, ApiError
from videoapi.local_account import LocalAccount
from videoapi.processes import Children, ProgramEnded

FIRST_PROMPT = "A paper boat drifts down a rain-lit street at dusk, slow zoom in"


class Command(BaseCommand):
    help = "Run web server and worker together until Ctrl-C. PORT, HOST and DATA_DIR say where."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=os.environ.get("HOST") or "127.0.0.1")
        parser.add_argument("--port", type=int, default=os.environ.get("PORT") or 8000)
        parser.add_argument(
            "--with-parent", action="store_true", help="stop when the process that started this one is gone"
        )

    def handle(self, *args: Any, host: str, port: int, with_parent: bool, **options: Any) -> None:
        try:
            local.require_free(host, port)
            call_command("migrate", verbosity=0)
            account = local_account.ensure(settings.DATA_DIR) if settings.DEBUG else None
            connections.close_all()  # from here on we are a client like any other
            with processes.interruptible():
                self._run(local.address(host, port), local.web(host, port), account, with_parent)
        except KeyboardInterrupt:
            self.stdout.write("Stopped.")
        except (local.PortTaken, local.NotReady, ProgramEnded, ApiError) as error:
            raise CommandError(str(error)) from error

    def _run(
        self, address: str, web: processes.Program, account: LocalAccount | None, with_parent: bool
    ) -> None:
        with Children(environment={}, write=_write, with_parent=with_parent) as children:
            children.start(web)
            children.start(local.worker())
            api = Api(address, account.token if account else "")
            local.wait_until_ready(api, children)
            if account:
                _write(f"\n  {address}/ is up.\n")
                video = _first_video(api)
                _write(_places(address) + _credentials(address, account))
                _write(_first_steps(address, account, video))
            else:
                _write(_places(address))
            children.wait()


def _first_video(api: Api) -> str:
    """Return the address of a video to look at, made now if the library is empty."""
    videos = api.get("/videos?limit=1")["videos"]
    if not videos:
        _write("\n  Making a first video ...\n")
        order = {"prompt": FIRST_PROMPT, "resolution": "hd_720p", "seed": 1}
        job = api.submit("/videos/generate", key="first-video", json=order)
        for status in api.follow(job["job_id"]):
            if status.get("error"):
                return f"none yet: {status['error']}"
        videos = [api.get(f"/videos/jobs/{job['job_id']}/result")["video"]]
    return str(videos[0]["url"])


def _places(address: str) -> str:
    return (
        "\n"
        f"  Studio      {address}/\n"
        f"  API docs    {address}/docs\n"
        f"  Admin       {address}/admin/\n"
        f"  Data        {settings.DATA_DIR}\n"
    )


def _credentials(address: str, account: LocalAccount) -> str:
    return (
        "\n"
        f"  Sign in     {address}/login?demo={account.link_secret}\n"
        f"  Username    {account.username}\n"
        f"  Password    {account.password}\n"
        f"  Token       {account.token}\n"
    )


def _first_steps(address: str, account: LocalAccount, video: str) -> str:
    return (
        "\n"
        f"  A video     {video}\n"
        "\n"
        "  Make another one:\n"
        "\n"
        f"  curl -s {address}/videos/generate -H 'Authorization: Bearer {account.token}' \\\n"
        """       -H 'Content-Type: application/json' -d '{"prompt": "Northern lights over a fjord"}'\n"""
        "\n"
        "  Ctrl-C stops everything.\n"
        "\n"
    )


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
