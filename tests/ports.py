"""Ports on this machine that are ours before anything listens there, and while nothing does."""

import atexit
import socket

HOST = "127.0.0.1"


def reserve() -> int:
    """Return a port that nobody else is given until this process ends."""
    holder = hold()
    atexit.register(holder.close)
    return port_of(holder)


def hold() -> socket.socket:
    """Return a socket; nobody else is given its port until it is closed.

    A port that is only looked up is soon lent to some client's connection, and our server finds it taken. So
    a socket stays bound to it here: it never listens, so that connects are refused, and with SO_REUSEADDR our
    servers, who set it too (asyncio, uvicorn, Node, Redis, PostgreSQL), listen beside it, again and again.
    """
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind((HOST, 0))
    return holder


def port_of(holder: socket.socket) -> int:
    return int(holder.getsockname()[1])
