"""Client of the Video API."""

from videoapi_client._async.client import AsyncVideoClient
from videoapi_client._async.job import AsyncJob
from videoapi_client._sync.client import VideoClient
from videoapi_client._sync.job import Job
from videoapi_client.errors import *  # noqa: F403
from videoapi_client.webhooks import verify_webhook

__all__ = ["AsyncJob", "AsyncVideoClient", "Job", "VideoClient", "verify_webhook"]
