"""Where Zuul configuration lies and what stands in it, on real trees and real commits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gatelocal.config.files import Files, files_of_commit, files_of_tree
from gatelocal.config.yaml_values import NotYaml, Reading, root_of, value_of
from gatelocal.config.zuul_files import is_zuul_file, load, unused
from gatelocal.config.zuul_yaml import parse, parse_all
from gatelocal.errors import CONFIGURATION, ConfigurationError
from gatelocal.model.stanza import Tagged
from git_review.git.runner import Runner

JOB = "- job:\n    name: {}\n"


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


@pytest.fixture(params=["tree", "commit"])
def reader(request: pytest.FixtureRequest, tmp_path: Path):
    """The same files, read from a work tree or from a commit."""

    def read(files: dict[str, str]) -> Files:
        write(tmp_path, files)
        if request.param == "tree":
            return files_of_tree(tmp_path)
        git = Runner(tmp_path, alone=True)
        git.run("init", "-q", ".")
        git.run("add", "--all")
        git.run("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "files")
        for path in files:
            (tmp_path / path).unlink()
        return files_of_commit(tmp_path, "HEAD")

    return read


@pytest.mark.parametrize(
    ("files", "names"),
    [
        ({"zuul.yaml": JOB.format("a"), ".zuul.yaml": JOB.format("b")}, ["a"]),
        (
            {"zuul.d/b.yaml": JOB.format("b"), "zuul.d/a.yaml": JOB.format("a"), ".zuul.yaml": JOB.format("c")},
            ["a", "b"],
        ),
        ({".zuul.d/x/a.yaml": JOB.format("a"), ".zuul.d/b.txt": "no", ".zuul.d/c.yaml": JOB.format("c")}, ["c", "a"]),
        (
            {".zuul.d/a.yaml": JOB.format("a"), ".zuul.d/x/.zuul.ignore": "", ".zuul.d/x/b.yaml": JOB.format("b")},
            ["a"],
        ),
        ({".zuul.yaml": "", "README": ""}, []),
    ],
)
def test_the_first_place_that_is_there_is_the_whole_configuration(reader, files, names) -> None:
    assert [stanza.name for stanza in load(reader(files))] == names


def test_no_configuration_is_a_configuration_error_with_a_hint(reader) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(reader({"README": ""}))
    assert caught.value.exit_code == CONFIGURATION
    assert ".zuul.yaml" in caught.value.details and "gatelocal init" in caught.value.hint


def test_a_link_out_of_the_tree_is_not_followed(tmp_path: Path) -> None:
    write(tmp_path, {"outside.yaml": JOB.format("secret"), "repo/README": ""})
    (tmp_path / "repo/.zuul.yaml").symlink_to(tmp_path / "outside.yaml")
    with pytest.raises(ConfigurationError, match="no configuration in"):
        load(files_of_tree(tmp_path / "repo"))


def test_lines_anchors_and_tags_survive() -> None:
    text = (
        "# a comment\n"
        "- job:\n    name: one\n    files: &files\n      - ^a$\n"
        "- job:\n    name: two\n    files: *files\n    required-projects: !override [x]\n"
        "    vars: {raw: !unsafe '{{ x }}'}\n"
        "- secret:\n    name: s\n    data: {p: !encrypted/pkcs1-oaep [abc]}\n"
        "- project:\n    check: {jobs: [one]}\n"
    )
    one, two, secret, project = parse(text, "zuul.d/a.yaml")
    assert (one.place, two.place, project.name) == ("zuul.d/a.yaml:2", "zuul.d/a.yaml:6", "")
    assert two.body["files"] == one.body["files"] == ["^a$"]
    assert two.body["required-projects"] == Tagged("!override", ["x"])
    assert two.body["vars"] == {"raw": Tagged("!unsafe", "{{ x }}")}
    (hidden,) = secret.body["data"].values()
    assert hidden.tag == "!encrypted/pkcs1-oaep"
    assert "abc" not in hidden.value
    again = parse("- secret: {name: s, data: {p: !encrypted/pkcs1-oaep [abc], q: !encrypted/pkcs1-oaep [abd]}}", "b")
    assert again[0].body["data"]["p"] == hidden != again[0].body["data"]["q"]


BOMB = "- job: {name: b, a: &a0 [1,2,3,4,5,6,7,8]}\n" + "".join(
    f"- job: {{name: b, a: &a{n + 1} [{','.join([f'*a{n}'] * 9)}]}}\n" for n in range(9)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- job:\n    name: x\n   y: 1\n", r"f:3: not YAML"),
        ("- job: [", r"f:2: not YAML"),
        ("- job: {name: x}\n- job: \x00", r"f:2: not YAML"),
        ("job: {name: x}", r"f:1: is not a list"),
        ("- job: {name: x}\n- jobb: {name: x}", r"f:2: there is no kind of stanza named 'jobb'"),
        ("- job: {parent: tox}", r"f:1: the job has no name"),
        ("- job: [1]", r"f:1: the job is not a mapping"),
        ("- job: {name: x, vars: {!override [1]: 2}}", r"f:1: the name of a value is a list"),
        ("- job: {name: x, run: !!python/object/apply:os.getcwd []}", r"f:1: not YAML"),
        ("- job:\n    name: &a [*a]\n", r"f:2: an alias contains itself"),
        ("[" * 5000, "nested too deeply"),
        (BOMB, "aliases unfold"),
        ("x" * 2_000_001, "too large"),
    ],
)
def test_a_bad_file_is_an_error_with_file_and_line(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        parse(text, "f")


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        ("- job: {name: a, vars: &x {}}\n- job: {name: b, vars: &x {}}\n", 2, "anchor &x is on line 1 already", "name"),
        ("- job:\n\tname: a\n", 2, "a tab stands", "spaces"),
        ("- job:\n    name: a\n\tparent: b\n", 3, "a tab stands", "spaces"),
        ("- job: {name: a}\n---\n- job: {name: b}\n", 2, "a second document begins", "`---`"),
        ("- job:\n    name: @a\n", 2, "no value can begin with '@'", "quote"),
        ("- job: {name: a\n- job: {name: b}\n", 2, "not YAML", "indentation"),
        ("- job: {name: a}\n- job: *x\n", 2, "there is no anchor for *x", "&x"),
        ("- job: {name: a}\n" + "- " * 5000 + "x\n", 2, "nested too deeply", ""),
        ("x" * 2_000_001, 0, "too large", ""),
    ],
)
def test_what_is_no_yaml_is_told_with_what_to_do(text: str, line: int, message: str, hint: str) -> None:
    _, (fault,) = parse_all(text, "f")
    assert (fault.line, message in fault.message, hint in fault.hint) == (line, True, True), fault


@pytest.mark.parametrize("levels", [102, 999, 1000, 1001, 5000, 200_000])
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(lambda levels: "[" * levels + "]" * levels, id="brackets"),
        pytest.param(lambda levels: "[" * levels, id="open brackets"),
        pytest.param(lambda levels: "{a: " * levels + "}" * levels, id="braces"),
        pytest.param(lambda levels: "- " * levels, id="dashes"),
        pytest.param(lambda levels: "\n".join(" " * n + "a:" for n in range(min(levels, 1200))), id="names"),
    ],
)
def test_what_is_nested_too_deeply_is_told_in_our_own_words(text: Callable[[int], str], levels: int) -> None:
    """Whatever a version of PyYAML or libyaml says, or does not say, at that depth."""
    with pytest.raises(NotYaml, match="more than 100 levels"):
        root_of(text(levels))


@pytest.mark.parametrize(
    "text", ["[" * 100 + "]" * 100, "- " * 100 + "x", "{a: " * 100 + "}" * 100, "- '" + "[" * 5000 + "'"]
)
def test_what_is_not_so_deep_is_read(text: str) -> None:
    root = root_of(text)
    assert root is not None
    value_of(root, Reading())


def test_the_hundred_and_first_list_is_one_too_many() -> None:
    with pytest.raises(NotYaml, match="nested too deeply"):
        root_of("[" * 101 + "]" * 101)


def test_aliases_nest_as_if_their_values_stood_there() -> None:
    def chain(links: int, way: str) -> str:
        return "- &a0 {x: 1}\n" + "".join(f"- &a{n} {way.format(n - 1)}\n" for n in range(1, links))

    for way in ("[*a{}]", "{{y: *a{}}}", "{{<<: *a{}}}"):
        assert root_of(chain(90, way)) is not None
        with pytest.raises(NotYaml, match="nested too deeply") as caught:
            root_of(chain(900, way))
        assert caught.value.line == 101


def test_which_paths_are_configuration() -> None:
    assert [is_zuul_file(p) for p in (".zuul.yaml", "zuul.d/a/b.yaml", "doc/zuul.yaml")] == [True, True, False]


def test_a_gatelocal_yaml_counts_where_there_is_no_zuul_file_and_is_told_as_unused_where_there_is(reader) -> None:
    files = reader({"gatelocal.yaml": "jobs:\n  unit: make check\n"})
    assert [(one.kind, one.name, one.place) for one in load(files)] == [
        ("job", "unit", "gatelocal.yaml:2"),
        ("project", "", "gatelocal.yaml:1"),
    ]
    assert unused(files, load(files)) == ()


def test_a_gatelocal_yaml_beside_zuuls_files_is_told_as_unused(reader) -> None:
    files = reader({"gatelocal.yaml": "jobs: wrong\n", "zuul.d/a.yaml": JOB.format("a")})
    assert [one.name for one in load(files)] == ["a"]
    assert unused(files, load(files)) == ("gatelocal.yaml is not used: Zuul's configuration counts",)
