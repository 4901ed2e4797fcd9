"""System checks of models that diffusers runs: what an operator can get wrong in their entries."""

import importlib.util

from django.conf import settings
from django.core.checks import CheckMessage, Error

from jobs import formats
from jobs.catalogue import Model
from jobs.formats import GenerationType
from jobs.providers import diffusers_options
from jobs.providers.diffusers_options import Options

PROVIDER = "jobs.providers.diffusers.Diffusers"
PACKAGES = ("torch", "diffusers", "transformers", "accelerate")
HINT = "See docs/diffusers.md."


def mistakes(model: Model) -> list[CheckMessage]:
    """Return an error for each thing that cannot work."""
    if model.provider != PROVIDER:
        return []
    try:
        options = diffusers_options.read(model.options)
    except ValueError as error:
        return [_error(model, str(error)), *_packages(model)]
    texts = [*_frames(model, options), *_sizes(model, options), *_features(model)]
    return [*(_error(model, text) for text in texts), *_packages(model)]


def _error(model: Model, text: str) -> Error:
    return Error(f"The model {model.alias!r}: {text}", hint=HINT, id="jobs.E015")


def _frames(model: Model, options: Options) -> list[str]:
    counts = {
        duration: options.frame_count(options.fps * formats.seconds(duration))
        for duration in model.durations
        if duration in formats.Duration.values
    }
    return [
        f"the duration {duration!r} takes {count} frames, of {options.most_frames} at most (most_frames)."
        for duration, count in counts.items()
        if options.most_frames and count > options.most_frames
    ]


def _sizes(model: Model, options: Options) -> list[str]:
    found = []
    for resolution in model.resolutions:
        if resolution in formats.Resolution.values and options.most_pixels:
            width, height = max(_frames_of(model, options, resolution), key=_pixels)
            if _pixels((width, height)) > options.most_pixels:
                text = f"the resolution {resolution!r} takes frames of up to {width} x {height}"
                found.append(f"{text}, of {options.most_pixels} pixels at most (most_pixels).")
    return found


def _frames_of(model: Model, options: Options, resolution: str) -> list[tuple[int, int]]:
    """Return the frames that may be asked for at a resolution, as the model makes them."""
    sizes = [
        formats.frame_size(resolution, ratio)
        for ratio in model.aspect_ratios
        if ratio in formats.AspectRatio.values
    ]
    if GenerationType.IMAGE_TO_VIDEO in model.generation_types:
        sizes += [formats.fit(resolution, 21, 9), formats.fit(resolution, 9, 21)]
    return [options.frame_size(*size) for size in sizes] or [(0, 0)]


def _pixels(size: tuple[int, int]) -> int:
    return size[0] * size[1]


def _features(model: Model) -> list[str]:
    if strange := sorted(set(model.features) - {"seed"}):
        return [f"features has {', '.join(strange)}: of these fields a pipeline heeds only seed."]
    return []


def _packages(model: Model) -> list[CheckMessage]:
    """Machines that do not serve the model's queue need no packages."""
    if model.queue not in settings.WORKER_QUEUES:
        return []
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if not missing:
        return []
    text = f"The model {model.alias!r} needs {', '.join(missing)}, not installed here."
    hint = "pip install -r requirements-diffusers.txt, or serve its queue elsewhere (WORKER_QUEUES)."
    return [Error(text, hint=hint, id="jobs.E016")]
