"""Where each project goes in a person's workspace."""

from __future__ import annotations

import pytest

from gatelocal.errors import ConfigurationError, InputError
from gatelocal.workspace.destinations import Layout, destinations, rules

HOST = "review.example.org"
WIKI = {
    "clonemap": [
        {"name": "wiki/core", "dest": "."},
        {"name": r"wiki/extensions/(.*)", "dest": r"extensions/\1"},
        {"name": "^deep/(.+)/(.+)$", "dest": r"\2/\g<1>"},
    ]
}


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        (Layout.PLAIN, "openstack/nova"),
        (Layout.ZUUL, "src/review.example.org/openstack/nova"),
        (Layout.DEVSTACK, "nova"),
    ],
)
def test_layouts(layout: Layout, expected: str) -> None:
    assert destinations(["openstack/nova"], HOST, layout) == {"openstack/nova": expected}


def test_a_clone_map_goes_before_the_layout() -> None:
    projects = ["wiki/core", "wiki/extensions/Cite", "deep/a/b", "other/one", "wiki/core2"]
    assert destinations(projects, HOST, Layout.PLAIN, rules(WIKI, "map")) == {
        "wiki/core": ".",
        "wiki/extensions/Cite": "extensions/Cite",
        "deep/a/b": "b/a",
        "other/one": "other/one",
        "wiki/core2": "wiki/core2",
    }


def test_two_rules_for_one_project() -> None:
    both = rules({"clonemap": [{"name": "a/.*", "dest": "x"}, {"name": ".*/b", "dest": "y"}]}, "map")
    with pytest.raises(ConfigurationError, match=r"a/b fits two rules of the clone map: 'a/\.\*' and '\.\*/b'"):
        destinations(["a/b"], HOST, clone_map=both)
    assert destinations(["a/c", "z/b"], HOST, clone_map=both) == {"a/c": "x", "z/b": "y"}


def test_two_projects_with_one_destination() -> None:
    with pytest.raises(ConfigurationError, match="a/x and b/x would both go to x"):
        destinations(["a/x", "b/x"], HOST, Layout.DEVSTACK)
    with pytest.raises(ConfigurationError, match="a/x and b/x would both go to same"):
        destinations(["a/x", "b/x"], HOST, clone_map=rules({"clonemap": [{"name": ".*", "dest": "same/"}]}, "map"))


@pytest.mark.parametrize("dest", ["../out", "/etc", "a/../../b", ".git/hooks", "a\nb", r"\1/x"])
def test_nothing_leaves_the_workspace(dest: str) -> None:
    with pytest.raises(InputError):
        destinations(["x/.."], HOST, clone_map=rules({"clonemap": [{"name": "x/(.*)", "dest": dest}]}, "map"))
    with pytest.raises(InputError):
        destinations(["../y"], HOST)


@pytest.mark.parametrize(
    "data",
    [
        [],
        {},
        {"clonemap": {}},
        {"clonemap": ["x"]},
        {"clonemap": [{"name": "x"}]},
        {"clonemap": [{"name": "(", "dest": "x"}]},
    ],
)
def test_what_is_no_clone_map(data: object) -> None:
    with pytest.raises(InputError, match="map: "):
        rules(data, "map")


@pytest.mark.parametrize(
    ("name", "dest", "expected"),
    [
        (r"(.*)/(.*)", r"\2/\1", "b/a"),
        (r"(?P<org>.*)/(?P<name>.*)", r"\g<name>.\g<org>", "b.a"),
        (r"(a)/b|(x)", r"z/\1\2", "z/a"),
        (r"a/(.*)", r"é/\g<0>/\\\1", r"é/a/b/\b"),
    ],
)
def test_what_a_template_may_say(name: str, dest: str, expected: str) -> None:
    clone_map = rules({"clonemap": [{"name": name, "dest": dest}]}, "map")
    assert destinations(["a/b"], HOST, clone_map=clone_map) == {"a/b": expected}


@pytest.mark.parametrize(
    ("dest", "said"),
    [(r"\2", "no group 2"), (r"\g<y>", "no group y"), (r"a\q", r"bad escape \\q"), ("a\\", "bad escape")],
)
def test_a_template_that_refers_to_nothing(dest: str, said: str) -> None:
    with pytest.raises(InputError, match=f"is no destination: .*{said}"):
        destinations(["x"], HOST, clone_map=rules({"clonemap": [{"name": "(x)", "dest": dest}]}, "map"))


def test_no_pattern_takes_for_ever() -> None:
    clone_map = rules({"clonemap": [{"name": "(([a-z/-]+)+)+!", "dest": "x"}]}, "map")
    assert destinations(["openstack/" + "a" * 200], HOST, clone_map=clone_map)


@pytest.mark.parametrize("name", ["a(?!b)", r"(a)\1", "a++", "(?<=a)b", "x" * 20_000])
def test_what_re2_cannot_do_is_told(name: str) -> None:
    with pytest.raises(InputError, match="map: item 1: `name` is not a regular expression") as caught:
        rules({"clonemap": [{"name": name, "dest": "x"}]}, "map")
    assert "lookahead" in caught.value.hint
