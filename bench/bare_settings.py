"""The settings of the bare view: the product's, without its middleware."""

from bench.settings import *  # noqa: F403

MIDDLEWARE: list[str] = []
