"""A log file leads to the state that the gate was in (that every log in memory does is seen in tests/scenario)."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatelocal.engine.replay import replay_file
from gatelocal.pipeline.state import State
from gatelocal.sim.runner import play
from gatelocal.sim.scenario import read
from gatelocal.store import log
from gatelocal.store.codec import FORMAT, FormatError, Layouts, encode, to_text

SCENARIOS = Path(__file__).parents[2] / "scenario"
FILES = sorted(path for path in SCENARIOS.rglob("*.yaml") if "layouts" not in path.parts)


def as_text(state: State) -> str:
    return to_text(encode(state, Layouts()))


@pytest.mark.live
def test_the_log_of_a_scenario_leads_to_its_state(tmp_path: Path) -> None:
    path = tmp_path / "gate.log"
    wrong = []
    for file in FILES[::4]:
        game = play(read(file), keep_log=True)
        log.write(path, game.store.first, game.store.log)
        if as_text(replay_file(path)) != as_text(game.state):
            wrong.append(file.name)
    assert len(FILES) >= 19
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no log of this version"),
        ('{"gatelocal-log":99}\n', "no log of this version"),
        ('{"gatelocal-log":NOW}\n', "no state to begin with"),
        ('{"gatelocal-log":NOW}\n{"event":{}}\n', "no state to begin with"),
        ('{"gatelocal-log":NOW}\n{"tea":{}}\n', "neither layout nor state nor event"),
        ('{"gatelocal-log":NOW}\n{"state":\n', "is no JSON"),
    ],
)
def test_a_file_that_is_no_log_is_refused(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "gate.log"
    path.write_text(text.replace("NOW", str(FORMAT)))
    with pytest.raises(FormatError, match=words):
        replay_file(path)


def test_only_its_owner_can_read_a_log(tmp_path: Path) -> None:
    game = play(read(FILES[0]), keep_log=True)
    log.write(tmp_path / "gate.log", game.store.first, game.store.log)
    assert (tmp_path / "gate.log").stat().st_mode & 0o077 == 0
