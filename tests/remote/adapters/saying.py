"""Orders, routes and replies for tests that need no server."""

import dataclasses
import uuid

from jobs.providers.remote import Handle, Order, Reply, Route

KEY = uuid.UUID("00000000-0000-4000-8000-000000000001")


def order(**changes):
    fields = {
        "key": KEY,
        "generation_type": "text_to_video",
        "prompt": "A quiet sea",
        "width": 1280,
        "height": 720,
        "resolution": "hd_720p",
        "aspect_ratio": "16:9",
        "duration_seconds": 5,
        "seed": 7,
        "camera_fixed": False,
    }
    return Order(**{**fields, **changes})


def route(base_url, model, **options):
    return Route(alias="far", base_url=base_url, model=model, key="a-secret-key", options=options)


def called_back(adapter):
    """Return the adapter with a route on which it may be called back."""
    callback = "https://videos.example.org/{}/a+b?c=d".format
    return type(adapter)(dataclasses.replace(adapter.route, callback=callback))


CALLBACK = f"https://videos.example.org/{KEY}/a+b?c=d"


def handle(remote_id="one"):
    return Handle(key=KEY, remote_id=remote_id)


def reply(body, status=200, **headers):
    return Reply(status=status, headers=headers, body=body, text=str(body))
