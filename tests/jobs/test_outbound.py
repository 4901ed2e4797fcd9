"""Fetching from users' URLs: what is refused, what is bounded, and that a good file arrives."""

import gzip
import itertools
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings as django_settings

from jobs import outbound
from tests.jobs import servers
from tests.jobs.test_addresses import NOT_PUBLIC

DEADLINE = 5.0

REFUSED_URLS = [
    # schemes
    "",
    "example.com/a.jpg",
    "//example.com/a.jpg",
    "/etc/passwd",
    "file:///etc/passwd",
    "FILE:///etc/passwd",
    "ftp://example.com/a.jpg",
    "gopher://example.com/_GET",
    "data:image/png;base64,AAAA",
    "javascript:alert(1)",
    "dict://example.com:80/",
    "ws://example.com/",
    "blob:https://example.com/1",
    "http:example.com",
    "http:/example.com/",
    "https:///a.jpg",
    "http://",
    "http://?a",
    "http://#a",
    "http://:80/",
    # user names
    "http://user@example.com/",
    "http://user:secret@example.com/",
    "http://@example.com/",
    "http://example.com@127.0.0.1/",
    "http://127.0.0.1@example.com/",
    "http://example.com%40127.0.0.1/",
    # ports
    "http://example.com:22/",
    "http://example.com:8080/",
    "https://example.com:6379/",
    "http://example.com:0/",
    "http://example.com:65616/",  # 80 in 16 bits
    "http://example.com:99999/",
    "http://example.com:080000/",
    "http://example.com:+80/",
    "http://example.com:8_0/",
    "http://example.com:٨٠/",
    "http://example.com:80:80/",
    "http://example.com:-1/",
    # addresses, as they are and in disguise
    "http://127.0.0.1/",
    "http://127.0.0.1./",
    "http://127.0.0.1:80/",
    "http://10.0.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://168.63.129.16/",
    "http://0/",
    "http://0.0.0.0/",
    "http://2130706433/",
    "http://134744072/",  # 8.8.8.8 as one number: public, but nobody writes it so
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://127.1/",
    "http://127.0.1/",
    "http://127.0.0.0x1/",
    "http://example.0x/",
    "http://127.0.0.01/",
    "http://1.2.3.4.5/",
    "http://256.1.1.1/",
    "http://127。0。0。1/",
    "http://１２７.0.0.1/",
    "http://①②⑦.0.0.1/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b:1::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[fd00:ec2::254]/",
    "http://[fe80::1]/",
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1%eth0]/",
    "http://[ff02::1]/",
    "http://[v1.fe80]/",
    "http://[::1/",
    "http://::1/",
    "http://[]/",
    # names
    "http://localhost/",
    "http://localhost./",
    "http://LOCALHOST/",
    "http://metadata/",
    "http://postgres:80/",
    "http://./",
    "http://../",
    "http://.example.com/",
    "http://example..com/",
    "http://example.com../",
    "http://-example.com/",
    "http://example-.com/",
    "http://exa_mple!.com/",
    "http://exam%70le.com/",
    "http://*.example.com/",
    "http://{host}.example.com/",
    "http://" + "a" * 64 + ".com/",
    "http://" + "a." * 127 + "com/",
    "http://‮moc.example/",
    "http://\ud800.com/",
    "http://exa\u00admple.com/",
    # characters that two readers could take differently
    "http://example.com\\@127.0.0.1/",
    "http://example.com/\\..\\a",
    "http://127.0.0.1\t/",
    "http://example.com/a\r\nHost: 127.0.0.1",
    "http://example.com/a\nb",
    "http://example.com/a b",
    " http://example.com/",
    "http://example.com/ ",
    "http://example.com/\x00",
    "http://example.com/\x7f",
    "\u00a0http://example.com/",
    "http\u200b://example.com/",
    "http://example.com/" + "a" * 2000,
]

ALLOWED_URLS = {
    "http://example.com": "http://example.com",
    "HTTP://EXAMPLE.COM/A.jpg": "http://example.com/A.jpg",
    "https://example.com:443/a": "https://example.com/a",
    "https://example.com:80/a": "https://example.com:80/a",
    "http://example.com:443/a": "http://example.com:443/a",
    "http://example.com:/a": "http://example.com/a",
    "https://example.com./a": "https://example.com/a",
    "https://example.com/a?b=c&d#fragment": "https://example.com/a?b=c&d",
    "https://example.com/a@b:c": "https://example.com/a@b:c",
    "https://bücher.example/ä.jpg": "https://xn--bcher-kva.example/%C3%A4.jpg",
    "https://a_b.example.com/": "https://a_b.example.com/",
    "https://8.8.8.8/a": "https://8.8.8.8/a",
    "https://[2606:4700::1111]/a": "https://[2606:4700::1111]/a",
    "https://1.example.com1/": "https://1.example.com1/",
}


