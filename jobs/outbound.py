"""The only HTTP client for users' URLs: public addresses, ports 80 and 443, bounded in time and bytes.

It speaks httpcore2 and leaves httpx2's client aside: that one would keep cookies between hops, take
proxies and credentials from the environment, and log whole URLs.
"""

import contextlib
import dataclasses
import ipaddress
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpcore2
import httpx2

from jobs import addresses, dialling
from jobs.dialling import OutboundError, OutboundFailed, OutboundRefused, OutboundTooLarge

__all__ = [
    "Fetched",
    "OutboundError",
    "OutboundFailed",
    "OutboundRefused",
    "OutboundTooLarge",
    "Posted",
    "check",
    "fetch",
    "post",
]

MAX_URL_LENGTH = 2000
MAX_REDIRECTS = 5
USER_AGENT = "videoapi/1.0"
REDIRECTS = frozenset({301, 302, 303, 307, 308})
WORTH_ANOTHER_TRY = frozenset({408, 425, 429})  # besides 5xx
BROKEN = (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError)

# Strict on purpose, and before any parser: what two parsers could read differently is refused.
WHOLE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
AUTHORITY = re.compile(r"https?://(\[[0-9a-f:.]+\]|[^\[\]:@%/?#]+)(:[0-9]{0,5})?([/?#].*)?", re.I | re.A)
HOST_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.A)
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.A)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A file that was fetched: where from in the end, what the server called it, its size in bytes."""

    final_url: str
    content_type: str
    size: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What a server answered: HTTP status, its `Retry-After` as it stood there, how its body begins."""

    status: int
    retry_after: str
    beginning: bytes


def check(url: str) -> httpx2.URL:
    """Return `url` in its one canonical form, without looking up names. Raise OutboundRefused."""
    _require_plain_text(url)
    if not AUTHORITY.fullmatch(url):
        raise OutboundRefused("The URL is not a plain http or https address (user names are not allowed).")
    try:
        parsed = httpx2.URL(url)
        parsed = parsed.copy_with(host=_host(parsed).removesuffix("."), fragment=None)
    except (httpx2.InvalidURL, ValueError):
        raise OutboundRefused("The URL cannot be read.") from None
    host = _host(parsed)
    if not dialling.is_allowed(host, _port(parsed)):
        _require_public_host(host)
        _require_port(_port(parsed))
    return parsed


def fetch(
    url: str,
    target: Path,
    *,
    max_bytes: int,
    deadline: float,
    accept: str,
    resolver: dialling.Resolver = dialling.resolve,
) -> Fetched:
    """Write what is at `url` to `target` within `deadline` seconds, name look-ups and redirects included.

    `accept` is the Accept header. On any error there is no `target`. Raise OutboundRefused where asking
    again would not help, OutboundFailed where it may.
    """
    try:
        return _follow(check(url), target, max_bytes, accept, dialling.Clock(deadline), resolver)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def post(
    url: str,
    body: bytes,
    *,
    headers: Mapping[str, str],
    deadline: float,
    keep: int,
    resolver: dialling.Resolver = dialling.resolve,
) -> Posted:
    """Post `body` to `url` and return the answer, whatever its status, within `deadline` seconds.

    No redirect is followed. Of the answer's body `keep` bytes are read: the status has said all by then, so
    it counts, also where the rest never comes. Raise OutboundRefused or OutboundFailed as `fetch` does.
    """
    clock = dialling.Clock(deadline)
    with _opened("POST", check(url), headers, clock, resolver, body) as response:
        found = httpx2.Headers(response.headers)
        return Posted(
            status=response.status,
            retry_after=found.get("retry-after", ""),
            beginning=_beginning(response, keep),
        )


def _beginning(response: httpcore2.Response, keep: int) -> bytes:
    kept = b""
    with contextlib.suppress(OutboundFailed, *BROKEN):
        for chunk in response.iter_stream():
            kept = (kept + chunk)[:keep]
            if len(kept) == keep:
                break
    return kept


def _follow(
    url: httpx2.URL,
    target: Path,
    max_bytes: int,
    accept: str,
    clock: dialling.Clock,
    resolver: dialling.Resolver,
) -> Fetched:
    for _ in range(MAX_REDIRECTS + 1):
        with _opened("GET", url, {"Accept": accept}, clock, resolver) as response:
            headers = httpx2.Headers(response.headers)
            if response.status not in REDIRECTS:
                _require_file(url, response.status, headers, max_bytes)
                size = _save(response, target, max_bytes)
                return Fetched(final_url=str(url), content_type=_content_type(headers), size=size)
            url = _redirected(url, headers)
    raise OutboundRefused(f"There were more than {MAX_REDIRECTS} redirects.")


