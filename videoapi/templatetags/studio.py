"""The modules of the studio page, so that a browser fetches all of them at once, not one after another."""

import functools
from pathlib import Path

from django import template
from django.conf import settings

MODULES = "js"

register = template.Library()


@register.simple_tag
@functools.cache
def studio_modules() -> list[str]:
    """Return the static paths of all modules."""
    folder = Path(settings.STATICFILES_DIRS[0])
    return [path.relative_to(folder).as_posix() for path in sorted((folder / MODULES).glob("*.js"))]
