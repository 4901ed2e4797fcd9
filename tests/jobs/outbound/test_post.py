"""That what is posted arrives as it is, once, at public addresses only, and that no server can keep us."""

import time

import pytest

from jobs import outbound
from tests.jobs import servers
from tests.jobs.outbound.fetching import nobody, on_this_machine

BODY = b'{"type": "job.completed"}'


def post(url, **options):
    asked = {"headers": {"webhook-id": "msg_1"}, "deadline": 60.0, "keep": 100}
    return outbound.post(url, BODY, **{**asked, **options})


def hearing(reply):
    """An answer that is given once the whole request is there."""

    def answer(connection, request, server):
        while BODY not in b"".join(server.requests):
            server.requests.append(connection.recv(65536))
        connection.sendall(reply)

    return answer


class TestArriving:
    def test_the_request_says_what_it_is_and_nothing_else(self, allow):
        with servers.serving(hearing(servers.ok(b"taken"))) as server:
            allow(server)
            posted = post(server.url("/hook?a=1"))
        head, _, body = b"".join(server.requests).partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        assert first == "POST /hook?a=1 HTTP/1.1"
        assert {line.partition(":")[0] for line in lines} == {
            *("Host", "User-Agent", "Accept-Encoding", "webhook-id", "Content-Length"),
        }
        assert body == BODY
        assert (posted.status, posted.beginning) == (200, b"taken")

    @pytest.mark.parametrize("code", [204, 400, 410, 429, 500])
    def test_any_status_is_an_answer(self, code, allow):
        with servers.serving(hearing(servers.status(code))) as server:
            allow(server)
            assert post(server.url()).status == code

    def test_retry_after_is_passed_on(self, allow):
        reply = b"HTTP/1.1 429 Said\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"
        with servers.serving(hearing(reply)) as server:
            allow(server)
            assert post(server.url()).retry_after == "7"

    def test_proxies_of_the_environment_are_not_used(self, allow, monkeypatch):
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        with servers.serving(hearing(servers.ok())) as server:
            allow(server)
            assert post(server.url()).status == 200


class TestWhere:
    @pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
    @pytest.mark.parametrize("location", ["http://169.254.169.254/latest/meta-data/", "/again"])
    def test_a_redirect_is_an_answer_and_is_not_followed(self, code, location, allow):
        with servers.serving(hearing(servers.redirect(location, code))) as server:
            allow(server)
            assert post(server.url()).status == code
        assert sum(request.startswith((b"POST", b"GET")) for request in server.requests) == 1

    @pytest.mark.parametrize(
        "url",
        [
            "http://127.0.0.1/",
            "http://[::1]/",
            "http://169.254.169.254/",
            "http://0x7f000001/",
            "http://localhost/",
            "http://user@hooks.example/",
            "http://hooks.example:8080/",
            "file:///etc/passwd",
        ],
    )
    def test_a_url_is_refused_before_any_name_is_looked_up(self, url):
        with pytest.raises(outbound.OutboundRefused):
            post(url, resolver=nobody)

    @pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00::1"])
    def test_a_name_that_leads_to_an_address_that_is_not_public_is_refused(self, address):
        with pytest.raises(outbound.OutboundRefused, match="not public"):
            post("http://hooks.example/", resolver=lambda host, port: ["93.184.216.34", address])

    def test_a_name_is_looked_up_once_and_that_answer_is_where_it_connects(self, settings):
        asked = []

        def rebinding(host, port):
            asked.append(host)
            return on_this_machine(host, port) if len(asked) == 1 else ["10.0.0.1"]

        with servers.serving(hearing(servers.ok())) as server:
            settings.OUTBOUND_ALLOWED_HOSTS = [f"hooks.example:{server.port}"]
            post(server.url(host="hooks.example"), resolver=rebinding)
        assert asked == ["hooks.example"]

    def test_a_certificate_that_nobody_vouches_for_is_refused(self, settings, tmp_path):
        certificate = servers.certificate(tmp_path, "hooks.example")
        with servers.serving(hearing(servers.ok()), tls=certificate.context) as server:
            settings.OUTBOUND_ALLOWED_HOSTS = [f"hooks.example:{server.port}"]
            with pytest.raises(outbound.OutboundRefused, match="certificate"):
                post(server.url(host="hooks.example", scheme="https"), resolver=on_this_machine)
        assert b"POST" not in b"".join(server.requests)


class TestTimeAndSize:
    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param(servers.silent, id="nothing"),
            pytest.param(servers.drip(b"HTTP/1.1 200 OK\r\nA: b", b"c"), id="slow-header"),
            pytest.param(servers.flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100), id="endless-continue"),
        ],
    )
    def test_it_gives_up_at_the_deadline(self, answer, allow):
        with servers.serving(answer) as server:
            allow(server)
            began = time.monotonic()
            with pytest.raises(outbound.OutboundFailed):
                post(server.url(), deadline=0.5)
            assert time.monotonic() - began < 10  # not for ever, on a busy machine neither

    def test_a_name_server_that_never_answers(self, mute):
        with pytest.raises(outbound.OutboundFailed):
            post("https://hooks.example/", deadline=0.3, resolver=mute)

    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param(servers.flood(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536), id="endless"),
            pytest.param(hearing(servers.ok(b"x" * 100)), id="just-as-much"),
        ],
    )
    def test_no_more_is_kept_than_asked_for(self, answer, allow):
        with servers.serving(answer) as server:
            allow(server)
            assert post(server.url(), keep=100).beginning == b"x" * 100

    @pytest.mark.parametrize(
        ("answer", "deadline"),
        [
            pytest.param(
                servers.drip(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", b"c"), 1.5, id="drips"
            ),
            pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\ncc", 30.0, id="breaks-off"),
            pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno", 30.0, id="nonsense"),
        ],
    )
    def test_a_status_counts_though_the_body_never_comes(self, answer, deadline, allow):
        with servers.serving(answer) as server:
            allow(server)
            assert post(server.url(), deadline=deadline).status == 200

    def test_a_body_is_a_body_however_it_is_packed(self, allow):
        packed = servers.ok(b"\x1f\x8b" + b"\0" * 50, b"Content-Encoding: gzip")
        with servers.serving(hearing(packed)) as server:
            allow(server)
            assert post(server.url()).beginning.startswith(b"\x1f\x8b")
