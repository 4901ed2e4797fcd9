"""Reads the fenced blocks of the pages for client teams, and makes programs of them."""

import dataclasses
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    "docs/clients.md",
    "docs/retries.md",
    "docs/testing-your-app.md",
    "clients/typescript/README.md",
    "clients/python/README.md",
)
RUN = {"typescript", "tsx", "javascript", "python", "bash"}
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)


@dataclasses.dataclass(frozen=True)
class Snippet:
    """A block of a page; `name` says where it stands."""

    name: str
    language: str
    text: str

    def program(self, url: str, token: str) -> str:
        """Return it with the address and the token of a real installation."""
        return self.text.replace("http://localhost:8000", url).replace("<token>", token)


def of(*languages: str) -> list[Snippet]:
    return [snippet for snippet in every() if snippet.language in languages]


def every() -> list[Snippet]:
    found = []
    for page in PAGES:
        text = (ROOT / page).read_text()
        for block in _BLOCK.finditer(text):
            line = text.count("\n", 0, block.start()) + 1
            name = f"{re.sub(r'[^a-z]+', '_', page)}_line_{line}"
            found.append(Snippet(name, block[1], block[2]))
    return found
