"""Every setting, read from the environment (and `.env`), checked, with its default and unit beside it.

The table in README.md lists them for operators; a test keeps the two equal.
"""

import os
from datetime import timedelta
from pathlib import Path

import django_stubs_ext
import environ
from django.core.exceptions import ImproperlyConfigured

from jobs import queues
from videoapi import backends, cors, logs, openapi, safety

django_stubs_ext.monkeypatch()  # lets Django's generic classes be written with their parameters

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
if "VIDEOAPI_RENDER" not in os.environ:  # a render process has what it needs (jobs.child_environment)
    environ.Env.read_env(BASE_DIR / ".env")

# --- where it runs -------------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=False)
DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "var"))).resolve()
SECRET_KEY = env.str("SECRET_KEY", default="") or safety.generated_secret_key(DATA_DIR, allowed=DEBUG)
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"] if DEBUG else [])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
CORS_ALLOW_HEADERS = cors.ALLOW_HEADERS
CORS_EXPOSE_HEADERS = cors.EXPOSE_HEADERS
TRUST_PROXY = env.bool("TRUST_PROXY", default=False)
PUBLIC_URL = env.str("PUBLIC_URL", default="")  # where providers can call back; nothing else needs it

# --- database, cache, files ----------------------------------------------------------------------------
DATABASE_URL = env.str("DATABASE_URL", default="")
REDIS_URL = env.str("REDIS_URL", default="")
DATABASE_POOL = env.bool("DATABASE_POOL", default=False)  # web only: qcluster ran 0 of 40 tasks with it on
# Seconds, of one statement in a web process (videoapi.asgi): there somebody waits.
DATABASE_TIMEOUT_SECONDS = env.float("DATABASE_TIMEOUT_SECONDS", default=10)
# The same in a worker process (jobs.apps). Nobody waits there, but a server that hangs for good, behind a
# kernel that still answers for it, would keep it for ever. Far above any statement, and any wait for a lock.
WORKER_DATABASE_TIMEOUT_SECONDS = env.float("WORKER_DATABASE_TIMEOUT_SECONDS", default=90)
CONN_MAX_AGE = env.int("CONN_MAX_AGE", default=0)  # seconds; under ASGI each thread would keep one
WORKER_CONN_MAX_AGE = env.int("WORKER_CONN_MAX_AGE", default=60)  # a worker's CONN_MAX_AGE (jobs.cluster)

if DATABASE_URL:
    _database = env.db_url_config(DATABASE_URL)
else:
    DATA_DIR.mkdir(parents=True, exist_ok=True)
    _database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(DATA_DIR / "db.sqlite3")}
if _database["ENGINE"].endswith("sqlite3"):
    DATABASES = {"default": backends.sqlite(_database)}
else:
    DATABASES = {"default": backends.postgresql(_database, pool=DATABASE_POOL, max_age=CONN_MAX_AGE)}

if REDIS_URL:
    CACHES = {"default": backends.redis_cache(REDIS_URL)}
else:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

MEDIA_ROOT = Path(env.str("MEDIA_ROOT", default=str(DATA_DIR / "media"))).resolve()
STORAGES = {
    "default": {
        "BACKEND": "videos.storage.DurableFileStorage",
        "OPTIONS": {"location": str(MEDIA_ROOT)},
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WORK_DIR = DATA_DIR / "work"  # renders in progress, on this machine
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True  # our static files are few and small: no collectstatic step to forget
WHITENOISE_AUTOREFRESH = DEBUG

# --- Django --------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "videoapi.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_q",
    "accounts",
    "dust",
    "videos",
    "jobs",
    "webhooks",
    "videoapi",
]
MIDDLEWARE = [
    "videoapi.middleware.RequestIdMiddleware",
    "videoapi.content_policy.middleware",
    "videoapi.health.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "videoapi.static_files.StaticFilesMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "videoapi.outage.OutageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ROOT_URLCONF = "videoapi.urls"
ASGI_APPLICATION = "videoapi.asgi.application"
AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
APPEND_SLASH = False
USE_TZ = True
TIME_ZONE = "UTC"
LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/login"
MESSAGE_STORAGE = (
    "django.contrib.messages.storage.cookie.CookieStorage"  # secrets shown once: not in the database
)
CSRF_FAILURE_VIEW = "videoapi.problems.csrf_failure"
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024  # a form's fields; base.parsers bounds JSON, videoapi.asgi everything
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# --- security ------------------------------------------------------------------------------------------
SECURE_COOKIES = env.bool("SECURE_COOKIES", default=not DEBUG)  # off only for plain-http trials
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_COOKIES
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
# Without a proxy that tells, a request that came by TLS can't be told from one that did not.
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=SECURE_COOKIES and TRUST_PROXY)
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=30 * 24 * 3600 if SECURE_COOKIES else 0)
# For this host only: its subdomains and the browsers' own list are for the domain's owner to decide.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if TRUST_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
JWT_ISSUER = env.str("JWT_ISSUER", default="")
JWT_AUDIENCE = env.str("JWT_AUDIENCE", default="")
JWT_JWKS_URL = env.str("JWT_JWKS_URL", default="")
JWT_ALGORITHMS = env.list("JWT_ALGORITHMS", default=["RS256", "ES256"])

