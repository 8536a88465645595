"""Completion and manuals of gatelocal know exactly the verbs and options that the commands have."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from gatelocal.cli.main import gatelocal
from tools.shells import PAGE, ROOT, all_of, files, page, verb

TOP = verb()
VERBS = [each for each in all_of(TOP) if each is not TOP]


def commands(
    command: click.Command = gatelocal, words: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """All commands as click has them, without the help of what is tested."""
    yield words, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from commands(below, (*words, name))


COMMANDS = dict(commands())


def options(words: tuple[str, ...]) -> set[str]:
    own = (one for one in COMMANDS[words].params if isinstance(one, click.Option))
    return {name for one in own for name in (*one.opts, *one.secondary_opts)} | {"-h", "--help"}


@pytest.mark.parametrize("name", sorted(files()))
def test_what_is_made_of_the_commands_is_up_to_date(name: str) -> None:
    """To be renewed with: python -m tools.shells"""
    assert (ROOT / name).read_text() == files()[name]


def test_the_table_has_every_verb_and_option_and_no_other() -> None:
    text = (ROOT / "doc/source/gatelocal-verbs.inc").read_text()
    sections = dict(
        re.findall(r"^``gatelocal ([a-z ]+?)(?: [A-Z\[][^\n]*)?``\n-+\n(.*?)(?=^``gatelocal |\Z)", text, re.M | re.S)
    )
    assert set(sections) == {" ".join(words) for words in COMMANDS if words}
    for words, body in sections.items():
        named = re.findall(r"^``-.*$", body, re.MULTILINE)
        assert {name for line in named for name in re.findall(r"``(-[^ `]+)", line)} == options(tuple(words.split()))


def test_the_manual_page_has_every_verb_and_option_and_no_other() -> None:
    text = (ROOT / PAGE).read_text().replace("\\-", "-")
    text = re.sub(r"\\f[A-Z]|\\f\([A-Z]{2}", "", text).partition(".SH Verbs\n")[2].partition("\n.SH ")[0]
    sections = dict(re.findall(r"^\.SS gatelocal ([a-z ]+?)(?: [A-Z\[][^\n]*)?\n(.*?)(?=^\.SS |\Z)", text, re.M | re.S))
    assert set(sections) == {" ".join(words) for words in COMMANDS if words}
    for words, body in sections.items():
        terms = re.findall(r"^\.TP\n\.B (-.*)$", body, re.MULTILINE)
        named = {one.split()[0] for line in terms for one in line.split(", ")}
        assert named == options(tuple(words.split())), words


@pytest.mark.live  # more than a moment
def test_the_manual_page_is_made_of_its_source() -> None:
    """To be renewed with: python -m tools.shells"""
    pytest.importorskip("docutils", reason="the extra `docs` has it; tools/test installs it")

    def body(text: str) -> str:
        return text.partition(".SH Name")[2]

    assert body((ROOT / PAGE).read_text()) == body(page())


@pytest.mark.parametrize("name", [PAGE, *(name for name in files() if name.startswith("share/"))])
def test_it_is_installed(name: str) -> None:
    assert f"    {name.rpartition('/')[0]} = {name}\n" in (ROOT / "setup.cfg").read_text()


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("sim", {"simulate"}),
        ("sandbox st", {"status"}),
        ("sandbox status --e", {"--environment"}),
        ("run --node ns", {"nspawn"}),
        ("run --node nspawn --ho", {"--hold"}),
        ("run -j unit HE", {"HEAD"}),
        ("replay --until w", {"workspace"}),
        ("run --branch list --ju", {"--junit"}),
        ("run --pipeline ''", set()),
    ],
)
@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_completion_completes(shell: str, line: str, wanted: set[str], tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    made = {
        "bash": "share/bash-completion/completions/gatelocal",
        "fish": "share/fish/vendor_completions.d/gatelocal.fish",
    }
    words = ["gatelocal", *shlex.split(line)]
    if shell == "bash":
        given = shlex.join(words)
        code = f'source "$1"; COMP_WORDS=({given}); COMP_CWORD={len(words) - 1}; _gatelocal'
        code += '; printf "%s\\n" "${COMPREPLY[@]}"'
        argv = ["bash", "-c", code, "bash", str(ROOT / made[shell])]
    else:
        argv = ["fish", "--no-config", "-c", f'source {ROOT / made[shell]}; complete -C "{" ".join(words)}"']
    said = subprocess.run(
        argv,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )
    assert {each.partition("\t")[0] for each in said.stdout.splitlines() if each} == wanted, said.stderr


@pytest.mark.parametrize("name", [name for name in files() if name.startswith("share/")])
def test_a_shell_can_read_it(name: str) -> None:
    shell = {"gatelocal": "bash", "_gatelocal": "zsh", "gatelocal.fish": "fish"}[name.rpartition("/")[2]]
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    assert subprocess.run([shell, "-n", str(ROOT / name)], check=False, capture_output=True).stderr == b""


def examples(command: click.Command) -> list[str]:
    _, _, text = (command.epilog or "").partition("Examples:\n")
    return [line.split("  #")[0].strip() for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize("words", list(COMMANDS), ids=" ".join)
def test_each_verb_has_an_example_and_its_options_exist(words: tuple[str, ...]) -> None:
    own = examples(COMMANDS[words])
    assert own, f"gatelocal {' '.join(words)} --help has no example"
    assert all(one.split()[: len(words) + 1] == ["gatelocal", *words] for one in own)
    for one in own:
        said = shlex.split(one)[1:]
        here: tuple[str, ...] = ()
        while said and (*here, said[0]) in COMMANDS:
            here = (*here, said.pop(0))
        command = COMMANDS[here]
        context = click.Context(command, help_option_names=["-h", "--help"])
        values, rest, _ = command.make_parser(context).parse_args(args=said)
        assert not rest, one
        for parameter in command.params:
            given = values.get(parameter.name)
            assert not (parameter.required and given is None), f"{one}: {parameter.name} is missing"
            if isinstance(parameter.type, click.Choice) and given is not None:
                assert given in parameter.type.choices, one
