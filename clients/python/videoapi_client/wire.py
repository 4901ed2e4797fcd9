"""One HTTP call as data: what is sent, who is calling, what an answer means. Nothing here waits."""

import dataclasses
import json
import re
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2

from videoapi_client.errors import ApiError, UnexpectedAnswerError, VideoApiError, error_of
from videoapi_client.patience import retry_after
from videoapi_client.types import Image

Token = str | Callable[[], str]
FINAL = {"completed", "failed", "cancelled"}
_VISIBLE_ASCII = re.compile(r"[\x21-\x7e]+")
_ADDRESS = re.compile(r"https?://", re.IGNORECASE)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Call:
    """What is asked. `gone_is_done`: a 404 is success when an earlier try may have done what was asked."""

    method: str = "GET"
    path: str
    query: Mapping[str, Any] | None = None
    json: Any = None
    form: dict[str, str] | None = None
    files: dict[str, tuple[str, bytes]] | None = None
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    retries: int | None = None
    gone_is_done: bool = False


def submission(path: str, fields: Mapping[str, Any], key: str | None, image: Image | None = None) -> Call:
    """Return the call that submits, with the caller's key or one of its own, the same for each try."""
    headers = {"Idempotency-Key": key or secrets.token_hex(16)}
    if image is None:
        return Call(method="POST", path=path, json=dict(fields), headers=headers)
    if isinstance(image, str):
        if not _ADDRESS.match(image):
            raise ValueError("An image is bytes, a path object, or an http or https address.")
        return Call(method="POST", path=path, json={**fields, "image_url": image}, headers=headers)
    name, content = (
        ("image", image) if isinstance(image, bytes) else (Path(image).name, Path(image).read_bytes())
    )
    # in a form the API reads what is not text as JSON
    form = {
        field: value if isinstance(value, str) else json.dumps(value)
        for field, value in fields.items()
        if value is not None
    }
    return Call(method="POST", path=path, form=form, files={"image": (name, content)}, headers=headers)


def credentials(token: Token) -> dict[str, str]:
    """Return the header that says who is calling. Raise VideoApiError, which does not tell the token."""
    value = token if isinstance(token, str) else token()
    if not _VISIBLE_ASCII.fullmatch(value):
        raise VideoApiError("The token is empty, or has characters that no token has.")
    return {"Authorization": f"Bearer {value}"}


def arguments(call: Call) -> dict[str, Any]:
    """Return the call as httpx2 takes it, but for its address."""
    query = {name: _text(value) for name, value in (call.query or {}).items() if value is not None}
    return {
        "method": call.method,
        "params": query or None,
        "json": call.json,
        "data": call.form,
        "files": call.files,
        "headers": dict(call.headers),
    }


def job_path(job_id: str) -> str:
    """Return where a job is, whatever its id was taken for."""
    return f"/videos/jobs/{quote(job_id, safe='')}"


def may_have_worked(failure: VideoApiError) -> bool:
    """Tell whether a try that failed so may have done what was asked: it got no answer, or a poor one."""
    return failure.status >= 500 if isinstance(failure, ApiError) else True


def refusal(response: httpx2.Response, call: Call, *, may_be_done: bool = False) -> ApiError | None:
    """Return the error in an answer that says no, else None; `may_be_done` by an earlier try.

    Raise UnexpectedAnswerError for a redirect.
    """
    if 300 <= response.status_code < 400 and response.status_code != 304:
        raise UnexpectedAnswerError("The server redirects. Is base_url right, https included?")
    is_done = call.gone_is_done and may_be_done and response.status_code == 404
    if response.is_success or response.status_code == 304 or is_done:
        return None
    try:
        problem = response.json()
    except ValueError:
        problem = {}  # a proxy's page: the status says what there is to say
    known = problem if isinstance(problem, dict) else {}
    return error_of(response.status_code, known, retry_after(response.headers.get("Retry-After")))


def parsed(response: httpx2.Response) -> Any:
    """Return the JSON of an answer. Raise UnexpectedAnswerError."""
    try:
        return response.json()
    except ValueError as error:
        raise UnexpectedAnswerError("The answer is not JSON. Is base_url right?") from error


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value)
