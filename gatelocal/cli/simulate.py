"""`gatelocal simulate`: scenarios, random worlds and loads on the gate's own engine, in a world that is not real."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from gatelocal.cli.load import play_load
from gatelocal.cli.options import examples
from gatelocal.model.text import visible
from gatelocal.pipeline.policies import policy_of
from gatelocal.sim import output
from gatelocal.sim.chance import search_all
from gatelocal.sim.lined import ScenarioError
from gatelocal.sim.runner import play
from gatelocal.sim.scenario import Scenario, read
from gatelocal.sim.shrink import as_file, shrunk

HELD, NOT_HELD, NOT_UNDERSTOOD = 0, 1, 2


@click.command(
    epilog=examples(
        "gatelocal simulate story.yaml --policy default",
        "gatelocal simulate --random 1000 --seed 7",
        "gatelocal simulate --load load.yaml --plot load.svg",
    )
)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per file, one on each line.")
@click.option("--policy", metavar="NAME", help="Take this policy (classic, default) instead of the file's.")
@click.option("--random", "number", type=click.IntRange(1), metavar="N", help="Play N random worlds instead of files.")
@click.option("--load", type=click.Path(path_type=Path), metavar="FILE", help="Play a statistical load instead.")
@click.option("--plot", type=click.Path(path_type=Path), metavar="FILE.svg", help="With --load: draw it, too.")
@click.option("--seed", default="0", metavar="S", help="Which random worlds: the same seed makes the same ones.")
def simulate(  # noqa: PLR0913 - one for each option
    *,
    files: tuple[Path, ...],
    as_json: bool,
    policy: str | None,
    number: int | None,
    seed: str,
    load: Path | None,
    plot: Path | None,
) -> int:
    """Run scenario files through the gate's engine on a virtual clock.

    With --random, worlds are made up and every invariant is checked after every event; a violation is printed as the
    smallest scenario file that shows it.

    With --load, changes come at random as the file says, under several policies side by side; a table tells how long
    they wait and what they cost.

    Exit codes: 0 every scenario is ok, 1 some are not, 2 a file could not be understood or a step not be carried out.
    """
    if plot is not None and load is None:
        raise click.UsageError("--plot goes with --load")
    if load is not None:
        if files or number is not None:
            raise click.UsageError("--load goes without other files and without --random")
        return play_load(load, plot, _known_policy(policy), as_json=as_json)
    if number is not None:
        if files:
            raise click.UsageError("--random takes no files")
        return _random(number, seed, _known_policy(policy))
    if not files:
        raise click.UsageError("name at least one scenario file")
    _known_policy(policy)
    worst = HELD
    for path in files:
        code, result = _one(path, policy, as_json)
        worst = max(worst, code)
        for line in [json.dumps(result)] if as_json else _lines(path, result):
            click.echo(line if as_json else visible(line))
    return worst


def _known_policy(policy: str | None) -> str | None:
    """The name of a policy that there is. :raises gatelocal.errors.InputError: there is none."""
    if policy is not None:
        policy_of(policy)
    return policy


def _random(number: int, seed: str, policy: str | None) -> int:
    found = search_all(number, seed, policy)
    if found is None:
        click.echo(f"ok     {number} random worlds, seed {seed}: no violation")
        return HELD
    found = shrunk(found)
    click.echo(as_file(found), nl=False)
    for text in found.violations:
        click.echo(f"FAILED {text}", err=True)
    return NOT_HELD


def _one(path: Path, policy: str | None, in_full: bool) -> tuple[int, dict[str, Any]]:
    """The exit code and the result of one file; in full, all that is known of it."""
    name = str(path)
    try:
        scenario = read(path, policy)
        name = scenario.name
        _tell(path, scenario)
        game = play(scenario)
    except ScenarioError as error:
        return NOT_UNDERSTOOD, _error(name, path, error.line, error.message)
    except OSError as error:
        return NOT_UNDERSTOOD, _error(name, path, 1, f"it cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        return NOT_UNDERSTOOD, _error(name, path, 1, f"it is not UTF-8: {error.reason} at byte {error.start}")
    ok = not game.violations and not game.failed
    head = {
        "scenario": name,
        "ok": ok,
        "violations": game.violations,
        "failed_expectations": game.failed,
    }
    rest = {**output.whole(game.world, game.state), "looks": game.looks} if in_full else {}
    return (HELD if ok else NOT_HELD), {**head, **rest}


def _tell(path: Path, scenario: Scenario) -> None:
    """What of the layout was left out, and what of it is not followed; on standard error, for it is no result."""
    for what, found in (("left out", scenario.configuration.problems), ("inert", scenario.configuration.inert)):
        for one in found:
            where = str(path) if one.place.path == "layout" else one.place.path
            click.echo(visible(f"{where}:{one.place.line}: {what}: {one.message}"), err=True)


def _error(name: str, path: Path, line: int, message: str) -> dict[str, Any]:
    return {"scenario": name, "ok": False, "error": {"file": str(path), "line": line, "message": message}}


def _lines(path: Path, result: dict[str, Any]) -> list[str]:
    """What a person reads: one line, and the reasons for a scenario that failed."""
    if "error" in result:
        error = result["error"]
        return [f"error  {result['scenario']}", f"       {error['file']}:{error['line']}: {error['message']}"]
    word = "ok    " if result["ok"] else "FAILED"
    reasons = [*result["violations"], *result["failed_expectations"]]
    return [f"{word} {result['scenario']}", *(f"       {path}: {reason}" for reason in reasons)]
