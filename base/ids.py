"""Time-ordered UUIDs, version 7 (RFC 9562, section 5.7)."""

import datetime
import os
import threading
import time
import uuid

_lock = threading.Lock()
_last_milliseconds = 0
_counter = 0


def uuid7() -> uuid.UUID:
    """Return a new UUIDv7; within a process each one is greater than the one before."""
    global _last_milliseconds, _counter
    with _lock:
        milliseconds = time.time_ns() // 1_000_000
        if milliseconds > _last_milliseconds:
            _last_milliseconds, _counter = milliseconds, int.from_bytes(os.urandom(2), "big") & 0x07FF
        else:  # same millisecond, or the clock stepped back: count on (RFC 9562, section 6.2)
            _counter += 1
            if _counter > 0x0FFF:
                _last_milliseconds, _counter = _last_milliseconds + 1, 0
        tail = int.from_bytes(os.urandom(8), "big") & ((1 << 62) - 1)
        value = (_last_milliseconds << 80) | (0x7 << 76) | (_counter << 64) | (0b10 << 62) | tail
    return uuid.UUID(int=value)


def lowest_at(moment: datetime.datetime) -> uuid.UUID:
    """Return the smallest UUIDv7 of that millisecond: what was made since has a greater one."""
    return uuid.UUID(int=max(0, round(moment.timestamp() * 1000)) << 80 | 0x7 << 76 | 0x2 << 62)
