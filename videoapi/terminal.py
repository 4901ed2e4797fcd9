"""What a command shows: lines, a moving bar where the terminal can, tables."""

import shutil
import sys
from collections.abc import Sequence
from typing import TextIO

BAR_WIDTH = 32
CLEAR_LINE = "\r\033[2K"


class Screen:
    """Writes for people: a bar is redrawn on a terminal and a few plain lines anywhere else."""

    def __init__(self, output: TextIO = sys.stdout) -> None:
        self._output = output
        self._moving = output.isatty()
        self._last = ""

    def say(self, text: str = "") -> None:
        self._write(f"{text}\n")

    def progress(self, label: str, share: float, step: str) -> None:
        """Show how far `label` is: `share` from 0 to 1, and what is being done."""
        filled = round(share * BAR_WIDTH)
        line = f"  {label:<10} [{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {share:4.0%}  {step}"
        if self._moving:
            width = shutil.get_terminal_size().columns
            self._write(f"{CLEAR_LINE}{line[: width - 1]}")
        elif (news := f"  {label:<10} {step}") != self._last:
            self._last = news
            self._write(f"{news}\n")

    def end_progress(self) -> None:
        if self._moving:
            self._write("\n")

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Show rows in columns, whole numbers to the right."""
        texts = [list(heads), *([str(cell) for cell in row] for row in rows)]
        widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
        for number, row in enumerate(texts):
            cells = []
            for cell, width in zip(row, widths, strict=True):
                is_number = cell.lstrip("-+").isdigit()
                cells.append(cell.rjust(width) if is_number else cell.ljust(width))
            self.say("  " + "  ".join(cells).rstrip())
            if number == 0:
                self.say("  " + "  ".join("-" * width for width in widths))

    def _write(self, text: str) -> None:
        self._output.write(text)
        self._output.flush()
