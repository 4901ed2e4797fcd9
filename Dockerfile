# One image for web, worker and every management command.
FROM python:3.13.9-slim-trixie AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements.txt /tmp/requirements.txt
# Wheels only: nothing is compiled, so nothing is needed to compile with.
RUN /opt/venv/bin/pip install --only-binary :all: --require-hashes --requirement /tmp/requirements.txt

FROM python:3.13.9-slim-trixie

ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DATA_DIR=/data
# The same number everywhere: it owns the files in a volume that several machines share.
RUN groupadd --system --gid 10001 videoapi \
    && useradd --system --uid 10001 --gid videoapi --home-dir /data --no-create-home --shell /usr/sbin/nologin videoapi \
    && install --directory --owner=videoapi --group=videoapi --mode=0750 /data
COPY --from=build /opt/venv /opt/venv
# The code is root's: what serves requests can't change it.
COPY . /app
RUN python -m compileall -q /app
WORKDIR /app

USER 10001:10001
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM

# For the web process; a worker's check is `manage.py worker_health` (compose.yaml).
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import http.client, sys; c = http.client.HTTPConnection('127.0.0.1', 8000, timeout=4); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]

CMD ["python", "-m", "uvicorn", "videoapi.asgi:application", "--host", "0.0.0.0", "--port", "8000", "--timeout-graceful-shutdown", "25", "--no-access-log"]
