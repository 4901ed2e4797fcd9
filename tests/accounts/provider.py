"""An identity provider in small: keys, a JWKS endpoint on 127.0.0.1, and the power to sign anything."""

import contextlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

AUDIENCE = "video-api"
ISSUER = "https://login.example.com/"

# Made once: an RSA key takes a noticeable part of a second.
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())


def public_jwk(key, kid, **extra):
    algorithm = (
        jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    )
    return {**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig", **extra}


class Provider:
    """What it answers is its attributes, and that it `may_answer`; `fetches` counts who asked for keys."""

    def __init__(self):
        self.keys = [public_jwk(RSA, "rsa-1"), public_jwk(EC, "ec-1")]
        self.status = 200
        self.body = None
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.fetches = 0
        self.url = ""

    def claims(self, **changes):
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "person-1", "iat": now, "exp": now + 300, **changes}
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, key=RSA, algorithm="RS256", kid="rsa-1", headers=None, **changes):
        headers = {**({"kid": kid} if kid is not None else {}), **(headers or {})}
        return jwt.encode(self.claims(**changes), key, algorithm=algorithm, headers=headers)


@contextlib.contextmanager
def serve(provider):
    """Answer on a free port of 127.0.0.1 until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            provider.fetches += 1
            provider.may_answer.wait(60)
            body = json.dumps({"keys": provider.keys}).encode() if provider.body is None else provider.body
            self.send_response(provider.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    provider.url = f"http://127.0.0.1:{server.server_port}/keys"
    try:
        yield provider
    finally:
        provider.may_answer.set()
        server.shutdown()
        thread.join()
        server.server_close()
