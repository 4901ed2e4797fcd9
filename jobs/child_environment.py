"""What a render process is told about where it runs: enough to work, and no secret.

It opens pictures that were made by anybody. Code that such a picture smuggles in finds no database, no key
and no token in its environment. What a provider needs beyond this comes in its `options`.
"""

import os

# Python, the system and its fonts, models' libraries and where they keep weights, and our own marks.
PREFIXES = (
    *("LC_", "LD_", "DYLD_", "PYTHON", "VIDEOAPI_", "XDG_", "FONTCONFIG_", "MALLOC_"),
    *("OMP_", "MKL_", "OPENBLAS_", "CUDA_", "NVIDIA_", "HIP_", "ROCR_", "PYTORCH_"),
)
NAMES = {
    *("PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "VIRTUAL_ENV"),
    *("HF_HOME", "HF_HUB_CACHE", "TORCH_HOME"),
    *("DJANGO_SETTINGS_MODULE", "DATA_DIR", "ENCODER_THREADS", "JOB_TIMEOUT_SECONDS"),
}
# What the settings ask for, of no worth to anybody, and that they read no file.
STANDING = {
    "VIDEOAPI_RENDER": "true",
    "SECRET_KEY": "of-no-worth-" * 5,
    "ALLOWED_HOSTS": "localhost",
    "DATABASE_URL": "sqlite://:memory:",
}


def make() -> dict[str, str]:
    """Return the environment of a render process that this one starts."""
    kept = {name: value for name, value in os.environ.items() if name in NAMES or name.startswith(PREFIXES)}
    return {**kept, **STANDING}
