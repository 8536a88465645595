"""What shells and manuals are told of `gatelocal`, made of the commands themselves.

    python -m tools.shells      writes the completions in share/, the tables in doc/source/*.inc and the page in man1

The manual page needs docutils, which the extra `docs` brings; without it everything else is written.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from gatelocal.cli.main import gatelocal

ROOT = Path(__file__).parents[1]
PAGE, PAGE_OF = "share/man/man1/gatelocal.1", "doc/source/gatelocal.rst"
_COMMITS = "CHANGE"


@dataclass(frozen=True, slots=True)
class Flag:
    """An option. :ivar value: what it takes, for people; empty when it takes nothing."""

    names: tuple[str, ...]
    value: str
    choices: tuple[str, ...]
    path: bool
    text: str


@dataclass(frozen=True, slots=True)
class Verb:
    """A command. :ivar words: how it is called. :ivar arguments: (name, choices, is it a path) of each."""

    words: tuple[str, ...]
    text: str
    flags: tuple[Flag, ...]
    arguments: tuple[tuple[str, tuple[str, ...], bool], ...]
    verbs: tuple[Verb, ...]

    @property
    def usage(self) -> str:
        """The words and what stands behind them, but for the options."""
        return " ".join((*self.words, *(name for name, _, _ in self.arguments)))


def verb(command: click.Command = gatelocal, words: tuple[str, ...] = ("gatelocal",)) -> Verb:
    """The command with all below it."""
    context = click.Context(command, info_name=words[-1], help_option_names=["-h", "--help"])
    known = command.get_params(context)
    below: tuple[Verb, ...] = ()
    if isinstance(command, click.Group):
        found = ((name, command.get_command(context, name)) for name in command.list_commands(context))
        below = tuple(verb(each, (*words, name)) for name, each in found if each is not None)
    return Verb(
        words,
        command.get_short_help_str(200),
        tuple(_flag(each, context) for each in known if isinstance(each, click.Option)),
        tuple(_argument(each, context) for each in known if isinstance(each, click.Argument)),
        below,
    )


def all_of(top: Verb) -> Iterator[Verb]:
    """It and all below it."""
    yield top
    for each in top.verbs:
        yield from all_of(each)


def _flag(option: click.Option, context: click.Context) -> Flag:
    takes = "" if option.is_flag or option.count else option.make_metavar(context)
    text = " ".join((option.help or "").split()).partition("  [")[0]
    names = tuple(sorted(option.opts, key=len))
    return Flag(names, takes, _choices(option), isinstance(option.type, click.Path), text)


def _argument(argument: click.Argument, context: click.Context) -> tuple[str, tuple[str, ...], bool]:
    return argument.make_metavar(context), _choices(argument), isinstance(argument.type, click.Path)


def _choices(parameter: click.Parameter) -> tuple[str, ...]:
    return tuple(map(str, parameter.type.choices)) if isinstance(parameter.type, click.Choice) else ()


# ---- bash

_BASH = """\
# bash completion for gatelocal; made by tools/shells.py
_gatelocal() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} verb="" each
    for each in "${{COMP_WORDS[@]:1:COMP_CWORD - 1}}"; do
        case "$verb $each" in
        {verbs}) verb="$verb $each" ;;
        esac
        verb=${{verb# }}
    done
    COMPREPLY=()
    case "$verb $before" in
{values}
    esac
    case "$verb" in
{offers}
    esac
}}
_gatelocal_words() {{
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$word")
}}
_gatelocal_files() {{
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
}}
_gatelocal_commits() {{
    _gatelocal_words "HEAD $(git for-each-ref --format='%(refname:short)' refs/heads 2>/dev/null)"
}}
complete -F _gatelocal gatelocal
"""


def bash(top: Verb) -> str:
    """What bash reads."""
    known = [" ".join(each.words[1:-1]) + " " + each.words[-1] for each in all_of(top) if each is not top]
    return _BASH.format(
        verbs=" | ".join(f'"{each}"' for each in known),
        values="\n".join(line for each in all_of(top) for line in _bash_values(each)),
        offers="\n".join(f'    "{" ".join(each.words[1:])}") {_bash_offer(each)} ;;' for each in all_of(top)),
    )


def _bash_values(each: Verb) -> Iterator[str]:
    for flag in each.flags:
        if flag.value:
            patterns = " | ".join(f'"{" ".join(each.words[1:])} {name}"' for name in flag.names)
            yield f"    {patterns}) {_bash_words(flag.choices, flag.path)}return ;;"


def _bash_words(choices: tuple[str, ...], path: bool) -> str:
    if choices:
        return f'_gatelocal_words "{" ".join(choices)}"; '
    return "_gatelocal_files; " if path else ""


def _bash_offer(each: Verb) -> str:
    flags = " ".join(name for flag in each.flags for name in flag.names)
    found = [_bash_words(tuple(one.words[-1] for one in each.verbs), path=False)] if each.verbs else []
    for name, choices, path in each.arguments:
        found.append("_gatelocal_commits; " if _COMMITS in name else _bash_words(choices, path))
    plain = next((one for one in reversed(found) if one), "")
    rest = f" *) {plain.removesuffix('; ')} ;;" if plain else ""
    return f'case $word in -*) _gatelocal_words "{flags}" ;;{rest} esac'


# ---- zsh

_ZSH = """\
#compdef gatelocal
# zsh completion for gatelocal; made by tools/shells.py
_gatelocal_commits() {{
    local -a commits
    commits=(HEAD ${{(f)"$(git for-each-ref --format='%(refname:short)' refs/heads 2>/dev/null)"}})
    _describe commit commits
}}
{functions}
_gatelocal "$@"
"""


def zsh(top: Verb) -> str:
    """What zsh reads."""
    return _ZSH.format(functions="\n".join(_zsh_function(each) for each in all_of(top)))


def _zsh_function(each: Verb) -> str:
    lines = [line for flag in each.flags for line in _zsh_flag(flag)]
    name = "_".join(("", *each.words))
    if not each.verbs:
        lines += [f"'{_zsh_argument(one)}'" for one in each.arguments]
        return f"{name}() {{\n    _arguments -s " + " \\\n        ".join(lines) + "\n}"
    described = "\n".join(f"        '{one.words[-1]}:{_quiet(one.text)}'" for one in each.verbs)
    called = "\n".join(f"        {one.words[-1]}) {'_'.join(('', *one.words))} ;;" for one in each.verbs)
    return (
        f"{name}() {{\n    local context state line\n    typeset -A opt_args\n    local -a verbs\n"
        f"    verbs=(\n{described}\n    )\n"
        "    _arguments -C -s " + " \\\n        ".join([*lines, "'1: :->verb'", "'*:: :->rest'"]) + "\n"
        f"    case $state in\n    verb) _describe verb verbs ;;\n    rest)\n        case $line[1] in\n{called}\n"
        "        esac\n        ;;\n    esac\n}"
    )


def _zsh_flag(flag: Flag) -> Iterator[str]:
    text = _quiet(flag.text).replace("[", "(").replace("]", ")").replace(":", "\\:")
    value = f":{_zsh_what(flag.value)}:{_zsh_words(flag.choices, flag.path)}" if flag.value else ""
    for name in flag.names:
        equals = ("=" if name.startswith("--") else "+") if flag.value else ""
        yield f"'*{name}{equals}[{text}]{value}'"


def _zsh_argument(argument: tuple[str, tuple[str, ...], bool]) -> str:
    name, choices, path = argument
    many = "*" if name.endswith("...") else ""
    words = "_gatelocal_commits" if _COMMITS in name else _zsh_words(choices, path)
    return f"{many}:{_zsh_what(name)}:{words}"


def _zsh_words(choices: tuple[str, ...], path: bool) -> str:
    return f"({' '.join(choices)})" if choices else "_files" if path else "()"


def _zsh_what(metavar: str) -> str:
    return "".join(sign for sign in metavar.lower() if sign.isalnum() or sign in " .-,=") or "value"


def _quiet(text: str) -> str:
    """Without what a quoted word of a shell would stumble over."""
    return text.replace("'", "").replace("`", "")


# ---- fish


def fish(top: Verb) -> str:
    """What fish reads."""
    lines = ["# fish completion for gatelocal; made by tools/shells.py", "complete -c gatelocal -f"]
    for each in all_of(top):
        here = _fish_here(each, top)
        lines += [f"complete -c gatelocal -n '{here}' -a {one.words[-1]} -d '{_quiet(one.text)}'" for one in each.verbs]
        lines += [
            f"complete -c gatelocal -n '{here}'{_fish_flag(flag)} -d '{_quiet(flag.text)}'" for flag in each.flags
        ]
        lines += [line for one in each.arguments if (line := _fish_argument(here, one))]
    return "\n".join(lines) + "\n"


def _fish_here(each: Verb, top: Verb) -> str:
    """When the words on the line are those of this verb, and of none below it."""
    below = " ".join(one.words[-1] for one in each.verbs)
    if each is top:
        return f"not __fish_seen_subcommand_from {below}"
    said = "; and ".join(f"__fish_seen_subcommand_from {word}" for word in each.words[1:])
    return f"{said}; and not __fish_seen_subcommand_from {below}" if below else said


def _fish_flag(flag: Flag) -> str:
    names = "".join(f" -l {name[2:]}" if name.startswith("--") else f" -s {name[1:]}" for name in flag.names)
    if not flag.value:
        return names
    return f"{names} -x -a '{' '.join(flag.choices)}'" if flag.choices else f"{names} {'-r -F' if flag.path else '-x'}"


def _fish_argument(here: str, argument: tuple[str, tuple[str, ...], bool]) -> str:
    name, choices, path = argument
    if _COMMITS in name:
        heads = "git for-each-ref --format=\\'%(refname:short)\\' refs/heads 2>/dev/null"
        return f"complete -c gatelocal -n '{here}' -a 'HEAD ({heads})'"
    if choices:
        return f"complete -c gatelocal -n '{here}' -a '{' '.join(choices)}'"
    return f"complete -c gatelocal -n '{here}' -F" if path else ""


# ---- manuals


def tables(top: Verb) -> str:
    """Verbs and options in reStructuredText, for the pages that include them."""
    found = [".. Made by tools/shells.py: python -m tools.shells\n"]
    for each in all_of(top):
        if each is top:
            continue
        title = f"``{each.usage}``"
        found.append(f"{title}\n{'-' * len(title)}\n\n{each.text}\n")
        found += [f"{_term(flag)}\n    {flag.text}\n" for flag in each.flags]
    return "\n".join(found)


def _term(flag: Flag) -> str:
    if not flag.value:
        return ", ".join(f"``{name}``" for name in flag.names)
    value = "|".join(flag.choices) or flag.value
    return ", ".join(f"``{name} {value}``" for name in flag.names)


def files() -> dict[str, str]:
    """Each file that is made, below the top folder, but for the manual page."""
    top = verb()
    return {
        "share/bash-completion/completions/gatelocal": bash(top),
        "share/zsh/site-functions/_gatelocal": zsh(top),
        "share/fish/vendor_completions.d/gatelocal.fish": fish(top),
        "doc/source/gatelocal-verbs.inc": tables(top),
    }


def page() -> str:
    """The manual page, made by docutils of its source in the documentation."""
    from docutils.core import publish_string

    source = ROOT / PAGE_OF
    settings = {"output_encoding": "unicode", "input_encoding": "utf-8"}
    return str(publish_string(source.read_text(), str(source), writer="manpage", settings_overrides=settings))


def main() -> int:
    """Write them all."""
    for name, text in files().items():
        (ROOT / name).write_text(text)
    try:
        (ROOT / PAGE).write_text(page())
    except ImportError:
        print(f"{PAGE} is as it was: docutils is not installed (pip install -e .[docs])")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