# --- API -----------------------------------------------------------------------------------------------
MAX_JSON_BYTES = 64 * 1024
MAX_JSON_DEPTH = 16
MAX_UPLOAD_BYTES = 20 * 1024 * 1024
RATE_SUBMIT = env.str("RATE_SUBMIT", default="60/min")
RATE_READ = env.str("RATE_READ", default="1200/min")
RATE_LOGIN = env.str("RATE_LOGIN", default="10/min")
RATE_CALLBACK = env.str("RATE_CALLBACK", default="1200/min")  # of one address; a provider has few
RATE_WEBHOOK = env.str("RATE_WEBHOOK", default="30/min")  # secrets made, tests and replays
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.ApiTokenAuthentication",
        "accounts.authentication.JwtAuthentication",
        "accounts.authentication.SameOriginSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["base.parsers.BoundedJsonParser", "base.parsers.PlainTextJsonParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["base.throttles.ReadThrottle"],
    "DEFAULT_THROTTLE_RATES": {
        "submit": RATE_SUBMIT,
        "read": RATE_READ,
        "login": RATE_LOGIN,
        "callback": RATE_CALLBACK,
        "webhook": RATE_WEBHOOK,
    },
    "NUM_PROXIES": 1 if TRUST_PROXY else 0,  # else anyone's X-Forwarded-For would be a fresh rate limit
    "DEFAULT_METADATA_CLASS": None,  # OPTIONS is a browser's preflight, answered by corsheaders, or nothing
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "base.negotiation.AnyAccept",
    "EXCEPTION_HANDLER": "videoapi.problems.handle",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "COERCE_DECIMAL_TO_STRING": False,
}

# --- DUST ----------------------------------------------------------------------------------------------
DUST_OPENING_GRANT = env.int("DUST_OPENING_GRANT", default=0)  # DUST a new user starts with
DUST_PRICES = env.json("DUST_PRICES", default={"generate": 10, "animate": 8})
DUST_VALUE = env.str("DUST_VALUE", default="")  # of one, in money ("0.01 USD"): for staff's page of margins

