"""What a cluster's processes find when they start."""

import pytest

from jobs import cluster


@pytest.mark.parametrize("for_web", ["0", "600", None])
def test_a_worker_keeps_its_connections_whatever_is_set_for_web(monkeypatch, settings, for_web):
    """One `.env` serves both; without kept connections each look at the queue would open one."""
    if for_web is None:
        monkeypatch.delenv("CONN_MAX_AGE", raising=False)
    else:
        monkeypatch.setenv("CONN_MAX_AGE", for_web)
    settings.WORKER_CONN_MAX_AGE = 60
    found = cluster.environment("box-1", queue="render", workers=2)
    assert found["CONN_MAX_AGE"] == "60"
    assert found["VIDEOAPI_WORKER"] == "box-1-render"