@contextlib.contextmanager
def _opened(
    method: str,
    url: httpx2.URL,
    more: Mapping[str, str],
    clock: dialling.Clock,
    resolver: dialling.Resolver,
    body: bytes | None = None,
) -> Iterator[httpcore2.Response]:
    """Give the answer to one request, on a connection of its own."""
    host = _host(url)
    # identity: a compressed answer could unpack to any size, and images are compressed already.
    headers: list[tuple[bytes | str, bytes | str]] = [
        ("Host", url.netloc),
        ("User-Agent", USER_AGENT),
        ("Accept-Encoding", "identity"),
        *more.items(),
    ]
    if body is not None:
        headers.append(("Content-Length", str(len(body))))
    address = httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=_port(url), target=url.raw_path)
    backend = dialling.PublicBackend(clock, resolver)
    try:
        with (
            httpcore2.ConnectionPool(network_backend=backend) as pool,
            pool.stream(method, address, headers=headers, content=body) as response,
        ):
            yield response
    except httpcore2.TimeoutException:
        raise OutboundFailed(f"{host} did not answer in time.") from None
    except httpcore2.NetworkError:
        raise OutboundFailed(f"The connection to {host} failed.") from None
    except httpcore2.ProtocolError:
        raise OutboundFailed(f"{host} cut its answer short, or did not keep to HTTP.") from None


def _redirected(url: httpx2.URL, headers: httpx2.Headers) -> httpx2.URL:
    location = headers.get("location", "")
    _require_plain_text(location)
    if location.startswith("//"):
        location = f"{url.scheme}:{location}"
    try:
        # a whole URL is judged as it is written: joining would tidy it up first
        following = check(location if WHOLE.match(location) else str(url.join(location)))
    except (httpx2.InvalidURL, ValueError):
        raise OutboundRefused("The redirect cannot be read.") from None
    if url.scheme == "https" and following.scheme == "http":
        raise OutboundRefused("A redirect leads from https to http.")
    return following


def _require_file(url: httpx2.URL, status: int, headers: httpx2.Headers, max_bytes: int) -> None:
    if status >= 500 or status in WORTH_ANOTHER_TRY:
        raise OutboundFailed(f"{_host(url)} answered {status}.")
    if status != 200:
        raise OutboundRefused(f"{_host(url)} answered {status}.")
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise OutboundRefused(f"{_host(url)} compressed its answer although asked not to.")
    if int(headers.get("content-length", "0")) > max_bytes:  # digits only: h11 has seen to that
        raise OutboundTooLarge(f"The file is larger than {max_bytes} bytes.")


def _save(response: httpcore2.Response, target: Path, max_bytes: int) -> int:
    size = 0
    with target.open("wb") as file:
        for chunk in response.iter_stream():
            size += len(chunk)
            if size > max_bytes:
                raise OutboundTooLarge(f"The file is larger than {max_bytes} bytes.")
            file.write(chunk)
    return size


def _content_type(headers: httpx2.Headers) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()[:100]


def _require_plain_text(url: str) -> None:
    if not 0 < len(url) <= MAX_URL_LENGTH:
        raise OutboundRefused(f"A URL has 1 to {MAX_URL_LENGTH} characters.")
    if "\\" in url or any(ord(character) <= 0x20 or ord(character) == 0x7F for character in url):
        raise OutboundRefused("The URL contains a space, a backslash or a control character.")


def _require_public_host(host: str) -> None:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        _require_name(host)
        return
    if purpose := addresses.reserved_for(host):
        raise OutboundRefused(f"{host} is not public: {purpose}.")


def _require_name(host: str) -> None:
    labels = host.split(".")
    if len(host) > 253 or not all(HOST_LABEL.fullmatch(label) for label in labels):
        raise OutboundRefused("The URL's host is not a valid name.")
    # 2130706433, 0x7f.1 and 127.1 are addresses to the C library: only four decimal numbers are to us.
    if NUMBER.fullmatch(labels[-1]):
        raise OutboundRefused("The URL's host is an address in an unusual notation.")
    if len(labels) == 1:
        raise OutboundRefused("The URL's host is a local name.")


def _require_port(port: int) -> None:
    if port not in dialling.PORTS:
        raise OutboundRefused(f"Port {port} is not allowed, only 80 and 443.")


def _host(url: httpx2.URL) -> str:
    return url.raw_host.decode("ascii").lower()


def _port(url: httpx2.URL) -> int:
    return url.port if url.port is not None else {"http": 80, "https": 443}[url.scheme]
