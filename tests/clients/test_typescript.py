"""The TypeScript client: its own tests, against a real server; its types; what is published of it."""

import json

import pytest

from tests.clients import node

pytestmark = pytest.mark.slow

STRICTEST = {"strict": True, "exactOptionalPropertyTypes": True, "noUncheckedIndexedAccess": True}
CONSUMER = """
import { VideoClient, JobFailedError, type Video, type GenerateRequest } from "videoapi-client";

const client = new VideoClient({ baseUrl: "https://video.example.com", token: async () => "token" });
const request: GenerateRequest = { prompt: "A red fox", resolution: "hd_720p" };

export async function make(signal: AbortSignal): Promise<Video | undefined> {
  const job = await client.videos.generate(request, { signal });
  try {
    const { video } = await job.wait({ signal, onProgress: ({ progress }) => progress.toFixed(2) });
    return video;
  } catch (error) {
    if (error instanceof JobFailedError && error.failureCode === "content_rejected") return undefined;
    throw error;
  }
}
// @ts-expect-error There is no such resolution.
void client.videos.generate({ prompt: "A red fox", resolution: "8k" });
// @ts-expect-error The prompt is missing.
void client.videos.generate({ seed: 7 });
"""


def test_it_passes_its_own_tests_against_a_real_server(package, live, token, picture):
    said = node.run(
        *("npm", "test", "--ignore-scripts"),
        VIDEOAPI_URL=live.url,
        VIDEOAPI_TOKEN=token,
        VIDEOAPI_PICTURE=str(picture),
    )
    assert "ℹ skipped 0\n" in said
    assert "ℹ fail 0\n" in said


def test_its_types_are_those_of_the_openapi_document(package):
    node.run("npm", "run", "types:check")


def test_it_has_no_dependency_but_to_be_built_and_tested(package):
    described = json.loads((package / "package.json").read_text())
    assert not described.keys() & {"dependencies", "peerDependencies", "optionalDependencies"}
    assert all(version[0].isdigit() for version in described["devDependencies"].values())


def test_what_is_published_is_all_that_an_app_needs(package, tmp_path):
    """Packed, unpacked elsewhere, and type-checked as strictly as can be, its declarations included."""
    node.run("npm", "pack", "--ignore-scripts", "--pack-destination", str(tmp_path))
    (tarball,) = tmp_path.glob("*.tgz")
    home = tmp_path / "node_modules/videoapi-client"
    home.mkdir(parents=True)
    node.run("tar", "-xzf", str(tarball), "--strip-components=1", folder=home)
    shipped = {path.relative_to(home).parts[0] for path in home.rglob("*") if path.is_file()}
    assert shipped == {"dist", "package.json", "README.md"}
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "app.ts").write_text(CONSUMER)
    for module, resolution in (("NodeNext", "NodeNext"), ("ESNext", "Bundler")):
        options = {
            **STRICTEST,
            "module": module,
            "moduleResolution": resolution,
            "target": "ES2022",
            "types": [],
        }
        (tmp_path / "tsconfig.json").write_text(json.dumps({"compilerOptions": {**options, "noEmit": True}}))
        node.run(str(package / "node_modules/.bin/tsc"), "--project", ".", folder=tmp_path)
