"""`gatelocal run`: one change to its verdict, for a person or a script."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from gatelocal.cli.options import GERRIT, examples, of_configuration, require_folder
from gatelocal.cli.showing import shown
from gatelocal.config.directories import directories
from gatelocal.engine import place
from gatelocal.engine.gate import Gate
from gatelocal.engine.request import GateRequest
from gatelocal.errors import InputError
from gatelocal.jobs.devstack import profiles
from gatelocal.model.hold import Hold
from gatelocal.model.run import RunResult
from gatelocal.reporter import machine
from gatelocal.reporter.summary import summary
from gatelocal.source.worktree import uncommitted
from gatelocal.ui import messages
from gatelocal.ui.terminal import Terminal
from git_review.errors import ReviewError
from git_review.git.runner import Runner


class _Run(click.Command):
    """``--hold`` takes one of its own words or none: what else follows it is the change."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See :class:`click.Command`."""
        words = [one.value for one in Hold]
        for at, word in enumerate(args):
            if word == "--":
                break
            if word == "--hold" and args[at + 1 : at + 2] and args[at + 1] not in words:
                args = [*args[:at], f"--hold={Hold.FAILURE.value}", *args[at + 1 :]]
        return super().parse_args(ctx, args)


@click.command(
    cls=_Run,
    epilog=examples(
        "gatelocal run                                # HEAD, with all that it depends on",
        "gatelocal run 1234 --job unit --node nspawn  # one job of a change on the server",
        "gatelocal run --hold=always --junit result.xml",
        "gatelocal run --test tests/test_api.py       # only these tests of the job that has them",
        "gatelocal run --failed                       # what failed in the last run here",
        "gatelocal run --trunk                        # does that fail without the change, too?",
    ),
)
@click.argument("change", default="HEAD")
@click.option("-j", "--job", "jobs", multiple=True, metavar="NAME", help="Run only this job; may be repeated.")
@click.option("--pipeline", metavar="NAME", help="Whose jobs: by default gate, or check when there is no gate.")
@click.option(
    "--profile",
    type=click.Choice(list(profiles.PROFILES)),
    help="In the place of the project's jobs: devstack with these services, and their tests of tempest.",
)
@click.option(
    "--node",
    type=click.Choice(["auto", "qemu", "nspawn", "static", "openstack", "local"]),
    default="auto",
    help="What the jobs run on: a virtual machine, a container, hosts of yours, a cloud, this machine, unisolated.",
)
@click.option("--branch", metavar="NAME", help="Target branch of a local commit; by default that of .gitreview.")
@of_configuration
@GERRIT
@click.option(
    "--hold",
    type=click.Choice([one.value for one in Hold]),
    is_flag=False,
    flag_value=Hold.FAILURE.value,
    help="Keep the node of the first job that fails (always: else of the last one), and say how to enter it. --hold"
    " alone means failure. By default: failure in a terminal, else never.",
)
@click.option("--key", metavar="FILE|gerrit:USER", help="Let the owner of that public key in to the node that is kept.")
@click.option(
    "-w",
    "--width",
    type=click.IntRange(1),
    metavar="N",
    help="Builds at the same time; by default what this host carries.",
)
@click.option(
    "--ahead",
    multiple=True,
    metavar="CHANGE,...",
    help="Changes that are queued in front and merged first; write a patchset as NUMBER/PATCHSET.",
)
@click.option(
    "--resume",
    is_flag=False,
    flag_value="",
    metavar="[RUN]",
    help="Go on with a run that was killed: the latest one of this folder, or RUN (the beginning of its name will do).",
)
@click.option(
    "--failed", is_flag=True, help="Only the jobs that failed in the last run here, and of them the failed tests."
)
@click.option(
    "--trunk",
    is_flag=True,
    help="The same on the branch without the change: does it fail there, too? Later opinions count it.",
)
@click.option(
    "--test",
    metavar="NAME",
    help="Only this test of one job, or all of its class or module: of --job, else of the job that had it here.",
)
@click.option("--fail-fast", is_flag=True, help="The first voting job that fails ends the others.")
@click.option("--cold", is_flag=True, help="Begin nothing with what an earlier run left, such as a stack that stands.")
@click.option("--list", "listing", is_flag=True, help="Say what would run, and run nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object on standard output.")
@click.option("--json-events", is_flag=True, help="Print all that happens on standard output, one JSON object a line.")
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), help="Write the result as JUnit XML too.")
@click.option(
    "--html", type=click.Path(path_type=Path, dir_okay=False), help="Write the result as a page for a browser too."
)
@click.option("-q", "--quiet", is_flag=True, help="Do not show the jobs' own output; it is in the logs.")
@click.pass_context
def run(
    context: click.Context,
    /,
    *,
    resume: str | None,
    ahead: Sequence[str],
    hold: str | None,
    key: str | None,
    **question: Any,
) -> int:
    """Take a change, with everything it depends on, to a verdict on this machine.

    CHANGE is a commit of the work tree (HEAD by default), or a change on the server: a number, NUMBER,PATCHSET, a URL
    or a Change-Id. A commit that its branch has already stands for the branch's tip.

    Exit codes: 0 passes, 1 fails, 2 bad input, 4 conflict, 5 configuration, 6 machinery, 7 incomplete (what ran has
    passed, but not every voting job could be run here), 130 interrupted.
    """
    terminal = Terminal(sys.stderr)
    flags = ("as_json", "json_events", "quiet", "failed", "trunk", "listing")
    as_json, json_events, quiet, failed, trunk, listing = (question.pop(name) for name in flags)
    junit, html, test = question.pop("junit"), question.pop("html"), question.pop("test")
    if as_json and json_events:
        raise InputError("--json and --json-events both write to standard output", hint="choose one of them")
    for file in filter(None, (junit, html)):
        require_folder(file)
    question |= _of_profile(question.pop("profile"), question, listing=listing)
    names = tuple(name.strip() for one in ahead for name in one.split(",") if name.strip())
    request = GateRequest(directory=Path.cwd(), ahead=names, hold=_hold(hold), **question)
    if key is not None:
        request = replace(request, keys=_keys(key, request))
    request = _kept_to(context, request, test, (failed, trunk))
    if listing:
        return _list(request, terminal, as_json=as_json)
    if resume is not None:
        _refuse_others(context)
    elif not place.on_server(request.change, request.directory):
        warn_of_edits(terminal)
    with shown(terminal, quiet=quiet, events=json_events) as watch:
        gate = Gate(directories(os.environ), os.environ, watch)
        result = gate.run(request) if resume is None else gate.resume(resume, request.directory)
    if as_json:
        click.echo(json.dumps(machine.as_json(result), indent=2))
    elif not json_events:
        for line in ["", *(_compared(request, result) if trunk else ()), *summary(result)]:
            click.echo(line)
    _write(result, junit, html)
    return result.verdict.exit_code


