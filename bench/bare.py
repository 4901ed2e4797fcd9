"""The least a Django view can do for a poll: one query by primary key; no middleware, and anyone may ask."""

import uuid

from django.http import HttpRequest, JsonResponse
from django.urls import path

from jobs.models import Job
from videoapi import urls


def status(request: HttpRequest, job_id: uuid.UUID) -> JsonResponse:
    job = Job.objects.get(pk=job_id)
    return JsonResponse({"job_id": str(job.id), "status": job.status, "progress": job.progress})


urlpatterns = [path("bare/<id:job_id>", status), *urls.urlpatterns]
