"""The product's own settings, with the bare view's path beside its own."""

from videoapi.settings import *  # noqa: F403

ROOT_URLCONF = "bench.bare"