def _kept_to(context: click.Context, request: GateRequest, test: str | None, past: tuple[bool, bool]) -> GateRequest:
    """The request, of some tests only where that is wanted. :param past: whether --failed, and --trunk, was said.

    :raises InputError: nothing has failed here, no run has had such a test, or two of these were said.
    """
    failed, trunk = past
    folders = directories(os.environ)
    if test is not None:
        if failed or trunk or len(request.jobs) > 1:
            raise InputError(messages.TEST_ALONE)
        from gatelocal.engine import recorded

        meant = recorded.find(folders, request.directory, test, next(iter(request.jobs), ""), "")
        return replace(request, jobs=(meant.job,), only={meant.job: meant.tests}, part=True)
    if not (failed or trunk):
        return request
    from gatelocal.cli import again

    jobs, only = again.failed(folders, request.directory, request.jobs)
    request = replace(request, jobs=jobs, only=only, part=True)
    if not trunk:
        return request
    if context.get_parameter_source("change") is ParameterSource.COMMANDLINE or request.ahead:
        raise InputError(messages.TRUNK_ALONE)
    commit, branch = again.base(folders, request.directory)
    return replace(request, change=commit, branch=request.branch or branch)


def _compared(request: GateRequest, result: RunResult) -> Iterator[str]:
    """What the tests that failed with the change have done without it, as far as they ran."""
    for build in result.builds:
        outcomes = {test.name: test.failed for test in build.tests}
        for test in request.only.get(build.job, ()):
            known = outcomes.get(test)
            yield (
                messages.not_on_trunk(build.job, test)
                if known is None
                else messages.on_trunk(build.job, test, fails=known)
            )
    yield ""


def _write(result: RunResult, junit: Path | None, html: Path | None) -> None:
    """The files that were asked for."""
    if junit is not None:
        junit.write_bytes(machine.as_junit(result))
    if html is not None:
        from gatelocal.cli import page
        from gatelocal.engine.past import past

        page.write(html, past(Path(result.logs)))


def _list(request: GateRequest, terminal: Terminal, *, as_json: bool) -> int:
    """The plan of a run, with the tests that it is kept to. :raises InputError: the plan knows less than the run."""
    from gatelocal.cli import plan
    from gatelocal.engine.subject import PlanRequest

    if request.ahead:
        raise InputError(messages.LIST_WITHOUT_AHEAD)
    asked = PlanRequest(
        change=request.change,
        config=request.config,
        tenant=request.tenant,
        branch=request.branch,
        pipeline=request.pipeline,
        directory=request.directory,
        gerrit=request.gerrit,
    )
    plan.tell(asked, request.jobs, terminal.say, as_object=as_json)
    for job, tests in request.only.items() if not as_json else ():
        for test in tests:
            click.echo(messages.only_test(job, test))
    return 0


def _of_profile(profile: str | None, question: Mapping[str, Any], *, listing: bool) -> dict[str, Any]:
    """What a profile says of the question. :raises InputError: something else says the same."""
    if profile is None:
        return {}
    if question["jobs"] or question["pipeline"] or listing:
        raise InputError(messages.PROFILE_ALONE)
    return {"pipeline": profiles.PIPELINE, "jobs": (profiles.job_name(profile),)}


def _hold(said: str | None) -> Hold:
    """Which node is kept where nobody says it: whoever sits at a terminal may want to look at what has failed."""
    if said is not None:
        return Hold(said)
    return Hold.FAILURE if sys.stdin.isatty() and sys.stderr.isatty() else Hold.NEVER


def _keys(key: str, request: GateRequest) -> tuple[str, ...]:
    """:raises InputError: nobody can be let in, or there is no such key."""
    from gatelocal.engine import keys

    if request.hold is Hold.NEVER:
        raise InputError(messages.KEY_WITHOUT_HOLD, hint="add --hold")
    if request.node == "local":
        raise InputError(
            messages.KEY_WITHOUT_SSH, hint="take --node qemu or nspawn, or have them log in to this machine"
        )
    return keys.read(key, request, os.environ)


def _refuse_others(context: click.Context) -> None:
    """:raises InputError: something else than how to show the result was asked for beside --resume."""
    for name in context.params.keys() - {"resume", "as_json", "json_events", "junit", "html", "quiet"}:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise InputError(
                "--resume goes on with what was asked then", hint=f"leave out {name.replace('jobs', '--job')}"
            )


def warn_of_edits(terminal: Terminal) -> None:
    """Say that edits which are not committed are no part of what is tested, where there are any."""
    try:
        dirty = uncommitted(Runner())
    except ReviewError:
        return
    if dirty:
        terminal.say(messages.UNCOMMITTED)
