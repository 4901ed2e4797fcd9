"""Which URLs are refused, before and after their name is looked up."""

import itertools

import pytest

from jobs import outbound
from tests.jobs import servers
from tests.jobs.outbound.fetching import fetch, nobody
from tests.jobs.outbound.test_addresses import NOT_PUBLIC

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


def test_the_attack_tables_are_what_they_seem():
    assert len(set(REFUSED_URLS)) == len(REFUSED_URLS)
    assert not set(REFUSED_URLS) & set(itertools.chain(ALLOWED_URLS, ALLOWED_URLS.values()))
