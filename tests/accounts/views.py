"""A view like any of the product's: nothing but the default authentication and permissions."""

from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


class WhoAmI(APIView):
    def get(self, request: Request) -> Response:
        return Response({"username": request.user.username, "token": str(getattr(request.auth, "id", ""))})

    def post(self, request: Request) -> Response:
        return Response({"username": request.user.username, "body": request.data})

    put = delete = post


urlpatterns = [path("who", WhoAmI.as_view())]
