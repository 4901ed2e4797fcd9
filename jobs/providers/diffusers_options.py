"""What an entry for a diffusers pipeline may say in its `options`, and what frames the model can make."""

import dataclasses
import math
import re
from collections.abc import Mapping
from typing import Any

from jobs import formats

DTYPES = ("float32", "float16", "bfloat16")
OFFLOADS = ("none", "model", "sequential")
DEVICE = re.compile(r"(auto|cpu|mps|(cuda|xpu)(:\d+)?)")
PIPELINE = re.compile(r"([A-Z]\w*Pipeline)?")
OURS = frozenset(  # arguments of the pipeline's call that are not for `call`
    (
        *("prompt", "negative_prompt", "image", "width", "height", "num_frames", "frame_rate", "generator"),
        *("num_inference_steps", "guidance_scale", "callback_on_step_end", "output_type", "return_dict"),
    )
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """One pipeline: where it is, how it is loaded, what it is asked for.

    `model` is a folder, or the name of a repository on the hub; `pipeline` and `image_pipeline` name classes
    of diffusers where the model's own is not the one to use. `fps` is the rate that the model was trained at.
    A frame's sides are multiples of `multiple`, and frames come in numbers of `frame_step` * n + 1: a video
    is made a little larger and longer, and cut. `most_frames` and `most_pixels` (of a frame) bound what is
    made; 0 does not. `call` has further arguments of the pipeline's call.
    """

    model: str
    revision: str = ""
    variant: str = ""
    local_files_only: bool = True
    pipeline: str = ""
    image_pipeline: str = ""
    dtype: str | Mapping[str, str] = "auto"
    device: str = "auto"
    offload: str = "none"
    vae_tiling: bool = False
    steps: int = 0
    guidance: float | None = None
    negative_prompt: str = ""
    fps: int = formats.FRAMES_PER_SECOND
    multiple: int = 32
    frame_step: int = 8
    most_frames: int = 0
    most_pixels: int = 0
    call: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def frame_size(self, width: int, height: int) -> tuple[int, int]:
        """Return the least frame that the model can make and that holds one of `width` x `height`."""
        return _up(width, self.multiple), _up(height, self.multiple)

    def frame_count(self, frames: int) -> int:
        """Return the least number of frames that the model can make and that is not below `frames`."""
        return _up(frames - 1, self.frame_step) + 1

    def mistakes(self) -> list[str]:
        """Return what is wrong with these options, a sentence each."""
        return [*self._texts(), *self._choices(), *self._numbers(), *self._arguments()]

    def _texts(self) -> list[str]:
        names = ("model", "revision", "variant", "negative_prompt", "pipeline", "image_pipeline")
        found = [f"{name} must be text." for name in names if not isinstance(getattr(self, name), str)]
        if not self.model:
            found.append("model is missing: a folder, or the name of a repository on the hub.")
        wrong = [name for name in names[-2:] if not PIPELINE.fullmatch(str(getattr(self, name)))]
        return found + [f"{name} must name a class, such as LTXImageToVideoPipeline." for name in wrong]

    def _choices(self) -> list[str]:
        found = []
        dtypes = self.dtype.values() if isinstance(self.dtype, Mapping) else [self.dtype]
        if any(dtype not in DTYPES for dtype in dtypes) and self.dtype != "auto":
            found.append(
                f"dtype must be auto, {', '.join(DTYPES)}, or name one for each component and `default`."
            )
        if self.offload not in OFFLOADS:
            found.append(f"offload must be one of {', '.join(OFFLOADS)}.")
        if not DEVICE.fullmatch(str(self.device)):
            found.append(
                "device must be auto, cpu, mps, cuda or xpu; the last two may have a number: cuda:1."
            )
        elif self.device == "cpu" and self.offload != "none":
            found.append("offload moves weights off a GPU: it is not for the device cpu.")
        flags = ("vae_tiling", "local_files_only")
        wrong = [name for name in flags if not isinstance(getattr(self, name), bool)]
        return found + [f"{name} must be true or false." for name in wrong]

    def _numbers(self) -> list[str]:
        least = {"fps": 1, "multiple": 2, "frame_step": 1, "steps": 0, "most_frames": 0, "most_pixels": 0}
        found = [
            f"{name} must be a whole number, at least {bound}."
            for name, bound in least.items()
            if type(getattr(self, name)) is not int or getattr(self, name) < bound
        ]
        if self.guidance is not None and type(self.guidance) not in {int, float}:
            found.append("guidance must be a number.")
        if not found and (self.multiple % 2 or self.fps > 60):
            found.append("multiple must be even, fps at most 60.")
        return found

    def _arguments(self) -> list[str]:
        if taken := sorted(OURS & set(self.call)):
            return [f"call may not name {', '.join(taken)}: other options, or the request, say that."]
        return []


def read(given: Mapping[str, Any]) -> Options:
    """Return the options. Raise ValueError saying all that is wrong with them."""
    known = {field.name for field in dataclasses.fields(Options)}
    if strange := sorted(set(given) - known):
        raise ValueError(f"There is no option {', '.join(strange)}. There are: {', '.join(sorted(known))}.")
    if not isinstance(given.get("call", {}), Mapping):
        raise ValueError("call must be an object: arguments of the pipeline's call by name.")  # noqa: TRY004
    options = Options(**{"model": "", **given})
    if mistakes := options.mistakes():
        raise ValueError(" ".join(mistakes))
    return options


def _up(value: int, step: int) -> int:
    return math.ceil(value / step) * step
