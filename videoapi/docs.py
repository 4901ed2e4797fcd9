"""The API's documentation: the OpenAPI document, Swagger UI and Redoc, all from our own files."""

import functools
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
    OpenApiYamlRenderer2,
)
from drf_spectacular.utils import extend_schema
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

# Scripts, data and pictures come from here or not at all. Both pages make their styles as they run, by
# script in an empty <style> element; Redoc has one that is not empty. Redoc searches in a worker it makes
# itself, and shows a logo from a CDN unless it is kept from that.
STYLES = (
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",  # nothing
    "'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='",  # the one of Redoc
)
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        f"style-src 'self' {' '.join(STYLES)}",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "worker-src blob:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)


class SchemaView(APIView):
    """`/schema`: JSON, or YAML for who asks for it by `Accept` or `?format=yaml`."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]
    content_negotiation_class = DefaultContentNegotiation
    renderer_classes = [
        OpenApiJsonRenderer2,
        OpenApiJsonRenderer,
        OpenApiYamlRenderer2,
        OpenApiYamlRenderer,
    ]

    @extend_schema(exclude=True)  # type: ignore[untyped-decorator]
    def get(self, request: Request) -> HttpResponse:
        renderer = request.accepted_renderer
        content_type = f"{renderer.media_type}; charset=utf-8"
        return HttpResponse(rendered(renderer.format or ""), content_type=content_type)


@functools.cache
def rendered(kind: str) -> bytes:
    """Return the document as `json` or `yaml`. It is the same for everybody, so it is made once."""
    document = SchemaGenerator().get_schema(request=None, public=True)
    renderer = OpenApiYamlRenderer() if kind == "yaml" else OpenApiJsonRenderer()
    return bytes(renderer.render(document, renderer.media_type, {}))


def swagger(request: HttpRequest) -> HttpResponse:
    """Show `/docs`."""
    return _page(request, "docs/swagger.html")


def redoc(request: HttpRequest) -> HttpResponse:
    """Show `/redoc`."""
    return _page(request, "docs/redoc.html")


def _page(request: HttpRequest, template: str) -> HttpResponse:
    response = render(request, template)
    response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return response
