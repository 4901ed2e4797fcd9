"""The TypeScript client in a real Chromium: from another origin, in a signed-in page, under React."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import browse, chromium, page, people, person  # noqa: F401 - fixtures
from tests.clients import node, snippets

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LONG = 120_000  # milliseconds, for a job on a busy machine
MAKE = """
async ({ baseUrl, token }) => {
  const { VideoClient, InvalidRequestError } = await import("/client/index.js");
  const client = new VideoClient({ baseUrl, token });
  const seen = [];
  const small = { model: "rehearsal", resolution: "sd_480p" };
  const job = await client.videos.generate({ ...small, prompt: "A calm sea" });
  const { video } = await job.wait({ onProgress: ({ status }) => seen.push(status), timeout: 120_000 });
  const file = await (await client.videos.download(video, { range: "bytes=4-7" })).text();
  const refused = await client.videos.generate({ prompt: "" }).catch((error) => error);
  return {
    seen, url: video.url, file,
    refused: refused instanceof InvalidRequestError && refused.errors[0].field,
    requestId: refused.requestId,
  };
}
"""
PLAY = """
async (url) => {
  const video = Object.assign(document.createElement("video"), { src: url, muted: true });
  document.body.append(video);
  await video.play();
  return [video.videoWidth, video.videoHeight];
}
"""
ANIMATE = """
async () => {
  const { VideoClient } = await import("/client/index.js");
  const client = new VideoClient();
  const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 240 });
  canvas.getContext("2d").fillRect(20, 20, 100, 100);
  const image = await new Promise((done) => canvas.toBlob(done, "image/png"));
  const small = { model: "rehearsal", resolution: "sd_480p" };
  const job = await client.videos.animate({ ...small, image, prompt: "Zoom in" });
  const { video } = await job.wait({ timeout: 120_000 });
  await client.videos.favourite(video.id);
  const rows = await client.videos.list({ favorites_only: true }).all();
  return [video.generation_type, rows.map(({ id }) => id === video.id)];
}
"""
APP = """
import {{ createRoot }} from "react-dom/client";
import {{ useMemo, useState }} from "react";
import {{ VideoClient, type GenerateRequest }} from "videoapi-client";
import {{ useVideo }} from "./{hook}.js";

const given = new URLSearchParams(location.hash.slice(1));
const [baseUrl, token] = [given.get("baseUrl")!, given.get("token")!];

function App() {{
  const client = useMemo(() => new VideoClient({{ baseUrl, token }}), []);
  const [wish, setWish] = useState<{{ prompt: string; key: string }}>();
  // a new object with each render, as apps write it
  const small = {{ model: "held", resolution: "sd_480p" }} as const;
  const request: GenerateRequest | undefined = wish && {{ ...small, prompt: wish.prompt }};
  const {{ status, video, error }} = useVideo(client, request, wish?.key ?? "");
  const ask = (prompt: string) => setWish({{ prompt, key: crypto.randomUUID() }});
  return (
    <>
      <button onClick={{() => ask("A fox")}}>Make</button>
      <button onClick={{() => ask("A fox [reject]")}}>Fail</button>
      <p role="status">{{status?.status}}</p>
      {{error && <p role="alert">{{error.message}}</p>}}
      {{video && <video src={{video.url}} muted autoPlay />}}
    </>
  );
}}
createRoot(document.getElementById("root")!).render(<App />);
"""


@pytest.fixture
def stranger(chromium, site, package):  # noqa: F811
    """A page of another origin than the API's, that fails the test on any script error."""
    shutil.copytree(package / "dist", site[0] / "client", dirs_exist_ok=True)
    (site[0] / "index.html").write_text("<!doctype html><title>An app</title><div id=root></div>")
    context = chromium.new_context(base_url=site[1])
    page = context.new_page()  # noqa: F811
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert errors == []


def test_a_page_of_another_origin_makes_a_video_and_plays_it(stranger, live, token):
    stranger.goto("/index.html")
    made = stranger.evaluate(MAKE, {"baseUrl": live.url, "token": token})
    assert made["seen"][-1] == "completed"
    assert made["file"] == "ftyp"
    assert made["refused"] == "prompt"
    assert made["requestId"]
    assert stranger.evaluate(PLAY, made["url"]) == [854, 480]


def test_a_signed_in_page_needs_neither_address_nor_token(page, package):  # noqa: F811
    def serve(route):
        name = Path(route.request.url).name
        route.fulfill(path=package / "dist" / name, content_type="text/javascript")

    page.route("**/client/*.js", serve)
    assert page.evaluate(ANIMATE) == ["image_to_video", [True]]


def test_the_react_hook_shows_progress_the_video_and_a_failure(stranger, live, token, package, site, held):
    (hook,) = snippets.of("tsx")
    bundled = package / "build/react"
    bundled.mkdir(parents=True, exist_ok=True)  # inside the package, where react and its own name are found
    (bundled / f"{hook.name}.tsx").write_text(hook.text)
    (bundled / "app.tsx").write_text(APP.format(hook=hook.name))
    esbuild = str(package / "node_modules/.bin/esbuild")
    options = ("--bundle", "--format=esm", "--jsx=automatic", f"--outfile={site[0] / 'app.js'}")
    node.run(esbuild, str(bundled / "app.tsx"), *options)
    (site[0] / "app.html").write_text(
        "<!doctype html><title>An app</title><div id=root></div><script type=module src=app.js></script>"
    )
    posts = []
    stranger.on("request", lambda request: request.method == "POST" and posts.append(request.url))
    stranger.goto(f"/app.html#baseUrl={live.url}&token={token}")
    stranger.get_by_role("button", name="Make").click()
    expect(stranger.get_by_role("status")).to_have_text("processing", timeout=LONG)
    held()
    stranger.wait_for_function("document.querySelector('video')?.videoWidth === 854", timeout=LONG)
    assert posts == [f"{live.url}/videos/generate"]
    stranger.get_by_role("button", name="Fail").click()
    expect(stranger.get_by_role("alert")).to_contain_text("content rules", timeout=LONG)
    expect(stranger.locator("video")).to_have_count(0)
    assert len(posts) == 2
