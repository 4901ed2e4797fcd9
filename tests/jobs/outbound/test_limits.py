"""Servers that would take for ever, send for ever, or break off."""

import gzip
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings as django_settings

from jobs import outbound
from tests.jobs import servers
from tests.jobs.outbound.fetching import fetch, nobody, on_this_machine


class TestTime:
    """Each of these servers would keep us for ever."""

    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param(servers.silent, id="nothing"),
            pytest.param(servers.drip(b"HTTP/1.1 200 OK\r\nA: b", b"c"), id="slow-header"),
            pytest.param(
                servers.drip(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n", b"c"), id="slow-body"
            ),
            pytest.param(
                servers.drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nc\r\n"),
                id="slow-chunks",
            ),
            pytest.param(servers.flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100), id="endless-continue"),
        ],
    )
    def test_it_gives_up_at_the_deadline(self, answer, allow, target):
        with servers.serving(answer) as server:
            allow(server)
            self.must_end(server.url(), target)
        assert not target.exists()

    def test_redirects_share_one_deadline(self, allow, target):
        def answer(connection, request, server):
            server.stopping.wait(0.3)
            connection.sendall(servers.redirect("again"))

        with servers.serving(answer) as server:
            allow(server)
            self.must_end(server.url(), target)
        assert len(server.requests) < 5

    def test_a_server_that_never_starts_tls(self, settings, target):
        with servers.serving(servers.silent) as server:
            settings.OUTBOUND_ALLOWED_HOSTS = [f"photos.example:{server.port}"]
            self.must_end(server.url(host="photos.example", scheme="https"), target, resolver=on_this_machine)

    def test_a_name_server_that_never_answers(self, mute, target):
        self.must_end("https://photos.example/", target, resolver=mute)

    def test_a_deadline_that_is_over_before_it_begins(self, target):
        with pytest.raises(outbound.OutboundFailed):
            fetch("https://photos.example/", target, deadline=0, resolver=nobody)

    def test_a_look_up_left_behind_does_not_hold_up_the_end_of_the_process(self, tmp_path):
        script = (
            "import pathlib, time\n"
            "from jobs import outbound\n"
            "try:\n"
            "    outbound.fetch('https://photos.example/', pathlib.Path('x'), max_bytes=1, deadline=0.1,\n"
            "        accept='*/*', resolver=lambda host, port: time.sleep(600) or [])\n"
            "except outbound.OutboundFailed: print('gave up')\n"
        )
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
        root = Path(django_settings.BASE_DIR)
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=root,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,  # less than what is left behind
        )
        assert (done.returncode, done.stdout) == (0, "gave up\n"), done.stderr

    @staticmethod
    def must_end(url, target, **options):
        began = time.monotonic()
        with pytest.raises(outbound.OutboundFailed):
            fetch(url, target, deadline=0.6, **options)
        assert time.monotonic() - began < 10  # not for ever, on a busy machine neither


class TestSize:
    BODY = b"x" * 65536

    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param(servers.flood(b"HTTP/1.0 200 OK\r\n\r\n", BODY), id="no-length"),
            pytest.param(
                servers.flood(
                    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + BODY + b"\r\n"
                ),
                id="chunked",
            ),
            pytest.param(
                servers.flood(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", BODY), id="declared"
            ),
        ],
    )
    def test_an_endless_file_is_cut_off(self, answer, allow, target):
        with servers.serving(answer) as server:
            allow(server)
            with pytest.raises(outbound.OutboundRefused, match="larger than 100000 bytes"):
                fetch(server.url(), target)
        assert not target.exists()

    def test_endless_headers_are_cut_off(self, allow, target):
        with servers.serving(servers.flood(b"HTTP/1.1 200 OK\r\n", b"A: " + self.BODY + b"\r\n")) as server:
            allow(server)
            with pytest.raises(outbound.OutboundFailed, match="keep to HTTP"):
                fetch(server.url(), target)

    @pytest.mark.parametrize("encoding", [b"gzip", b"br", b"deflate", b"gzip, identity", b"GZIP", b"x"])
    def test_a_compressed_answer_is_refused_unopened(self, encoding, allow, target):
        bomb = gzip.compress(b"\0" * 10_000_000)
        with servers.serving(servers.ok(bomb, b"Content-Encoding: " + encoding)) as server:
            allow(server)
            with pytest.raises(outbound.OutboundRefused, match="compressed"):
                fetch(server.url(), target)
        assert not target.exists()

    def test_a_compressed_transfer_is_refused(self, allow, target):
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
        with servers.serving(head + gzip.compress(b"\0" * 1000)) as server:
            allow(server)
            with pytest.raises(outbound.OutboundFailed, match="keep to HTTP"):
                fetch(server.url(), target)


class TestBrokenServers:
    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", id="body-too-short"),
            pytest.param(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort", id="half-a-chunk"
            ),
            pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", id="bad-chunk"),
            pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", id="negative-length"),
            pytest.param(
                b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", id="two-lengths"
            ),
            pytest.param(b"HTTP/1.1 200 OK\r\nbad header\r\n\r\n", id="bad-header"),
            pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", id="not-http"),
            pytest.param(b"\x00" * 100, id="zeros"),
            pytest.param(b"", id="closed"),
            pytest.param(lambda connection, request, server: servers.reset(connection), id="reset"),
        ],
    )
    def test_it_may_be_tried_again(self, answer, allow, target):
        with servers.serving(answer) as server:
            allow(server)
            with pytest.raises(outbound.OutboundFailed):
                fetch(server.url(), target)
        assert not target.exists()

    def test_a_reset_in_the_middle_leaves_no_file(self, allow, target):
        def answer(connection, request, server):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n" + b"x" * 10_000)
            server.stopping.wait(0.1)
            servers.reset(connection)

        with servers.serving(answer) as server:
            allow(server)
            with pytest.raises(outbound.OutboundFailed):
                fetch(server.url(), target)
        assert not target.exists()

    @pytest.mark.parametrize("code", [408, 425, 429, 500, 502, 503, 504])
    def test_a_busy_server_may_be_tried_again(self, code, allow, target):
        with servers.serving(servers.status(code)) as server:
            allow(server)
            with pytest.raises(outbound.OutboundFailed, match=str(code)):
                fetch(server.url(), target)

    @pytest.mark.parametrize("code", [201, 204, 206, 300, 304, 400, 401, 403, 404, 410, 451])
    def test_any_other_answer_is_final(self, code, allow, target):
        with servers.serving(servers.status(code)) as server:
            allow(server)
            with pytest.raises(outbound.OutboundRefused, match=str(code)):
                fetch(server.url(), target)

    def test_nobody_listens(self, settings, target):
        settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1:9"]
        with pytest.raises(outbound.OutboundFailed, match="could not be reached"):
            fetch("http://127.0.0.1:9/", target)

    @pytest.mark.parametrize("error", [OSError("no such name"), UnicodeError("label too long")])
    def test_the_name_is_unknown(self, error, target):
        def unknown(host, port):
            raise error

        with pytest.raises(outbound.OutboundFailed, match=r"photos\.example was not found"):
            fetch("https://photos.example/", target, resolver=unknown)

    def test_the_system_resolves_names_by_default(self, settings, target):
        with servers.serving(servers.ok(b"picture")) as server:
            settings.OUTBOUND_ALLOWED_HOSTS = [f"localhost:{server.port}"]
            assert fetch(server.url(host="localhost"), target).size == 7
