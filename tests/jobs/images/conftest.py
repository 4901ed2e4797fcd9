"""Fixtures for images: a folder, and bytes made into a picture there."""

import pytest

from jobs import images


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    return folder


@pytest.fixture
def normalise(folder):
    def normalise(data, name="", resolution=""):
        source = folder / "source"
        source.write_bytes(data)
        return images.normalise(source, folder / "target.jpg", name=name, resolution=resolution)

    return normalise