# --- jobs ----------------------------------------------------------------------------------------------
REMOTE_IN_FLIGHT = env.int("REMOTE_IN_FLIGHT", default=1000)  # remote jobs of one worker process at once
REMOTE_VIDEO_MB = env.int("REMOTE_VIDEO_MB", default=1024)  # largest file fetched from a provider
CANCEL_RUNNING = env.bool("CANCEL_RUNNING", default=False)  # of models whose provider can stop
CANCEL_PATIENCE = timedelta(seconds=env.float("CANCEL_PATIENCE_SECONDS", default=120))  # for it to say so
MAX_ACTIVE_JOBS = env.int("MAX_ACTIVE_JOBS", default=20)  # queued, starting and processing, for one user
JOB_LEASE = timedelta(seconds=env.float("JOB_LEASE_SECONDS", default=30))
JOB_QUEUE_DEADLINE = timedelta(seconds=env.float("JOB_QUEUE_DEADLINE_SECONDS", default=6 * 3600))
MAX_STREAMS = env.int("MAX_STREAMS", default=50)  # event streams and held answers of a user, in one process
STREAM_SECONDS = env.float("STREAM_SECONDS", default=300)  # then a stream ends, and its client comes again
STREAM_PING_SECONDS = env.float("STREAM_PING_SECONDS", default=15)  # of silence, until a comment is sent
IDEMPOTENCY_WAIT_MS = 5000  # how long a submit waits for its equal that came first
JOB_MAX_ATTEMPTS = env.int("JOB_MAX_ATTEMPTS", default=3)
JOB_RESULT_LIFETIME = timedelta(seconds=env.float("JOB_RESULT_SECONDS", default=24 * 3600))
JOB_RETENTION = timedelta(days=env.float("JOB_RETENTION_DAYS", default=90))
JOB_TIMEOUT_SECONDS = env.int("JOB_TIMEOUT_SECONDS", default=1800)  # the longest one render may take
RENDER_MEMORY_MB = env.int("RENDER_MEMORY_MB", default=2560)  # the most one render may take; 0: no ceiling
JOB_RETRY = timedelta(
    seconds=env.float("JOB_RETRY_SECONDS", default=5)
)  # before the second try; then times 4
SWEEP_EVERY = timedelta(seconds=env.float("SWEEP_SECONDS", default=60))
REQUEUE_AFTER = timedelta(seconds=env.float("REQUEUE_AFTER_SECONDS", default=30))
WORKER_PULSE_SECONDS = env.float("WORKER_PULSE_SECONDS", default=5)
QUEUE_BROKER = queues.broker(env.str("QUEUE_BROKER", default="database"), redis_url=REDIS_URL)
# What one `manage.py worker` serves: queue=processes. Local models render, remote ones only wait.
WORKER_QUEUES = queues.counts(env.str("WORKER_QUEUES", default="render=2"))
REHEARSAL = env.bool("REHEARSAL", default=DEBUG)  # the scripted model for client teams
DEFAULT_MODEL = env.str("DEFAULT_MODEL", default="preview")
VIDEO_MODELS = env.json("VIDEO_MODELS", default={})  # overrides and additions; see jobs/catalogue.py
# Names that /v1/videos takes for one of ours: in development those that untouched code names.
OPENAI_MODELS = env.json(
    "OPENAI_MODELS", default={"sora-2": DEFAULT_MODEL, "sora-2-pro": DEFAULT_MODEL} if DEBUG else {}
)
ENCODER_THREADS = env.int("ENCODER_THREADS", default=2)  # part of what makes the same seed the same bytes
OUTBOUND_ALLOWED_HOSTS = env.list("OUTBOUND_ALLOWED_HOSTS", default=[])  # named test hosts, past the guard
OUTBOUND_TIMEOUT_SECONDS = env.float("OUTBOUND_TIMEOUT_SECONDS", default=20)
MEDIA_URL_SECONDS = env.int("MEDIA_URL_SECONDS", default=6 * 3600)  # how long a signed file URL plays
ORPHAN_AGE = timedelta(seconds=env.float("ORPHAN_AGE_SECONDS", default=24 * 3600))

_served = WORKER_QUEUES.get(os.environ.get("Q_CLUSTER_NAME", ""), 1)  # set by jobs.cluster for each
Q_CLUSTER = {
    "name": "render",
    "workers": _served,
    "queue_limit": _served,
    # The runner ends a render that takes too long. The engine's own limit ends the worker process, and with it
    # the cluster: it is for what the runner can't see, and must never come first.
    "timeout": JOB_TIMEOUT_SECONDS + 600,
    "retry": JOB_TIMEOUT_SECONDS + 900,
    "max_attempts": 1,
    "ack_failures": True,
    "save_limit": -1,
    "poll": 0.2,
    "catch_up": False,
    "recycle": 0,  # never: to the supervisor a worker that is replaced is a worker that died
    "ALT_CLUSTERS": {},  # must be there for Q_CLUSTER_NAME (`worker --queue`) to be read
    "label": "Queue",
    "orm": "default",
    "broker_class": queues.BROKERS[QUEUE_BROKER],
    "scheduler": False,  # the supervisor sweeps
}

# --- webhooks ------------------------------------------------------------------------------------------
MAX_WEBHOOKS = env.int("MAX_WEBHOOKS", default=10)  # of one user
WEBHOOKS_AT_ONCE = env.int("WEBHOOKS_AT_ONCE", default=32)  # messages under way from one supervisor
WEBHOOK_TIMEOUT_SECONDS = env.float("WEBHOOK_TIMEOUT_SECONDS", default=15)  # for one try, look-up and all
# Seconds before the 2nd, 3rd … try, each a tenth more or less: in all about three days.
WEBHOOK_RETRY_SECONDS = env.list(
    "WEBHOOK_RETRY_SECONDS", cast=float, default=[5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
)
WEBHOOK_RETRIES = [timedelta(seconds=seconds) for seconds in WEBHOOK_RETRY_SECONDS]
WEBHOOK_DISABLE_AFTER = timedelta(days=env.float("WEBHOOK_DISABLE_DAYS", default=5))  # of failures only
WEBHOOK_RETENTION = timedelta(days=env.float("WEBHOOK_RETENTION_DAYS", default=30))

# --- docs and logs -------------------------------------------------------------------------------------
SPECTACULAR_SETTINGS = openapi.SETTINGS
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
LOGGING = logs.to_console(LOG_LEVEL)

if problems := safety.production_problems(globals()):
    raise ImproperlyConfigured("Refusing to start in production:\n- " + "\n- ".join(problems))
