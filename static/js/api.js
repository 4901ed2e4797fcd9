// The public API, as any client uses it: same-origin requests with the session's cookie.

export class Problem extends Error {
  constructor(body, status) {
    super(body.error ?? `The server answered ${status}.`);
    this.code = body.error_code ?? "";
    this.status = status;
  }
}

export async function call(path, options = {}) {
  const response = await fetch(path, { headers: { Accept: "application/json" }, ...options });
  if (response.status === 401) {
    location.assign(`/login?next=${encodeURIComponent(location.pathname)}`);
  }
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Problem(body, response.status);
  return { body, retryAfter: Number(response.headers.get("Retry-After")) || 5 };
}

// A repeated submit with the same key makes no second job, so a lost answer can be asked for again.
export async function submit(path, body, key) {
  const json = !(body instanceof FormData);
  const headers = { Accept: "application/json", "Idempotency-Key": key };
  if (json) headers["Content-Type"] = "application/json";
  const options = { method: "POST", headers, body: json ? JSON.stringify(body) : body };
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call(path, options);
    } catch (problem) {
      const passing = !(problem instanceof Problem) || problem.status === 503;
      if (!passing || attempt === 4) throw problem;
      await new Promise((done) => setTimeout(done, 1000 * attempt));
    }
  }
}
