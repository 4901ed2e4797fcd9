"""Making videos, and the user's library of them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Literal, Unpack
from urllib.parse import quote

import httpx2

from videoapi_client import wire
from videoapi_client._async.job import AsyncJob
from videoapi_client._async.lists import AsyncList
from videoapi_client._async.transport import AsyncTransport
from videoapi_client.errors import PermissionDeniedError
from videoapi_client.types import AnimateFields, GenerateFields, Image, SubmitAccepted, Type, Video
from videoapi_client.wire import Call


class AsyncVideos:
    """Each submit has an idempotency key of its own, so that it is safe to send it again.

    Give your own `idempotency_key`, kept with what the user did, and it is safe across restarts too.
    """

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def generate(
        self, prompt: str, *, idempotency_key: str | None = None, **fields: Unpack[GenerateFields]
    ) -> AsyncJob:
        """Submit a text. Raise InsufficientDustError, InvalidRequestError, TooManyActiveJobsError …"""
        return await self._submit(
            wire.submission("/videos/generate", {"prompt": prompt, **fields}, idempotency_key)
        )

    async def animate(
        self,
        image: Image,
        prompt: str,
        *,
        idempotency_key: str | None = None,
        **fields: Unpack[AnimateFields],
    ) -> AsyncJob:
        """Submit a picture, with what it should do. Raise as `generate` does."""
        return await self._submit(
            wire.submission("/videos/animate", {"prompt": prompt, **fields}, idempotency_key, image)
        )

    def list(
        self,
        *,
        favorites_only: bool = False,
        generation_type: Literal["all"] | Type = "all",
        limit: int = 20,
    ) -> AsyncList[Video]:
        """Return the library, newest first; `limit` is how many are fetched at once."""
        query = {"favorites_only": favorites_only, "generation_type": generation_type, "limit": limit}
        return AsyncList(self._transport, "/videos", name="videos", identity="id", query=query)

    async def get(self, video_id: str) -> Video:
        """Return one video, with fresh addresses. Raise NotFoundError."""
        video: Video = (await self._transport.json(Call(path=_path(video_id))))["video"]
        return video

    async def favourite(self, video_id: str, is_favourite: bool = True) -> Video:
        """Mark a video as a favourite, or with False as none. Raise NotFoundError."""
        call = Call(method="PUT", path=_path(video_id), json={"is_favorited": is_favourite})
        video: Video = (await self._transport.json(call))["video"]
        return video

    async def delete(self, video_id: str) -> None:
        """Delete a video and its files. Raise NotFoundError."""
        await self._transport.send(Call(method="DELETE", path=_path(video_id), gone_is_done=True))

    @asynccontextmanager
    async def download(self, video: Video) -> AsyncIterator[httpx2.Response]:
        """Start to download a video: an answer to be read in a `with` block, whole or in pieces.

        Raise NetworkError, also when it is cut off.
        """
        async with AsyncExitStack() as stack:
            try:
                response = await stack.enter_async_context(self._transport.file(video["url"], {}))
            except PermissionDeniedError:
                fresh = await self.get(video["id"])  # the address had expired
                response = await stack.enter_async_context(self._transport.file(fresh["url"], {}))
            yield response

    async def _submit(self, call: Call) -> AsyncJob:
        receipt: SubmitAccepted = await self._transport.json(call)
        return AsyncJob(self._transport, receipt["job_id"], receipt)


def _path(video_id: str) -> str:
    return f"/videos/{quote(video_id, safe='')}"
