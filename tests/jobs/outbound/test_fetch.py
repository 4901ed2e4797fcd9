"""That a good file arrives, over redirects and TLS too."""

import os

import pytest

from jobs import outbound
from tests.jobs import servers
from tests.jobs.outbound.fetching import fetch, on_this_machine


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
