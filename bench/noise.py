"""Times things side by side, so that what the machine does meanwhile happens to all of them."""

import dataclasses
import statistics
import time
from collections.abc import Callable, Mapping

Times = dict[str, list[float]]


@dataclasses.dataclass(frozen=True, slots=True)
class Spread:
    """A median, and the quartiles around it."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> "Spread":
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high)


def side_by_side(contenders: Mapping[str, Callable[[int], object]], *, times: int, rounds: int) -> Times:
    """Return each contender's seconds for one call, a value for each round.

    A round calls each one `times` times, one after another, and then again in the opposite order (A B B A):
    what gets slower or faster steadily meanwhile does so equally for all. The first round is not counted.
    """
    found: Times = {name: [] for name in contenders}
    names = list(contenders)
    for number in range(rounds + 1):
        spent = dict.fromkeys(names, 0.0)
        for name in (*names, *reversed(names)):
            spent[name] += _seconds(contenders[name], times)
        if number:
            for name in names:
                found[name].append(spent[name] / (2 * times))
    return found


def ratio(found: Times, one: str, other: str) -> Spread:
    """Return how often `one` can be done in the time of one `other`, round by round: 0.5 is half as fast."""
    return Spread.of([theirs / ours for ours, theirs in zip(found[one], found[other], strict=True)])


def _seconds(call: Callable[[int], object], times: int) -> float:
    begun = time.perf_counter()
    for number in range(times):
        call(number)
    return time.perf_counter() - begun
