"""The product's settings with the engine's own database broker, for comparison."""

from videoapi.settings import *  # noqa: F403
from videoapi.settings import Q_CLUSTER as OURS

Q_CLUSTER = {**OURS, "broker_class": None, "orm": "default", "poll": 0.2}
