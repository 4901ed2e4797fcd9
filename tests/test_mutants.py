"""The models see what they are there to see: each planted mistake about money or about whose job it is.

A mistake is planted in a copy of the source tree, and a model is run there. It must fail for its own reason.
Where the database refuses the mistake before the model can see what would come of it, the mistake is planted
again with those guards gone: one net may tear.
"""

import dataclasses
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from django.conf import settings

ROOT = Path(__file__).parents[1]
LEDGER, LIFECYCLE = "tests/dust/test_model.py", "tests/jobs/test_model.py"
SEED = os.environ.get("MUTANTS_SEED", "1")  # of the histories in which they are looked for
PATIENCE = 540  # seconds for one run: a few on an idle machine
GUARDLESS = "dust/migrations/9999_unguarded.py"
# Where no mistake is planted a few histories do: in all of them, until every move was made, this model is
# walked by its own test.
WALK = """walk(House, examples=50, steps=50, missing=lambda: EVERYTHING - set(reached))
    assert set(reached) == EVERYTHING
"""
SHORT_WALK = """walk(House, examples=10, steps=50, missing=set)
"""

# Takes the constraints away that would stop a wrong movement, and leaves it to the model.
UNGUARDED = """
import django.db.models as m
from django.db.migrations import AlterField, Migration as Base, RemoveConstraint

class Migration(Base):
    dependencies = [("dust", "{last}")]
    operations = [
        RemoveConstraint("account", "dust_account_held_not_negative"),
        RemoveConstraint("account", "dust_account_covers_held"),
        RemoveConstraint("transfer", "dust_transfer_never_below_zero"),
        AlterField("transfer", "hold", m.ForeignKey("self", m.PROTECT, null=True, related_name="+")),
        AlterField("transfer", "reverses", m.ForeignKey("self", m.PROTECT, null=True, related_name="+")),
    ]
"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(PATIENCE + 60)]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Mutant:
    """One mistake: in `file`, `old` becomes `new`.

    `says` is a pattern in what the model says that catches it. With `unguarded` the database's own
    constraints are gone.
    """

    name: str
    file: str = "jobs/lifecycle.py"
    old: str
    new: str
    model: str = LIFECYCLE
    says: str
    unguarded: bool = False


REFUND = {
    "file": "dust/ledger.py",
    "old": "amount=charge.amount,\n        d_posted=charge.amount,",
    "new": "amount=charge.amount + 1,\n        d_posted=charge.amount + 1,",
}
TWICE = {
    "file": "dust/ledger.py",
    "old": 'key=_job_key(job_id, attempt, "resolve"),\n        guard="hold_id",',
    "new": 'key=_job_key(job_id, attempt, "resolve" if kind == Kind.POST else kind.value),',
    "model": LEDGER,
}
OVERDRAFT = {
    "file": "dust/statements.py",
    "old": "   AND (posted + %(d_posted)s) - (held + %(d_held)s) >= 0\n",
    "new": "",
}
HELD = {
    "file": "jobs/models/job.py",
    "old": "id=job.id, attempt=job.attempt, worker=job.worker)\n\n    def unwanted",
}
TABLES = "in the_tables_say_what_the_model_says"  # every account, job, transfer, event and message
MEDDLED = "a refused verb changed something|it was not its turn"

MUTANTS = (
    # The constraints know of no amount: only the models do.
    Mutant(name="refund + 1", **REFUND, model=LEDGER, says="in moves_once"),
    Mutant(name="refund + 1, by a job", **REFUND, says=TABLES),
    # UNIQUE(hold) is first, the model is second.
    Mutant(name="double resolve", **TWICE, says="HoldAlreadyResolved was due, not ConcurrentDuplicate"),
    Mutant(name="double resolve, unguarded", **TWICE, says="HoldAlreadyResolved was due$", unguarded=True),
    # CHECK (posted >= held) is first, the model is second.
    Mutant(
        name="overdraft", **OVERDRAFT, model=LEDGER, says="InsufficientDust was due, not ConcurrentDuplicate"
    ),
    Mutant(
        name="overdraft, unguarded",
        **OVERDRAFT,
        model=LEDGER,
        says="InsufficientDust was due$",
        unguarded=True,
    ),
    Mutant(
        name="overdraft, unguarded, by a job", **OVERDRAFT, says="InsufficientDust was due$", unguarded=True
    ),
    # From here on nothing but the model could know, unless it is said.
    Mutant(name="no fence", **HELD, new="id=job.id)\n\n    def unwanted", says=MEDDLED),
    Mutant(
        name="no attempt in the fence",
        **HELD,
        new="id=job.id, worker=job.worker)\n\n    def unwanted",
        says=MEDDLED,
    ),
    Mutant(
        name="no worker in the fence",
        **HELD,
        new="id=job.id, attempt=job.attempt)\n\n    def unwanted",
        says=MEDDLED,
    ),
    Mutant(
        name="no worker in the fence of a failure",
        old="expected.filter(id=job.id, attempt=job.attempt, worker=job.worker)",
        new="expected.filter(id=job.id, attempt=job.attempt)",
        says=MEDDLED,
    ),
    Mutant(
        name="completed whoever has it, whatever it is",
        old="held = Job.objects.held(job).filter(status=Status.PROCESSING)",
        new="held = Job.objects.filter(id=job.id)",
        says=f"{MEDDLED}|job_failure_has_a_code",  # the latter of the table, for a failed job
    ),
    Mutant(
        name="completed before it was accepted",
        old="held = Job.objects.held(job).filter(status=Status.PROCESSING)",
        new="held = Job.objects.held(job)",
        says=MEDDLED,
    ),
    Mutant(
        name="claimed from under another",
        old='status=Status.STARTING, worker=""), **mine)',
        new="status=Status.STARTING), **mine)",
        says=MEDDLED,
    ),
    Mutant(
        name="charged at the second claim too",
        old='worker=""), **mine):\n            job, tell = Job.objects.get(id=job_id), timeline.tell\n',
        new='worker=""), **mine):\n            job, tell = Job.objects.get(id=job_id), timeline.tell\n'
        "            if job.cost:\n"
        "                account = ledger.open_account(job.user_id)\n"
        "                ledger.hold(account.pk, job.id, job.cost, attempt=job.attempt)\n"
        "                ledger.post(job.id, attempt=job.attempt)\n",
        says=f"{TABLES}|InsufficientDust",
    ),
    Mutant(
        name="a cancel that forgets the hold",
        old='                ledger.void(job.id)\n            timeline.announce(job, "cancel"',
        new='                pass\n            timeline.announce(job, "cancel"',
        says=TABLES,
    ),
    # The ledger refuses both: no hold is given back that was taken, nothing is refunded that was not.
    Mutant(
        name="a failure that mixes up refund and release",
        old="    if job.cost and job.was_started:\n        ledger.reverse",
        new="    if job.cost and not job.was_started:\n        ledger.reverse",
        says="raised (NotPosted|HoldAlreadyResolved)",
    ),
    Mutant(
        name="a failure after the start that refunds nothing",
        old="        ledger.reverse(job.id, reason=code.label)",
        new="        pass",
        says=TABLES,
    ),
    Mutant(
        name="a cancel at work that refunds nothing",
        old='            ledger.reverse(job.id, reason="The job was cancelled.")',
        new="            pass",
        says=TABLES,
    ),
    # The row's own constraint is first: no job that was started is cancelled unless somebody asked for it.
    Mutant(
        name="cancelled at work though nobody asked",
        old="asked = Job.objects.held(job).exclude(cancel_requested_at=None)",
        new="asked = Job.objects.held(job)",
        says="raised IntegrityError",
    ),
    Mutant(
        name="cancelled at work by one who has lost it",
        old="asked = Job.objects.held(job).exclude(",
        new="asked = Job.objects.running().filter(id=job.id).exclude(",
        says=MEDDLED,
    ),
    Mutant(
        name="a wish that is told twice",
        old="Job.objects.running().filter(unasked, id=job.id)",
        new="Job.objects.running().filter(id=job.id)",
        says=MEDDLED,
    ),
    Mutant(
        name="a wish given up before its time",
        old="cancel_requested_at__lt=Now() - settings.CANCEL_PATIENCE",
        new="id=job.id",
        says=MEDDLED,
    ),
    Mutant(
        name="another try under the same number",
        old='"attempt": F("attempt") + 1',
        new='"attempt": F("attempt")',
        says=TABLES,
    ),
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of the source tree as it stands now. One: what is compiled for a run is there for the next."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    copy = tmp_path_factory.mktemp("mutants") / "copy"
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():  # or deleted, and that not committed yet
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    return copy


@pytest.fixture
def elsewhere(tree):
    """The copy; what a test plants there is gone when it ends."""
    files = {tree / mutant.file for mutant in MUTANTS} | {tree / LIFECYCLE}
    sources = {file: file.read_bytes() for file in files}
    yield tree
    for file, source in sources.items():
        file.write_bytes(source)
        # it may be as long as the next, and of the same second: then Python would not compile that one
        Path(importlib.util.cache_from_source(str(file))).unlink(missing_ok=True)
    (tree / GUARDLESS).unlink(missing_ok=True)


def plant(copy, file, old, new):
    source = (copy / file).read_text()
    assert source.count(old) == 1, "the mutant has to be cut anew: its place has changed"
    (copy / file).write_text(source.replace(old, new))


def run(copy, model):
    """Run a model in the copy; return the exit status and what failed how.

    On a database that all runs in the copy share (those without the guards another): each takes back what it
    did. Of pytest's plugins only those are loaded that it takes.
    """
    tag = "unguarded" if (copy / GUARDLESS).exists() else "mutant"
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "COV_"))}
    kept.pop("DATABASE_URL", None)
    own = {"TEST_TAG": tag, "TMPDIR": str(copy.parent), "MODEL_SEED": SEED, "PYTHONPATH": str(copy)}
    own |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    report = copy.parent / "report.xml"
    report.unlink(missing_ok=True)
    plugins = [f"-p{name}" for name in ("no:cacheprovider", "pytest_django.plugin", "pytest_timeout")]
    plain = ["-q", f"--timeout={PATIENCE}", *plugins, "--reuse-db", "--tb=short"]
    command = [sys.executable, "-m", "pytest", model, *plain, f"--junitxml={report}"]
    done = subprocess.run(
        command, cwd=copy, env=kept | own, timeout=PATIENCE, capture_output=True, text=True, check=False
    )
    assert report.exists(), done.stdout + done.stderr
    return done.returncode, [
        failure for case in ElementTree.parse(report).iter("testcase") for failure in case
    ]


def take_guards_away(copy):
    last = max(file.stem for file in (copy / GUARDLESS).parent.glob("0*.py"))
    (copy / GUARDLESS).write_text(UNGUARDED.format(last=last))


@pytest.fixture(autouse=True)
def _once():
    if not settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        pytest.skip("planted on SQLite only: that the models hold on the other database they show themselves")


@pytest.mark.parametrize("model", [LEDGER, LIFECYCLE])
def test_the_models_find_nothing_where_nothing_was_planted(model, elsewhere):
    plant(elsewhere, LIFECYCLE, WALK, SHORT_WALK)
    status, failures = run(elsewhere, model)
    assert status == 0, [failure.text for failure in failures]


def test_the_models_are_content_without_the_guards(elsewhere):
    take_guards_away(elsewhere)
    status, failures = run(elsewhere, LEDGER)
    assert status == 0, [failure.text for failure in failures]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_mistake_is_caught(mutant, elsewhere):
    plant(elsewhere, mutant.file, mutant.old, mutant.new)
    if mutant.unguarded:
        take_guards_away(elsewhere)
    status, failures = run(elsewhere, mutant.model)
    assert (status, [failure.tag for failure in failures]) == (1, ["failure"])  # no error, not in a fixture
    assert failures[0].get("message").startswith(("AssertionError", "assert "))
    assert re.search(mutant.says, failures[0].text, re.MULTILINE), failures[0].text
