"""What the API sends and takes, field by field as its OpenAPI document has it."""

import os
from collections.abc import AsyncGenerator, Generator
from typing import Any, Literal, NotRequired, TypedDict

Status = Literal["queued", "starting", "processing", "completed", "failed", "cancelled"]
DustState = Literal["held", "charged", "refunded", "released"]
Type = Literal["text_to_video", "image_to_video"]
Duration = Literal["short", "medium", "long"]
Resolution = Literal["sd_480p", "hd_720p", "hd_1080p", "4k_2160p"]
AspectRatio = Literal["16:9", "9:16", "1:1", "4:3", "3:4", "21:9", "9:21"]
# The bytes of a picture, a file with one, or the http or https address of one.
Image = bytes | os.PathLike[str] | str


class ReferencePerson(TypedDict):
    person_id: str
    photo_url: NotRequired[str | None]
    relationship: NotRequired[str | None]
    description: NotRequired[str | None]


class SubmitFields(TypedDict, total=False):
    """What both submits take beside the prompt."""

    duration: Duration
    resolution: Resolution
    camera_fixed: bool
    metadata: dict[str, Any]
    model: str
    seed: int | None
    webhook_url: str | None


class AnimateFields(SubmitFields):
    pass


class GenerateFields(SubmitFields, total=False):
    aspect_ratio: AspectRatio
    reference_person: ReferencePerson | None


class QuoteQuery(TypedDict, total=False):
    generation_type: Type
    duration: Duration
    resolution: Resolution
    model: str


class SubmitAccepted(TypedDict):
    success: bool
    job_id: str
    status: Status
    estimated_completion_seconds: int
    message: str
    cost: int
    balance: int


class GenerationInfo(TypedDict):
    generation_type: Type
    current_step: str
    queue_position: int | None
    estimated_remaining_seconds: int | None
    model_used: str


class JobFields(TypedDict):
    job_id: str
    status: Status
    progress: float
    generation_info: GenerationInfo
    cost: int
    dust: DustState
    created_at: str
    updated_at: str
    started_at: str | None
    completed_at: str | None
    expires_at: str | None
    error: NotRequired[str]
    error_code: NotRequired[str]


class JobStatus(JobFields):
    success: bool


class ListedJob(JobFields):
    prompt: str
    duration: Duration
    resolution: Resolution
    aspect_ratio: AspectRatio
    camera_fixed: bool
    seed: int
    metadata: dict[str, Any]


class ActiveJob(TypedDict):
    job_id: str
    status: Literal["queued", "starting", "processing"]
    progress: float
    generation_type: Type
    prompt: str
    created_at: str
    estimated_completion_seconds: int
    queue_position: int | None


class Video(TypedDict):
    id: str
    user_id: str
    url: str
    thumbnail_url: str
    prompt: str
    generation_type: Type
    source_image_url: str | None
    duration_seconds: float
    resolution: str
    aspect_ratio: str
    width: int
    height: int
    fps: int
    size_bytes: int
    reference_person: dict[str, Any] | None
    metadata: dict[str, Any]
    model_used: str
    is_favorited: bool
    created_at: str
    updated_at: str


class ResultInfo(TypedDict):
    model_used: str
    generation_time_ms: int


class JobResult(TypedDict):
    success: bool
    job_id: str
    status: Status
    video: Video
    generation_info: ResultInfo


class JobCancelled(TypedDict):
    success: bool
    job_id: str
    status: Status
    message: str
    released: int


class Pagination(TypedDict):
    total: int
    limit: int
    offset: int
    has_more: bool


class Balance(TypedDict):
    success: bool
    balance: int
    held: int
    available: int


class Transaction(TypedDict):
    id: str
    kind: Literal["hold", "post", "void", "expire", "reverse", "grant", "adjust"]
    amount: int
    balance_after: int
    job_id: str | None
    note: str
    created_at: str


class Model(TypedDict):
    model: str
    title: str
    generation_types: list[Type]
    durations: list[Duration]
    resolutions: list[Resolution]
    aspect_ratios: list[AspectRatio]
    prices: dict[str, dict[str, dict[str, int]]]
    typical_seconds: int
    cancellable_while_running: bool


class Quote(TypedDict):
    cost: int
    estimated_completion_seconds: int
    available: int


class ModelStatistics(TypedDict):
    model: str
    jobs_24h: int
    p50_seconds: float | None
    p95_seconds: float | None


class Statistics(TypedDict):
    is_running: bool
    jobs_processed: int
    jobs_queued: int
    jobs_in_progress: int
    last_job_completed_at: str | None
    average_processing_time_seconds: float | None
    workers: int
    success_rate_24h: float | None
    models: list[ModelStatistics]


Updates = Generator[JobStatus, None, None]
AsyncUpdates = AsyncGenerator[JobStatus, None]
