"""Every sentence that gatelocal's commands say to a person; no logic beyond putting values in."""

from __future__ import annotations

from collections.abc import Sequence

from gatelocal.model.hold import Occasion
from gatelocal.model.text import visible

INTERRUPTED = "interrupted; nothing was left running"
BUG = "this is a mistake in gatelocal, not in your change"
DISK_FULL_HINT = "make room (old images and repositories are in gatelocal's cache folder) and try again"
PROFILE_ALONE = "--profile stands in the place of a pipeline and its jobs: leave out --pipeline, --job and --list"
UNCOMMITTED = "your work tree has edits that are not committed: they are not part of what is tested"
NO_NODE_HELD = "no node is held"
KEY_WITHOUT_HOLD = "--key lets somebody in to a node that is kept, and none is"
KEY_WITHOUT_SSH = "--key: there is no ssh to a node that is a folder of this machine"
LOOK_WITH_PRINT = "it is left as it is; `gatelocal init --print` shows what would be written"
JUST_PLAN = "`gatelocal plan` shows what it runs, `gatelocal run` runs it"
SMALLEST_FILE = "jobs:\n  unit: make check"
WRITE_IT_YOURSELF = "write a gatelocal.yaml like that, with the project's own command"
COMMIT_IT = "look at it and commit it: what is tested is what is committed; then `gatelocal run` (with a remote)"
RUN_ALL = "`gatelocal run` runs all of it"
NO_RUN_HERE = "no run was begun in this folder"
LIST_WITHOUT_AHEAD = "--list does not know what is queued in front: leave out --ahead"
NO_RUN = "there is no run yet: make one with `gatelocal run`"
NO_JOB_YET = "the run has no job yet"
WHICH_JOB = "the run has several jobs: say which one with --job"
NO_OUTPUT = "the job has printed nothing"


def no_result(run: str, state: str) -> str:
    """Why nobody knows what of a run has failed."""
    return f"the last run here, {run}, tells nothing of what failed: {state}"


def nothing_failed(run: str) -> str:
    """A run of which nothing is to be run once more."""
    return f"no such job of the last run here, {run}, has failed"


def no_base(run: str) -> str:
    """There is nothing to run without the change."""
    return f"the last run here, {run}, was of no change"


TRY_OFTEN = "-n NUMBER tries each place so often; `gatelocal flake` says how often it fails"
TEST_ALONE = "--test is for one job, and says itself what is run: without --failed, --trunk or a second --job"
TRUNK_ALONE = "--trunk says itself what is run: the branch without the change"


def on_trunk(job: str, test: str, *, fails: bool) -> str:
    """What a test that failed with the change does without it."""
    return f"{visible(job)}: {visible(test)}: {'fails' if fails else 'passes'} without the change{', too' * fails}"


def not_on_trunk(job: str, test: str) -> str:
    """It did not run there."""
    return f"{visible(job)}: {visible(test)}: did not run without the change: nothing is known of it there"


def all_passed(run: str) -> str:
    """A run all of whose jobs have passed."""
    return f"each job of the last run here, {run}, has passed"


def only_test(job: str, test: str) -> str:
    """A test that a run is kept to."""
    return visible(f"{job}: only {test}")


def no_such_job(job: str, run: str) -> str:
    """A job that a run does not have."""
    return visible(f"the run {run} has no job {job}" if run else f"the run has no job {job}")


def many_times(job: str, tests: Sequence[str], number: int) -> str:
    """What is run many times."""
    what = f"{len(tests)} tests of {job}" if len(tests) > 1 else f"{tests[0]} of {job}" if tests else f"job {job}"
    return visible(f"{what}: {number} {'try' if number == 1 else 'tries'}")


def many_places(kind: str, count: int, probes: int) -> str:
    """What a culprit is looked for among."""
    places = f"{count} {kind}" if count == 1 else f"{count} {kind if kind.endswith('s') else kind + 's'}"
    return f"{places}: at most {probes} {'probe' if probes == 1 else 'probes'} between the ends"


RUN_OR_CHANGE = "a run's own commits, or --change: choose one of them"
ISOLATE_FRESH = "--isolate gives each set of tests a node of its own anyway: leave out --fresh"
ISOLATE_ONE = "--isolate takes one test, and a run that has seen it fail"
ISOLATE_HINT = "name the test, and the run if it was not begun in this work tree"
NOT_ONLY = "its suite cannot be asked for single tests: others ran as well"


def no_order(test: str, run: str) -> str:
    """Nobody knows what ran before a test."""
    return visible(f"in which order the tests of the run {run} ran is not known, nor what came before {test}")


def first_of_all(test: str) -> str:
    """There is nobody to blame."""
    return visible(f"no other test ran before {test} or beside it")


def too_many_tests(count: int) -> str:
    """More tests than can be named."""
    return f"{count} tests ran before it or beside it: more than can be asked for by their names"