@pytest.fixture
def target(tmp_path):
    return tmp_path / "fetched"


@pytest.fixture
def allow(settings):
    """Let these servers be reached although they are on this machine."""

    def allow(*running, host="127.0.0.1"):
        settings.OUTBOUND_ALLOWED_HOSTS = [f"{host}:{server.port}" for server in running]

    return allow


def fetch(url, target, **options):
    return outbound.fetch(
        url, target, **{"max_bytes": 100_000, "deadline": DEADLINE, "accept": "image/*", **options}
    )


def on_this_machine(host, port):
    return ["127.0.0.1"]


def nobody(host, port):
    raise AssertionError("no name may be looked up")


class TestWhatIsRefused:
    @pytest.mark.parametrize("url", REFUSED_URLS)
    def test_a_url_is_refused_before_any_name_is_looked_up(self, url, target):
        with pytest.raises(outbound.OutboundRefused):
            fetch(url, target, resolver=nobody)
        assert not target.exists()

    @pytest.mark.parametrize(("url", "canonical"), ALLOWED_URLS.items())
    def test_a_url_has_one_canonical_form(self, url, canonical):
        assert str(outbound.check(url)) == canonical

    @pytest.mark.parametrize("address", NOT_PUBLIC)
    def test_a_name_that_leads_to_an_address_that_is_not_public_is_refused(self, address, target):
        with pytest.raises(outbound.OutboundRefused, match="not public"):
            fetch("https://photos.example/a.jpg", target, resolver=lambda host, port: [address])

    def test_one_such_address_among_public_ones_is_enough(self, target):
        answer = ["8.8.8.8", "2606:4700::1111", "10.0.0.1"]
        with pytest.raises(outbound.OutboundRefused, match=r"10\.0\.0\.1"):
            fetch("http://photos.example/", target, resolver=lambda host, port: answer)

    @pytest.mark.parametrize(
        "url", ["http://alice:hidden@example.com/?hidden", "http://10.0.0.1/hidden?key=hidden#hidden"]
    )
    def test_the_reason_repeats_no_secrets(self, url, target):
        with pytest.raises(outbound.OutboundRefused) as caught:
            fetch(url, target, resolver=nobody)
        assert "hidden" not in str(caught.value) + caught.value.reason

    def test_the_name_is_looked_up_once_and_that_answer_is_where_it_connects(self, settings, target):
        answers = iter([["127.0.0.1"], ["127.0.0.2"], ["127.0.0.3"]])
        with servers.serving(servers.ok(b"picture")) as server:
            settings.OUTBOUND_ALLOWED_HOSTS = [f"photos.example:{server.port}"]
            url = server.url(host="photos.example")
            assert fetch(url, target, resolver=lambda host, port: next(answers)).size == 7
        assert next(answers) == ["127.0.0.2"]
        assert b"Host: photos.example:%d\r\n" % server.port in server.requests[0]

    def test_the_next_address_is_tried_when_one_does_not_answer(self, settings, target):
        with servers.serving(servers.ok(b"picture")) as server:
            settings.OUTBOUND_ALLOWED_HOSTS = [f"photos.example:{server.port}"]
            url = server.url(host="photos.example")
            assert fetch(url, target, resolver=lambda host, port: ["127.0.0.2", "127.0.0.1"]).size == 7


class TestAllowedHosts:
    def test_a_named_port_does_not_open_the_others(self, settings, target):
        settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1:8000"]
        for url in ("http://127.0.0.1/", "http://127.0.0.1:8001/", "http://127.0.0.2:8000/"):
            with pytest.raises(outbound.OutboundRefused):
                fetch(url, target)

    def test_a_name_alone_opens_80_and_443_only(self, settings):
        settings.OUTBOUND_ALLOWED_HOSTS = ["Localhost", "[::1]"]
        assert outbound.check("http://localhost/")
        assert outbound.check("https://[::1]/")
        with pytest.raises(outbound.OutboundRefused):
            outbound.check("http://localhost:8000/")

    def test_a_host_that_only_ends_like_it_is_another(self, settings):
        settings.OUTBOUND_ALLOWED_HOSTS = ["localhost:8000"]
        with pytest.raises(outbound.OutboundRefused):
            outbound.check("http://a.localhost:8000/")


