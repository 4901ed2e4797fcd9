"""Real HTTP servers on 127.0.0.1 that behave badly on purpose."""

import contextlib
import dataclasses
import datetime
import ipaddress
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclasses.dataclass
class Server:
    """A running server: its port, the requests it has seen, and an event that is set when it stops."""

    port: int
    requests: list[bytes] = dataclasses.field(default_factory=list)
    names: list[str | None] = dataclasses.field(default_factory=list)  # asked for by SNI
    stopping: threading.Event = dataclasses.field(default_factory=threading.Event)

    def url(self, path="/picture.jpg", *, host="127.0.0.1", scheme="http"):
        return f"{scheme}://{host}:{self.port}{path}"


Answer = bytes | Callable[[socket.socket, bytes, Server], None]


@contextlib.contextmanager
def serving(answer: Answer, *, tls: ssl.SSLContext | None = None):
    """Serve `answer`, bytes or a function of the connection, to whoever connects."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        server = Server(listener.getsockname()[1])
        if tls:
            tls.sni_callback = lambda _socket, name, _context: server.names.append(name)
        thread = threading.Thread(target=_accept, args=(listener, answer, server, tls))
        thread.start()
        try:
            yield server
        finally:
            server.stopping.set()
            thread.join()


def _accept(listener, answer, server, tls):
    threads = []
    while not server.stopping.is_set():
        with contextlib.suppress(TimeoutError):
            connection, _ = listener.accept()
            threads.append(threading.Thread(target=_talk, args=(connection, answer, server, tls)))
            threads[-1].start()
    for thread in threads:
        thread.join()


def _talk(connection, answer, server, tls):
    # A client that has had enough closes or resets the connection.
    with connection, contextlib.suppress(OSError):
        connection.settimeout(30)
        if tls:
            connection = tls.wrap_socket(connection, server_side=True)
        with connection:
            request = connection.recv(65536)
            server.requests.append(request)
            if callable(answer):
                answer(connection, request, server)
            else:
                connection.sendall(answer)


def ok(body=b"", *headers: bytes) -> bytes:
    """A plain 200 with its length."""
    lines = [b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), b"Connection: close", *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def status(code: int) -> bytes:
    return b"HTTP/1.1 %d Said\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno" % code


def redirect(location: str, code: int = 302) -> bytes:
    lines = f"HTTP/1.1 {code} Go\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    return lines.encode()


def reset(connection: socket.socket) -> None:
    """End the connection with RST rather than FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def drip(head: bytes, piece: bytes, *, every: float = 0.05):
    """An answer whose end never comes: `head`, then `piece` again and again."""

    def answer(connection, request, server):
        connection.sendall(head)
        while not server.stopping.wait(every):
            connection.sendall(piece)

    return answer


def flood(head: bytes, piece: bytes):
    """As `drip`, at full speed."""

    def answer(connection, request, server):
        connection.sendall(head)
        while not server.stopping.is_set():
            connection.sendall(piece)

    return answer


def silent(connection, request, server) -> None:
    server.stopping.wait(60)  # longer than any client under test may wait


@dataclasses.dataclass(frozen=True)
class Certificate:
    """A self-signed certificate, and a server context that shows it."""

    path: Path
    context: ssl.SSLContext


def certificate(folder: Path, name: str, *, days: int = 1) -> Certificate:
    """Make a certificate for `name`; with negative `days` one that has expired."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=10))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([_general_name(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return Certificate(path, context)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
