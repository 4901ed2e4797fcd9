"""What browser apps of the origins in CORS_ALLOWED_ORIGINS may send and read."""

ALLOW_HEADERS = (
    *("accept", "authorization", "content-type", "idempotency-key", "if-none-match", "last-event-id"),
    *("range", "x-csrftoken", "x-request-id", "x-requested-with"),
    # What OpenAI's official client for JavaScript sends: by choice, with every request, and when it polls. A
    # browser asks first about all of them, and sends nothing if one is not allowed.
    *("openai-organization", "openai-project"),
    *("x-stainless-arch", "x-stainless-lang", "x-stainless-os", "x-stainless-package-version"),
    *("x-stainless-retry-count", "x-stainless-runtime", "x-stainless-runtime-version", "x-stainless-timeout"),
    *("x-stainless-custom-poll-interval", "x-stainless-helper-method", "x-stainless-poll-helper"),
)
EXPOSE_HEADERS = (
    *("Content-Range", "ETag", "Idempotent-Replayed", "Location", "Retry-After", "X-Request-ID"),
    *("openai-poll-after-ms", "x-should-retry"),
)