class TestAGoodFile:
    def test_it_arrives(self, allow, target):
        body = os.urandom(100_000)
        with servers.serving(servers.ok(body, b"Content-Type: Image/JPEG; charset=x")) as server:
            allow(server)
            fetched = fetch(server.url("/ä.jpg?size=1#part"), target)
        assert target.read_bytes() == body
        assert (fetched.size, fetched.content_type) == (100_000, "image/jpeg")
        assert fetched.final_url == server.url("/%C3%A4.jpg?size=1")

    def test_the_request_says_what_is_wanted_and_nothing_else(self, allow, target, monkeypatch):
        monkeypatch.setenv("NETRC", str(target))
        with servers.serving(servers.ok(b"picture")) as server:
            allow(server)
            fetch(server.url(), target)
        head = server.requests[0].decode().split("\r\n")
        names = {line.partition(":")[0] for line in head[1:] if line}
        assert head[0] == "GET /picture.jpg HTTP/1.1"
        assert names == {"Host", "User-Agent", "Accept", "Accept-Encoding"}
        assert "Accept-Encoding: identity" in head

    def test_in_chunks(self, allow, target):
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        with servers.serving(head + b"3\r\npic\r\n4\r\nture\r\n0\r\n\r\n") as server:
            allow(server)
            assert fetch(server.url(), target).size == 7

    def test_up_to_the_end_of_the_connection(self, allow, target):
        with servers.serving(b"HTTP/1.0 200 OK\r\n\r\npicture") as server:
            allow(server)
            assert fetch(server.url(), target).size == 7

    def test_exactly_as_large_as_is_allowed(self, allow, target):
        with servers.serving(servers.ok(b"picture")) as server:
            allow(server)
            assert fetch(server.url(), target, max_bytes=7).size == 7
            with pytest.raises(outbound.OutboundRefused, match="larger than 6"):
                fetch(server.url(), target, max_bytes=6)

    def test_proxies_of_the_environment_are_not_used(self, allow, target, monkeypatch):
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        with servers.serving(servers.ok(b"picture")) as server:
            allow(server)
            assert fetch(server.url(), target).size == 7


class TestRedirects:
    def redirected(self, allow, target, location, **options):
        with servers.serving(servers.redirect(location)) as server:
            allow(server)
            return fetch(server.url("/folder/start"), target, **options)

    @pytest.mark.parametrize(
        "location",
        [
            "http://169.254.169.254/latest/meta-data/",
            "http://127.0.0.1/",
            "http://127.0.0.1:22/",
            "http://localhost/",
            "//10.0.0.1/",
            "http://[::1]/",
            "http://2130706433/",
            "http://user@example.com/",
            "file:///etc/passwd",
            "ftp://example.com/",
            "javascript:alert(1)",
            "http://example.com:8080/",
            "\\\\10.0.0.1\\share",
            "http:\\\\10.0.0.1/",
            "/a b",
            "//[",
            "http://",
            "",
            "/" + "a" * 2000,
        ],
    )
    def test_it_is_refused_where_a_url_would_be(self, location, allow, target):
        with pytest.raises(outbound.OutboundRefused):
            self.redirected(allow, target, location)
        assert not target.exists()

    def test_the_name_it_leads_to_is_looked_up_and_checked(self, allow, target):
        answers = {"127.0.0.1": ["127.0.0.1"], "rebound.example": ["192.168.1.1"]}
        with pytest.raises(outbound.OutboundRefused, match=r"rebound\.example is at 192\.168\.1\.1"):
            self.redirected(
                allow, target, "https://rebound.example/", resolver=lambda host, port: answers[host]
            )

    def test_from_https_to_http_is_refused(self, settings, target, tmp_path, monkeypatch):
        shown = servers.certificate(tmp_path, "photos.example")
        monkeypatch.setenv("SSL_CERT_FILE", str(shown.path))
        with servers.serving(servers.redirect("http://example.com/a.jpg"), tls=shown.context) as server:
            settings.OUTBOUND_ALLOWED_HOSTS = [f"photos.example:{server.port}"]
            url = server.url(host="photos.example", scheme="https")
            with pytest.raises(outbound.OutboundRefused, match="https to http"):
                fetch(url, target, resolver=on_this_machine)

    @pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
    def test_up_to_five_are_followed(self, code, allow, target):
        with servers.serving(self.countdown(code)) as server:
            allow(server)
            assert fetch(server.url("/5"), target).final_url == server.url("/0")
            with pytest.raises(outbound.OutboundRefused, match="more than 5 redirects"):
                fetch(server.url("/6"), target)
        assert len(server.requests) == 12

    def test_a_loop_ends(self, allow, target):
        with servers.serving(servers.redirect("start")) as server:
            allow(server)
            with pytest.raises(outbound.OutboundRefused, match="redirects"):
                fetch(server.url("/folder/start"), target)
        assert len(server.requests) == 6

    def test_cookies_are_not_kept(self, allow, target):
        def answer(connection, request, server):
            if request.startswith(b"GET /0"):
                connection.sendall(servers.ok(b"picture"))
            else:
                connection.sendall(
                    servers.redirect("/0").replace(b"\r\n\r\n", b"\r\nSet-Cookie: a=b\r\n\r\n")
                )

        with servers.serving(answer) as server:
            allow(server)
            fetch(server.url("/1"), target)
        assert b"cookie" not in server.requests[1].lower()

    def test_without_a_location_it_is_refused(self, allow, target):
        with servers.serving(servers.status(302)) as server:
            allow(server)
            with pytest.raises(outbound.OutboundRefused):
                fetch(server.url(), target)

    @staticmethod
    def countdown(code):
        def answer(connection, request, server):
            left = int(request.split()[1][1:])
            connection.sendall(servers.redirect(f"/{left - 1}", code) if left else servers.ok(b"picture"))

        return answer


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

    def test_a_name_server_that_never_answers(self, target):
        self.must_end("https://photos.example/", target, resolver=lambda host, port: time.sleep(3) or [])

    def test_a_deadline_that_is_over_before_it_begins(self, target):
        with pytest.raises(outbound.OutboundFailed):
            fetch("https://photos.example/", target, deadline=0, resolver=nobody)

    def test_a_look_up_left_behind_does_not_hold_up_the_end_of_the_process(self, tmp_path):
        script = (
            "import pathlib, time\n"
            "from jobs import outbound\n"
            "try:\n"
            "    outbound.fetch('https://photos.example/', pathlib.Path('x'), max_bytes=1, deadline=0.1,\n"
            "        accept='*/*', resolver=lambda host, port: time.sleep(60) or [])\n"
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
            timeout=30,
        )
        assert (done.returncode, done.stdout) == (0, "gave up\n"), done.stderr

    @staticmethod
    def must_end(url, target, **options):
        began = time.monotonic()
        with pytest.raises(outbound.OutboundFailed):
            fetch(url, target, deadline=0.6, **options)
        assert time.monotonic() - began < 2.5


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


