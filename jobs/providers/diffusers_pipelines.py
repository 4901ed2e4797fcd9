"""A diffusers model in memory: loaded once, asked for frames again and again.

Only weights in safetensors are loaded, and no code that comes with a model. torch and diffusers are imported
when they are used: in the process that renders.
"""

from __future__ import annotations

import contextlib
import inspect
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

from jobs.formats import GenerationType
from jobs.providers.base import FailureCode, Generation, ProviderError
from jobs.providers.diffusers_options import Options

logger = logging.getLogger(__name__)

Step = Callable[[int, int], None]
"""Called with the steps done and how many there are; may raise to stop the work."""

NEEDED = {"width", "height", "num_frames", "generator", "callback_on_step_end", "output_type"}
UNLOADABLE = (OSError, ValueError, ImportError, LookupError, AttributeError, TypeError, RuntimeError)
# What is raised without a type of its own: by torch on the CPU, by CUDA and its libraries, and on a Mac.
OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "out of memory", "ALLOC_FAILED")


class Pipeline:
    """One way to make videos with a model: from text, or from a picture."""

    def __init__(self, pipeline: Any, options: Options) -> None:
        self.pipeline = pipeline
        self._options = options
        self._takes = set(inspect.signature(pipeline.__call__).parameters)
        if missing := sorted(NEEDED - self._takes):
            raise self._unfit(f"takes no {', '.join(missing)}")

    def frames(self, generation: Generation, step: Step) -> Any:
        """Return frames as an array of floating point numbers. Raise ProviderError, or what `step` raises."""
        arguments = self._arguments(generation, step)
        if strange := sorted(set(arguments) - self._takes):
            raise self._unfit(f"takes no {', '.join(strange)}")
        size = "{width} x {height}, {num_frames} frames".format(**arguments)
        with _memory(f"to make {size}", FailureCode.PROVIDER_REJECTED):
            try:
                return self.pipeline(**arguments).frames[0]
            except BaseException:
                self.pipeline.maybe_free_model_hooks()  # as it does itself at its end
                raise

    def _arguments(self, generation: Generation, step: Step) -> dict[str, Any]:
        import torch

        options = self._options
        width, height = options.frame_size(generation.width, generation.height)
        arguments = {
            "prompt": generation.prompt,
            "width": width,
            "height": height,
            "num_frames": options.frame_count(options.fps * generation.duration_seconds),
            # of the CPU, whatever the device: its numbers are the same everywhere
            "generator": torch.Generator("cpu").manual_seed(generation.seed),
            "callback_on_step_end": _callback(step),
            "output_type": "np",
            **options.call,
        }
        if generation.image:
            arguments["image"] = _shown(generation.image, (width, height))
        if "frame_rate" in self._takes:
            arguments["frame_rate"] = options.fps
        if options.steps:
            arguments["num_inference_steps"] = options.steps
        if options.guidance is not None:
            arguments["guidance_scale"] = options.guidance
        if options.negative_prompt:
            arguments["negative_prompt"] = options.negative_prompt
        return arguments

    def _unfit(self, why: str) -> ProviderError:
        text = f"{type(self.pipeline).__name__} {why}: it can't be used, or not with these options."
        return ProviderError(FailureCode.PROVIDER_UNAVAILABLE, text)


class Pipelines:
    """A model, and the pipelines that share its weights."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._loaded: dict[str, Pipeline] = {}
        self._placed: Pipeline | None = None

    def get(self, generation_type: str) -> Pipeline:
        """Return the pipeline for videos of this type, loaded if it is not yet. Raise ProviderError."""
        is_animation = generation_type == GenerationType.IMAGE_TO_VIDEO
        name = (is_animation and self.options.image_pipeline) or self.options.pipeline
        with self._loading(), _memory("to load the model", FailureCode.PROVIDER_UNAVAILABLE):
            if name not in self._loaded:
                self._loaded[name] = self._load(name)
            pipeline = self._loaded[name]
            if self._placed is not pipeline:  # what moves weights about belongs to one pipeline at a time
                self._place(pipeline.pipeline)
                self._placed = pipeline
        return pipeline

    def _load(self, name: str) -> Pipeline:
        if self.options.local_files_only:
            os.environ["HF_HUB_OFFLINE"] = "1"  # also what looks for more than the files themselves
        import diffusers
        import torch

        started = time.monotonic()
        options, shared = self.options, self._shared()
        kind = getattr(diffusers, name or "DiffusionPipeline")
        pipeline = kind.from_pretrained(
            options.model,
            revision=options.revision or None,
            variant=options.variant or None,
            local_files_only=options.local_files_only,
            dtype=_dtype(torch, options, _device(torch, options)),
            use_safetensors=True,
            trust_remote_code=False,
            **shared,
        )
        pipeline.set_progress_bar_config(disable=True)
        if options.vae_tiling:
            pipeline.vae.enable_tiling()
        seconds = time.monotonic() - started
        logger.info(
            "loaded %s as %s in %.1f s, %d parts were in memory",
            *(options.model, type(pipeline).__name__, seconds, len(shared)),
        )
        return Pipeline(pipeline, options)

    def _shared(self) -> dict[str, Any]:
        """Return what is in memory already."""
        parts = [loaded.pipeline.components for loaded in self._loaded.values()]
        return {name: part for name, part in parts[0].items() if part is not None} if parts else {}

    def _place(self, pipeline: Any) -> None:
        import torch

        device = _device(torch, self.options)
        if self.options.offload == "none":
            pipeline.to(device)
        elif device == "cpu":
            raise ValueError("offload moves weights off a GPU, and there is none here")
        elif self.options.offload == "model":
            pipeline.enable_model_cpu_offload(device=device)
        else:
            pipeline.enable_sequential_cpu_offload(device=device)

    @contextlib.contextmanager
    def _loading(self) -> Iterator[None]:
        """Turn what goes wrong when a model is loaded into a ProviderError."""
        try:
            yield
        except UNLOADABLE as error:
            detail = f"The model {self.options.model!r} can't be loaded: {type(error).__name__}: {error}"
            raise ProviderError(FailureCode.PROVIDER_UNAVAILABLE, detail) from error


def _callback(step: Step) -> Callable[..., dict[str, Any]]:
    def call(pipeline: Any, index: int, moment: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        step(index + 1, max(getattr(pipeline, "num_timesteps", 0), index + 1))
        return tensors

    return call


def _device(torch: Any, options: Options) -> str:
    if options.device != "auto":
        return options.device
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _dtype(torch: Any, options: Options, device: str) -> Any:
    """Return the type of the weights' numbers, or types by component."""
    if isinstance(options.dtype, Mapping):
        return {name: getattr(torch, dtype) for name, dtype in options.dtype.items()}
    if options.dtype != "auto":
        return getattr(torch, options.dtype)
    return torch.float32 if device == "cpu" else torch.bfloat16


def _shown(path: Path, size: tuple[int, int]) -> Image.Image:
    with Image.open(path) as image:
        return ImageOps.fit(image.convert("RGB"), size, Image.Resampling.LANCZOS)


@contextlib.contextmanager
def _memory(purpose: str, code: FailureCode) -> Iterator[None]:
    """Turn a want of memory, of the GPU or of the process, into a ProviderError."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:  # torch.OutOfMemoryError is one
        if isinstance(error, RuntimeError) and not any(text in str(error) for text in OUT_OF_MEMORY):
            raise
        detail = f"There was not enough memory {purpose}: {type(error).__name__}: {error}"
        raise ProviderError(code, detail) from error
