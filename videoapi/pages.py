"""The studio page: for a person with a session; it talks to the public API only."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe


@require_safe
@login_required
@ensure_csrf_cookie
def studio(request: HttpRequest) -> HttpResponse:
    """Show the studio."""
    response = render(request, "studio.html")
    response["Cache-Control"] = "no-store"
    return response