def candidates(test: str, before: int, beside: int) -> str:
    """Among which a culprit is looked for."""
    return visible(f"{test}: {before} tests had ended when it began, {beside} ran at the same time")


def no_such_test(job: str, tests: Sequence[str]) -> str:
    """A test that a job does not have."""
    return visible(f"job {job} has no test {', '.join(tests)}")


def its_jobs(names: str) -> str:
    """Which there are."""
    return visible(f"its jobs: {names or 'none'}")


def there_already(name: str) -> str:
    """A file that is not to be written over."""
    return f"{name} is there already"


def zuul_counts(name: str) -> str:
    """Why no file is written beside Zuul's."""
    return f"the project has Zuul's configuration, which counts: {name}"


def nothing_to_go_by(folder: str) -> str:
    """No file says how the project is tested."""
    return f"nothing in {folder} says how the project is tested"


def written(name: str, jobs: Sequence[str], origins: Sequence[str]) -> str:
    """A file that has been made."""
    return f"{name}: {', '.join(jobs)} (from {', '.join(origins)})"


def bug_report(path: str) -> str:
    """Where the report of a mistake is."""
    return f"please report it with the file {path}"


def no_folder_for(name: str) -> str:
    """A file cannot be written where no folder is; said before anything is run."""
    return f"{name} cannot be written: its folder is not there"


def system_refused(reason: str, name: object) -> str:
    """A refusal by the operating system."""
    return f"{reason}: {name}" if name else reason


def node_called(name: str, names: Sequence[str]) -> str:
    """A node, with what its job calls it where that is of use: among several."""
    return f"{name} ({', '.join(names)})" if names else name


def node_returned(name: str) -> str:
    """A held node that is gone now."""
    return f"{name} is returned"


def held_until(name: str, moment: str) -> str:
    """A held node that stays longer."""
    return f"{name} is held until {moment}"


def entered(name: str, why: Occasion | None, repeat: str) -> tuple[str, ...]:
    """What somebody who enters a held node is told: where they are, and how to repeat what happened there."""
    job = visible(f", job {why.job} of {why.change}: {why.outcome}") if why is not None and why.job else ""
    folder = visible(f", in {why.invocation.directory}") if why is not None and why.invocation is not None else ""
    return (f"the node {name}{job}{folder}", *([f"repeat it with: {repeat}"] if repeat else []))


# ---- fingerprints and rates

NO_FINGERPRINTS = "you have no folder of fingerprints"
NO_FINGERPRINTS_HINT = (
    "name one, set GATELOCAL_FINGERPRINTS, or put them into ~/.config/gatelocal/fingerprints;"
    " `gatelocal fingerprint new` makes the first"
)
FINGERPRINTS_BAD = "not all fingerprints can be used"
TOO_BROAD = "it is true of builds that passed as well: no file is written"
TOO_BROAD_HINT = "write one by hand, with words that failures alone have"
NOT_FOUND = "no failed build has said that"
OTHER_BUG = "name another with --bug, or remove the file"


def needs_no_word(bug: str) -> str:
    """A fingerprint that would be true of any line."""
    return f"{bug}: it needs no word of a message, and would be true of any line"


def fingerprints_read(good: int, bad: int) -> str:
    """How many there are."""
    return f"{good} fingerprints read, {bad} faults"


def bad_bug_name(name: str) -> str:
    """What names no file."""
    return f"{visible(name)} cannot name a bug's file: letters, digits, dots and hyphens can"


def is_there(file: str) -> str:
    """A file that is not overwritten."""
    return f"{file} is there already"


def fingerprint_written(file: str) -> str:
    """A new file."""
    return f"written: {file}"


def tried(job: str, failed: tuple[int, int], passed: tuple[int, int], others: Sequence[tuple[str, int]]) -> list[str]:
    """What a proposal is true of among past builds."""
    lines = [
        f"# true of {failed[1]} of {failed[0]} builds of {job} that failed, of {passed[1]} of {passed[0]} that passed"
    ]
    return lines + [f"# also of {count} builds of {other}" for other, count in others]


NO_NUMBER = "it is no number."
NAME_A_RUN = "name its folder, its name below `runs`, or `last`"


def no_run_in(folder: str) -> str:
    """A folder that is named as a run, and is none."""
    return f"there is no run in {visible(folder)}"


def imported(builds: int, job: str) -> str:
    """Results of elsewhere."""
    return f"{builds} {'build' if builds == 1 else 'builds'} of {visible(job)} read"


def notice(at: int, text: str) -> str:
    """What of a query is read otherwise than Lucene does."""
    return f"character {at + 1}: {text}"


def has_flaked(run: str) -> str:
    """Why one try at each place of a row would say little."""
    return f"in the run {run} it has passed and failed on the same trees: one try at each place would find anything"