class TestTls:
    def fetched(self, settings, target, shown, *, host="photos.example", address="127.0.0.1"):
        with servers.serving(servers.ok(b"picture"), tls=shown.context) as server:
            settings.OUTBOUND_ALLOWED_HOSTS = [f"{host}:{server.port}"]
            url = server.url(host=host, scheme="https")
            return fetch(url, target, resolver=lambda name, port: [address]), server

    def test_the_certificate_is_checked_against_the_name_while_connecting_to_the_address(
        self, settings, target, tmp_path, monkeypatch
    ):
        shown = servers.certificate(tmp_path, "photos.example")
        monkeypatch.setenv("SSL_CERT_FILE", str(shown.path))
        fetched, server = self.fetched(settings, target, shown)
        assert fetched.size == 7
        assert server.names == ["photos.example"]
        assert b"Host: photos.example:%d\r\n" % server.port in server.requests[0]

    @pytest.mark.parametrize(
        ("name", "days"), [("other.example", 1), ("127.0.0.1", 1), ("photos.example", -1)]
    )
    def test_a_wrong_name_or_an_expired_certificate_is_refused(
        self, name, days, settings, target, tmp_path, monkeypatch
    ):
        shown = servers.certificate(tmp_path, name, days=days)
        monkeypatch.setenv("SSL_CERT_FILE", str(shown.path))
        with pytest.raises(outbound.OutboundRefused, match=r"certificate of photos\.example"):
            self.fetched(settings, target, shown)

    def test_a_certificate_that_nobody_vouches_for_is_refused(self, settings, target, tmp_path):
        shown = servers.certificate(tmp_path, "photos.example")
        with pytest.raises(outbound.OutboundRefused, match="certificate"):
            self.fetched(settings, target, shown)

    def test_a_server_without_tls_may_be_tried_again(self, settings, target):
        with servers.serving(b"HTTP/1.1 400 Bad\r\n\r\n") as server:
            settings.OUTBOUND_ALLOWED_HOSTS = [f"photos.example:{server.port}"]
            with pytest.raises(outbound.OutboundFailed):
                fetch(server.url(host="photos.example", scheme="https"), target, resolver=on_this_machine)


def test_the_attack_tables_are_what_they_seem():
    assert len(set(REFUSED_URLS)) == len(REFUSED_URLS)
    assert not set(REFUSED_URLS) & set(itertools.chain(ALLOWED_URLS, ALLOWED_URLS.values()))
