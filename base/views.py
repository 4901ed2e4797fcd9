"""The base of every view that answers with a caller's own data."""

from rest_framework.views import APIView


class PrivateView(APIView):
    """Answers, errors included, that no cache may keep."""

    @property
    def default_response_headers(self) -> dict[str, str]:
        return {**super().default_response_headers, "Cache-Control": "no-store"}
