"""Whatever an uploaded file is called, it is stored under a name of ours and shown as harmless words."""

import dataclasses
import html
import re
import unicodedata

import pytest
from django.core.files.storage import default_storage

from jobs import lifecycle
from jobs.models import Job
from tests.hostile.texts import FILE_NAMES, LIVE
from tests.jobs.making import details_of, stored_files
from videos import library, links

BOUNDARY = "a-boundary"
PICTURE = b"\x89PNG..."
# What no file name is left of, so that no picture came; and headers longer than a form's may be.
REFUSED = {".", "..", "cat.png/", "a" * 10_000 + ".png"}
OURS = re.compile(r"uploads/[0-9a-f]{2}/[0-9a-f]{32}")


def form(name):
    """A form with this file name in it, byte for byte; quotes as browsers write them."""
    quoted = name.replace('"', "%22")
    head = "--{}\r\nContent-Disposition: form-data; name={}\r\n\r\n".format
    image = f'"image"; filename="{quoted}"\r\nContent-Type: image/png'
    fields = head(BOUNDARY, '"prompt"') + "zoom\r\n" + head(BOUNDARY, image)
    return fields.encode() + PICTURE + f"\r\n--{BOUNDARY}--\r\n".encode()


@pytest.fixture
def upload(api):
    def send(name):
        kind = f"multipart/form-data; boundary={BOUNDARY}"
        return api.generic("POST", "/videos/animate", form(name), content_type=kind)

    return send


def kept(media):
    return [str(path.relative_to(media)) for path in media.rglob("*") if path.is_file()]


def accepted():
    return [name for name in FILE_NAMES if name not in REFUSED]


@pytest.mark.parametrize("name", sorted(REFUSED), ids=ascii)
def test_a_form_without_a_file_name_is_refused_and_nothing_kept(name, upload, media):
    assert name in FILE_NAMES
    assert upload(name).status_code == 400
    assert kept(media) == []
    assert not Job.objects.exists()


@pytest.mark.parametrize("name", accepted(), ids=ascii)
def test_it_is_stored_under_our_name_and_shown_safely(name, upload, media, client, charlie):
    answer = upload(name)
    assert answer.status_code == 202, answer.content
    job = Job.objects.get()
    assert OURS.fullmatch(job.upload)
    assert kept(media) == [job.upload]
    shown = job.upload_name
    assert 0 < len(shown) <= 200
    assert not set(shown) & set("/\\")
    assert all(unicodedata.category(character)[0] != "C" for character in shown)
    client.force_login(charlie)
    page = client.get(f"/admin/jobs/job/{job.id}/change/").content.decode()
    assert f"<code>{html.escape(shown)}</code>" in page
    assert not [live for live in (*LIVE, '"onmouseover="') if live in page]


@pytest.mark.parametrize("name", accepted(), ids=ascii)
def test_a_download_is_named_by_us(name, upload, client, tmp_path):
    assert upload(name).status_code == 202
    job = lifecycle.claim(Job.objects.get().id, worker="w1")
    lifecycle.accept(job)
    with default_storage.open(job.upload, "wb") as kept:
        kept.write(b"\xff\xd8\xff\xe0 a cat")
    video = library.add(video_id=job.id, files=stored_files(tmp_path, job.id), details=with_picture(job))
    answer = client.get(links.source_url(video), {"download": ""})
    assert answer.getvalue().startswith(b"\xff\xd8")
    assert answer["Content-Disposition"] == f'attachment; filename="source-{video.pk}.jpg"'
    assert answer["Content-Type"] == "image/jpeg"


def with_picture(job):
    return dataclasses.replace(
        details_of(job), source_image=job.upload, aspect_ratio="16:9", resolution="sd_480p"
    )
