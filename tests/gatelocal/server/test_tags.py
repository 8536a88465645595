"""Which tags are news, which pipelines they start, and what becomes of them when the daemon ends in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gatelocal.errors import InfrastructureError
from gatelocal.model.facts import Facts
from gatelocal.model.layout import Layout, Manager, Pipeline, Project, Trigger
from gatelocal.model.pattern import Pattern
from gatelocal.model.table import Table
from gatelocal.pipeline.state import State
from gatelocal.server.notes import Notes
from gatelocal.server.tags import Tags, pipelines_of


def triggers(*refs: str, manager: Manager = Manager.INDEPENDENT, **filters: tuple[Pattern, ...]) -> Pipeline:
    return Pipeline("it", manager, triggers=(Trigger(("ref-updated",), refs=tuple(map(Pattern, refs)), **filters),))


@pytest.mark.parametrize(
    ("pipeline", "is_started", "is_followed"),
    [
        (triggers("^refs/tags/.*$"), True, True),
        (triggers("^refs/tags/2"), False, True),
        (triggers("^refs/heads/.*$"), False, False),
        (triggers("^refs/heads/.*$", "^refs/tags/1"), True, True),
        (triggers("^refs/(heads|tags)/.*$"), True, True),
        (triggers("^refs/heads/x|^refs/tags/1"), True, True),
        (triggers(), True, True),
        (triggers(branches=(Pattern("^.*$"),)), False, False),
        (triggers(usernames=(Pattern("^releaser$"),)), False, False),
        (triggers("^refs/tags/.*$", manager=Manager.DEPENDENT), False, False),
        (Pipeline("it", Manager.INDEPENDENT, triggers=(Trigger(("patchset-created",)),)), False, False),
    ],
)
def test_which_pipelines_a_tag_starts(pipeline: Pipeline, is_started: bool, is_followed: bool) -> None:
    layout = Layout({"it": pipeline}, {}, {}, {})
    assert bool([*pipelines_of(layout, "refs/tags/1.0")]) is is_started
    assert bool([*pipelines_of(layout)]) is is_followed


@dataclass
class World:
    """A gate's memory, which ends between two steps when that is wanted."""

    folder: Path
    known: dict[str, Facts] = field(default_factory=dict)
    told: list[tuple[str, str, int, str]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    later: list[Callable[[], None]] = field(default_factory=list)

    def tags(self) -> Tags:
        pipelines = {name: Pipeline(name, Manager.INDEPENDENT, triggers=(on,)) for name, on in TRIGGERS.items()}
        projects = {"ex/p": Project("ex/p", frozenset(pipelines)), "ex/q": Project("ex/q", frozenset(("post",)))}
        layout = Layout(pipelines, projects, {}, {})
        return Tags(
            Notes(self.folder / "tags", "tags", self.said.append),
            lambda: State(layout, changes=Table(self.known)),
            self.later.append,
            self.enqueue,
            self.said.append,
        )

    def enqueue(self, pipeline: str, tag: Facts) -> None:
        self.known[tag.change] = tag
        self.told.append((pipeline, tag.branch, tag.patchset, tag.tip))

    def news(self, tags: Tags, **found: str) -> list[tuple[str, str, int, str]]:
        tags.take("ex/p", found)
        while self.later:
            self.later.pop(0)()
        told, self.told = self.told, []
        return told


TRIGGERS = {
    "release": Trigger(("ref-updated",), refs=(Pattern("^refs/tags/v"),)),
    "any": Trigger(("ref-updated",)),
    "post": Trigger(("ref-updated",), refs=(Pattern("^refs/heads/"),)),
}


def test_a_tag_is_put_in_once_and_another_one_of_the_same_name_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    tags = world.tags()
    assert tags.projects() == {"ex/p"}
    assert world.news(tags, v1="a", x="b") == [], "they were there before"
    assert world.news(tags, v1="a", x="b", v2="c") == [
        ("release", "refs/tags/v2", 1, "c"),
        ("any", "refs/tags/v2", 1, "c"),
    ]
    assert world.news(tags, v1="a", x="b", v2="c") == []
    assert world.news(tags, v1="a", x="d", v2="c") == [("any", "refs/tags/x", 1, "d")]
    assert world.news(world.tags(), v1="a", v2="e") == [
        ("release", "refs/tags/v2", 2, "e"),
        ("any", "refs/tags/v2", 2, "e"),
    ], "made while nobody was there"
    assert world.news(tags, v1="a") == []
    assert [one[1:] for one in world.news(tags, v1="a", v2="e")] == [("refs/tags/v2", 2, "e")] * 2, "made again"


def test_what_was_not_put_in_when_the_daemon_ended_is_news_to_the_next(tmp_path: Path) -> None:
    world = World(tmp_path)
    tags = world.tags()
    world.news(tags)
    tags.take("ex/p", {"v1": "a"})
    tags.take("ex/p", {"v1": "a"})
    assert len(world.later) == 1, "it waits for its turn"
    world.later.clear()
    told = world.news(world.tags(), v1="a")
    assert [one[0] for one in told] == ["release", "any"]
    assert world.news(world.tags(), v1="a") == []


def test_a_file_that_cannot_be_read_or_written_ends_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    tags = world.tags()
    world.news(tags)
    (file,) = (tmp_path / "tags").iterdir()
    file.write_text("{")
    assert world.news(world.tags(), v1="a") == []
    assert "the tags of ex/p are noted anew" in world.said[0]
    file.unlink()
    file.with_suffix(".new").mkdir()
    with pytest.raises(InfrastructureError, match="the tags of ex/p cannot be noted"):
        tags.take("ex/p", {})
    file.write_text("{}")
    assert len(world.news(tags, v1="a")) == 2
    assert "cannot be noted" in world.said[1]
    assert world.news(tags, v1="a") == [], "this daemon knows"
