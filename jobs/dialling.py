"""Connections to public addresses only, under one deadline: what `outbound` plugs into httpcore2.

A name is resolved once for a connection, every answer is checked, and the connection goes to a checked
answer itself, so a name server that changes its mind (DNS rebinding) changes nothing. TLS still names
and verifies the host.
"""

import contextlib
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import httpcore2
from django.conf import settings

from jobs import addresses

PORTS = frozenset({80, 443})
TRIED_ADDRESSES = 4  # of one name; each gets its share of the time that is left

Resolver = Callable[[str, int], Iterable[str]]
"""Called with a host and a port; returns its addresses, or raises OSError."""


class OutboundError(Exception):
    """A request to a user's URL did not succeed. Do not raise directly.

    `reason` is for staff: it may name the host, never userinfo, path or query.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class OutboundRefused(OutboundError):
    """Asking again would not help: the URL is not allowed, or the server's answer is final."""


class OutboundTooLarge(OutboundRefused):
    """What is there is larger than it may be."""


class OutboundFailed(OutboundError):
    """Asking again may help: DNS, connection, timeout, or a fault of the server's."""


class Clock:
    """The deadline that name look-ups, redirects and every single read share."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds left, more than 0. Raise OutboundFailed if there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise OutboundFailed(f"It took longer than {self._seconds:g} seconds.")
        return left


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of `host` as the system knows them."""
    return [str(answer[4][0]) for answer in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def is_allowed(host: str, port: int) -> bool:
    """Return whether OUTBOUND_ALLOWED_HOSTS names `host` (for 80 and 443) or `host:port`."""
    shown = f"[{host}]" if ":" in host else host
    named = {f"{shown}:{port}"} | ({shown} if port in PORTS else set())
    return not named.isdisjoint(entry.lower() for entry in settings.OUTBOUND_ALLOWED_HOSTS)


class PublicBackend(httpcore2.NetworkBackend):
    """Opens TCP connections, to public addresses only."""

    def __init__(self, clock: Clock, resolver: Resolver) -> None:
        self._clock = clock
        self._resolver = resolver
        self._tcp = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        found = self._look_up(host, port)
        if not is_allowed(host, port):
            _require_public(host, port, found)
        found = found[:TRIED_ADDRESSES]
        for rank, address in enumerate(found):
            # A share each: an address that swallows packets must not use up the time of the next.
            share = self._clock.left() / (len(found) - rank)
            with contextlib.suppress(httpcore2.ConnectError, httpcore2.ConnectTimeout):
                return _ClockedStream(self._tcp.connect_tcp(address, port, timeout=share), self._clock)
        self._clock.left()
        raise OutboundFailed(f"{host} could not be reached.")

    def _look_up(self, host: str, port: int) -> list[str]:
        # In a thread of its own, since getaddrinfo takes no timeout; a daemon, so that one left behind
        # never holds up the end of the process.
        answers: queue.SimpleQueue[list[str]] = queue.SimpleQueue()
        patience = self._clock.left()
        threading.Thread(target=_ask, args=(self._resolver, host, port, answers), daemon=True).start()
        try:
            found = answers.get(timeout=patience)
        except queue.Empty:
            raise OutboundFailed(f"The address of {host} was not found in time.") from None
        if not found:
            raise OutboundFailed(f"The address of {host} was not found.")
        return found


def _ask(resolver: Resolver, host: str, port: int, answers: "queue.SimpleQueue[list[str]]") -> None:
    try:
        answers.put(list(dict.fromkeys(resolver(host, port))))
    except (OSError, UnicodeError):
        answers.put([])


def _require_public(host: str, port: int, found: list[str]) -> None:
    if port not in PORTS:
        raise OutboundRefused(f"Port {port} of {host} is not allowed, only 80 and 443.")
    for address in found:  # all of them, or a name with one public address would be let through at times
        if purpose := addresses.reserved_for(address):
            raise OutboundRefused(f"{host} is at {address}, which is not public: {purpose}.")


class _ClockedStream(httpcore2.NetworkStream):
    """A stream whose every operation ends by the clock, whatever timeout it was given."""

    def __init__(self, stream: httpcore2.NetworkStream, clock: Clock) -> None:
        self._stream = stream
        self._clock = clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._clock.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._clock.left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        with contextlib.ExitStack() as on_failure:
            on_failure.callback(self.close)
            try:
                secured = self._stream.start_tls(ssl_context, server_hostname, self._clock.left())
            except httpcore2.ConnectError as error:
                if isinstance(error.__cause__, ssl.SSLCertVerificationError):
                    raise OutboundRefused(f"The certificate of {server_hostname} is not valid.") from error
                raise
            on_failure.pop_all()
        return _ClockedStream(secured, self._clock)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
