"""The rules of the house that a tool can check, read from the source itself."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Who may import whom. Imports point one way, and the three leaves never at each other.
MAY_IMPORT = {
    "base": set(),
    "accounts": {"base"},
    "dust": {"base"},
    "videos": {"base"},
    "jobs": {"base", "accounts", "dust", "videos"},
    "webhooks": {"base", "accounts", "jobs"},
    "videoapi": {"base", "accounts", "dust", "videos", "jobs", "webhooks"},
}
LONGEST_MODULE = 300
LONGEST_FUNCTION = 50

KNOWS_THE_QUEUE = {"jobs.queue", "jobs.broker", "jobs.redis_broker"}
WRITES_DUST = {"dust.ledger", "dust.statements"}
MOVES_JOBS = {"jobs.lifecycle"}
# What says how a job stands and whose it is; beside it `upkeep` may write a few fields, and nothing else may.
STANDING = {"status", "attempt", "worker", "cancel_requested_at", "cancel_lapsed_at"}
KEEPS_JOBS = {"jobs.upkeep": {"lease_expires_at", "woken_at", "cleared_at", "upload", "hidden_at"}}
TELLS_OF_JOBS = {"jobs.timeline"}
# An endpoint may be disabled by what it answers.
WRITES_WEBHOOKS = {
    "Delivery": {"webhooks.deliveries"},
    "Attempt": {"webhooks.deliveries"},
    "Receiver": {"webhooks.receivers"},
    "Endpoint": {"webhooks.endpoints", "webhooks.receivers"},
    "JobSecret": {"webhooks.endpoints"},
}
# Users' URLs are for `outbound` alone; the others ask providers, whom the operator chose, or ourselves.
CALLS_OUT = {"jobs.outbound", "jobs.dialling", "jobs.wire", "jobs.callbacks.published", "videoapi.client"}
HTTP_CLIENTS = ("httpx2", "httpcore2", "httpx", "requests", "aiohttp", "urllib.request", "http.client")
PURGES_JOBS = {"jobs.housekeeping"}
# Whatever a provider does, the user gets the DUST back; whatever a chore does, the others and all jobs go on.
# Whatever a receiver does, the others get their messages.
CATCHES_EVERYTHING = {
    "jobs.driver",
    "jobs.errand",
    "jobs.intake",
    "jobs.runner",
    "jobs.sweeper",
    "webhooks.courier",
    "webhooks.outbox",
}
WRITING = {
    *("save", "create", "update", "delete", "get_or_create", "update_or_create"),
    *(
        "bulk_create",
        "bulk_update",
        "acreate",
        "aupdate",
        "adelete",
        "asave",
        "aget_or_create",
        "aupdate_or_create",
    ),
}
HTTP = ("rest_framework", "django.http", "django.shortcuts", "drf_spectacular", "corsheaders")
# The front doors, by the last part of their names: only they speak HTTP.
FRONT_DOORS = {
    *("views", "serializers", "schema", "admin", "urls", "authentication", "signin", "middleware", "asgi"),
    *("throttles", "parsers", "fields", "pages", "problems", "delivery", "links", "callers", "forms"),
    *("requests", "answers", "bodies", "openapi", "ranges", "body_limit", "long_lists", "docs"),
    *("health", "admin_site", "negotiation", "converters", "outage", "content_policy", "static_files"),
}


@cache
def sources() -> dict[str, ast.Module]:
    """Every module of the product, by its dotted name; migrations are made by a tool and left out."""
    found = {}
    for app in MAY_IMPORT:
        for path in sorted((ROOT / app).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if "migrations" not in parts:
                name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
                found[name] = ast.parse(path.read_text(), filename=str(path))
    return found


def path_of(module: str) -> Path:
    plain = ROOT / Path(*module.split(".")).with_suffix(".py")
    return plain if plain.exists() else ROOT / Path(*module.split(".")) / "__init__.py"


def imported(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every name a module imports, however deep in a function, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in line {node.lineno}"
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def our_modules(name: str) -> str | None:
    """The module of ours that an imported name is, or lies in."""
    while name:
        if name in sources():
            return name
        name = name.rpartition(".")[0]
    return None


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def root_name(node: ast.AST) -> str:
    """The name that a chain such as `Job.objects.filter(...).update` begins with."""
    while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def writes_to(models_module: str, models: set[str], verbs: set[str] = WRITING) -> list[str]:
    """Where rows of these models are written by a query that starts at their name."""
    found = []
    for module, tree in sources().items():
        names = {
            name.rpartition(".")[2] for name, _ in imported(tree) if name.startswith(f"{models_module}.")
        }
        for call in calls(tree):
            is_write = isinstance(call.func, ast.Attribute) and call.func.attr in verbs
            if is_write and root_name(call.func) in names & models:
                found.append(f"{module}:{call.lineno}")
    return found


def raises_again(handler: ast.ExceptHandler) -> bool:
    """Whether it only cleans up and lets the error go on."""
    last = handler.body[-1]
    ways_out = (ast.Return, ast.Continue, ast.Break)
    is_left_before = any(isinstance(node, ways_out) for each in handler.body for node in ast.walk(each))
    return isinstance(last, ast.Raise) and last.exc is None and not is_left_before


def breaches(allowed: set[str], places: list[str]) -> list[str]:
    return [place for place in places if place.partition(":")[0] not in allowed]


def test_there_is_something_to_check():
    assert len(sources()) > 50
    assert "jobs.lifecycle" in sources()


@pytest.mark.parametrize("app", MAY_IMPORT)
def test_imports_point_one_way(app):
    wrong = []
    for module, tree in sources().items():
        if module.partition(".")[0] == app:
            for name, line in imported(tree):
                other = name.partition(".")[0]
                if other in MAY_IMPORT and other != app and other not in MAY_IMPORT[app]:
                    wrong.append(f"{module}:{line} imports {name}")
    assert wrong == []


def test_tests_are_imported_by_nobody():
    wrong = [
        module for module, tree in sources().items() for name, _ in imported(tree) if name.startswith("tests")
    ]
    assert wrong == []


def test_no_import_of_ours_hides_in_a_function():
    """But in an AppConfig, which is read before there can be models."""
    wrong = []
    for module, tree in sources().items():
        if module.endswith(".apps"):
            continue
        for function in functions(tree):
            wrong += [f"{module}:{line} {name}" for name, line in imported(function) if our_modules(name)]
    assert wrong == []


def test_no_modules_import_each_other_in_a_circle():
    graph = {
        module: {other for name, _ in imported(tree) if (other := our_modules(name)) and other != module}
        for module, tree in sources().items()
    }
    while free := {module for module, others in graph.items() if not others}:
        graph = {module: others - free for module, others in graph.items() if module not in free}
    assert graph == {}


def test_modules_are_short():
    long = {module: len(path_of(module).read_text().splitlines()) for module in sources()}
    assert {module: lines for module, lines in long.items() if lines > LONGEST_MODULE} == {}


def test_functions_are_short():
    long = [
        f"{module}:{function.lineno} {function.name}"
        for module, tree in sources().items()
        for function in functions(tree)
        if (function.end_lineno or 0) - function.lineno + 1 > LONGEST_FUNCTION
    ]
    assert long == []


def test_every_module_says_what_it_is_for():
    silent = [module for module, tree in sources().items() if tree.body and not ast.get_docstring(tree)]
    assert silent == []


def test_only_the_queue_knows_django_q():
    users = [
        f"{module}:{line}"
        for module, tree in sources().items()
        for name, line in imported(tree)
        if name.partition(".")[0] == "django_q"
    ]
    assert breaches(KNOWS_THE_QUEUE, users) == []


def test_only_front_doors_speak_http():
    wrong = [
        f"{module}:{line} imports {name}"
        for module, tree in sources().items()
        for name, line in imported(tree)
        if name.startswith(HTTP) and not FRONT_DOORS & set(module.split("."))
    ]
    assert wrong == []


def test_only_the_ledger_writes_dust():
    assert breaches(WRITES_DUST, writes_to("dust.models", {"Account", "Transfer"})) == []


def test_only_the_ledgers_statements_are_raw_writes():
    raw = re.compile(r"\b(insert\s+into|update|delete\s+from)\s+\S*dust_(account|transfer)\b", re.IGNORECASE)
    texts = [
        f"{module}:{node.lineno}"
        for module, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and raw.search(node.value)
    ]
    assert breaches(WRITES_DUST, texts) == []


def test_only_the_lifecycle_moves_a_job():
    places = breaches(set(KEEPS_JOBS), writes_to("jobs.models", {"Job"}, WRITING - {"delete"}))
    for module, tree in sources().items():
        for node in ast.walk(tree):
            targets = node.targets if isinstance(node, ast.Assign) else []
            if any(isinstance(target, ast.Attribute) and target.attr == "status" for target in targets):
                places.append(f"{module}:{node.lineno}")
        for call in calls(tree):
            is_write = isinstance(call.func, ast.Attribute) and call.func.attr in WRITING
            if is_write and any(keyword.arg in STANDING for keyword in call.keywords):
                places.append(f"{module}:{call.lineno}")
    assert breaches(MOVES_JOBS, places) == []


@pytest.mark.parametrize("module", KEEPS_JOBS)
def test_upkeep_leaves_a_job_where_it_stands(module):
    written = {
        keyword.arg
        for call in calls(sources()[module])
        if isinstance(call.func, ast.Attribute) and call.func.attr in WRITING
        for keyword in call.keywords
    }
    assert written == KEEPS_JOBS[module]


def test_only_the_timeline_writes_timelines():
    assert breaches(TELLS_OF_JOBS, writes_to("jobs.models", {"JobEvent"}, WRITING - {"delete"})) == []


def test_only_these_call_other_servers():
    users = [
        f"{module}:{line}"
        for module, tree in sources().items()
        for name, line in imported(tree)
        if f"{name}.".startswith(tuple(f"{client}." for client in HTTP_CLIENTS))
    ]
    assert breaches(CALLS_OUT, users) == []


@pytest.mark.parametrize("model", WRITES_WEBHOOKS)
def test_what_is_known_of_webhooks_has_its_writers(model):
    assert breaches(WRITES_WEBHOOKS[model], writes_to("webhooks.models", {model})) == []


def test_only_housekeeping_removes_a_job():
    assert breaches(PURGES_JOBS, writes_to("jobs.models", {"Job", "JobEvent"}, {"delete"})) == []


def test_only_the_outer_edges_catch_everything():
    places = []
    for module, tree in sources().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ExceptHandler) and not raises_again(node):
                caught = (
                    {name.id for name in ast.walk(node.type) if isinstance(name, ast.Name)}
                    if node.type
                    else {""}
                )
                if caught & {"", "Exception", "BaseException"}:
                    places.append(f"{module}:{node.lineno}")
    assert breaches(CATCHES_EVERYTHING, places) == []


def test_views_catch_nothing():
    wrong = [
        f"{module}:{node.lineno}"
        for module, tree in sources().items()
        if module.endswith(".views")
        for node in ast.walk(tree)
        if isinstance(node, ast.Try)
    ]
    assert wrong == []


def test_nothing_flows_through_signals():
    """But Django's own news: the tables are there, a test has changed a setting."""
    wrong = []
    for module, tree in sources().items():
        for name, line in imported(tree):
            is_signal = name.startswith(
                ("django.dispatch", "django.db.models.signals", "django.core.signals")
            )
            if is_signal and not name.endswith((".post_migrate", ".setting_changed")):
                wrong.append(f"{module}:{line} {name}")
    assert wrong == []


def test_no_model_overrides_save_or_delete():
    wrong = [
        f"{module}:{function.lineno} {node.name}.{function.name}"
        for module, tree in sources().items()
        if module.endswith(".models")
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for function in node.body
        if isinstance(function, ast.FunctionDef) and function.name in ("save", "delete")
    ]
    assert wrong == []


def test_nothing_prints():
    """Commands write to their own `stdout`; everything else logs."""
    wrong = [
        f"{module}:{call.lineno}"
        for module, tree in sources().items()
        for call in calls(tree)
        if isinstance(call.func, ast.Name) and call.func.id == "print"
    ]
    assert wrong == []
