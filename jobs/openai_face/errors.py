"""What a caller of `/v1/videos` can be told, beside what any caller can."""

from base.errors import DomainError


class VideoNotReady(DomainError):
    """This video is not made yet. Ask for its status, and for its content once that is `completed`."""

    code = "video_not_ready"


class VideoNotMade(DomainError):
    """There is no content: making this video failed, or was cancelled. Its status says why."""

    code = "video_not_made"


class VideoExpired(DomainError):
    """The content of this video is no longer kept here. The video is still in its user's library."""

    code = "video_expired"


class VariantNotMade(DomainError):
    """No spritesheet is made of videos here. There are the variants `video` and `thumbnail`."""

    code = "variant_not_made"


class VideoInProgress(DomainError):
    """This video is being made and can't be stopped. It can be deleted once it is completed or failed."""

    code = "video_in_progress"


class VideoStopping(DomainError):
    """Whoever makes this video has been asked to stop. It can be deleted once it is completed or failed."""

    code = "video_stopping"
