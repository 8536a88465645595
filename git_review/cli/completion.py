"""Completion for bash, zsh and fish, made of the table of options; it completes options, branches and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from git_review.cli.table import OPTIONS, Option

_BASH = """\
# bash completion for git review; git's own completion calls _git_review for `git review`.
_git_review() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}}
    case $before in
{choices}
{values}) COMPREPLY=(); return ;;
    -r|--remote) COMPREPLY=($(compgen -W "$(git remote 2>/dev/null)" -- "$word")); return ;;
    --worktree) COMPREPLY=($(compgen -d -- "$word")); return ;;
    esac
    case $word in
    -*) COMPREPLY=($(compgen -W "{options}" -- "$word")) ;;
    *)
        local branches
        branches=$(git for-each-ref --format='%(refname:lstrip=3)' refs/remotes 2>/dev/null)
        COMPREPLY=($(compgen -W "$branches" -- "$word"))
        ;;
    esac
}}
complete -F _git_review git-review
"""

_ZSH = """\
#compdef git-review
# zsh completion for git review
_git_review_branches() {{
    local -a branches
    branches=(${{(f)"$(git for-each-ref --format='%(refname:lstrip=3)' refs/remotes 2>/dev/null)"}})
    _describe branch branches
}}
_arguments -s \\
{options}
    '1:branch:_git_review_branches'
"""

_FISH = """\
# fish completion for git review
complete -c git-review -f -a "(git for-each-ref --format='%(refname:lstrip=3)' refs/remotes 2>/dev/null)"
{options}
"""


# What bash completes with names that are no choices of the table's.
_COMPLETED = ("remote", "worktree")


def script(shell: str) -> str:
    """What that shell wants to read: bash, zsh or fish."""
    if shell == "bash":
        choices = "\n".join(
            f"    {'|'.join(option.names)})"
            f' COMPREPLY=($(compgen -W "{" ".join(option.choices)}" -- "$word")); return ;;'
            for option in OPTIONS
            if option.choices and not option.default
        )
        free = (option for option in OPTIONS if option.value and not option.choices and option.key not in _COMPLETED)
        values = "    " + "|".join(name for option in free for name in option.names)
        options = " ".join(name for option in OPTIONS for name in option.names)
        return _BASH.format(choices=choices, values=values, options=options)
    if shell == "zsh":
        return _ZSH.format(options="\n".join(line for option in OPTIONS for line in _zsh(option)))
    return _FISH.format(options="\n".join(_fish(option) for option in OPTIONS))


def _zsh(option: Option) -> Iterator[str]:
    text = option.text.translate(str.maketrans("[]", "()", "'`")).replace(":", "\\:")
    value = (
        f":{option.value.lower().replace('[', '').replace(']', '')}:({' '.join(option.choices)})"
        if option.value
        else ""
    )
    for name in option.names:
        equals = "=" if option.value and name.startswith("--") else "+" if option.value else ""
        yield f"    '*{name}{equals}[{text}]{value}' \\"


def _fish(option: Option) -> str:
    shorts = "".join(f" -s {name[1:]}" for name in option.names if not name.startswith("--"))
    longs = "".join(f" -l {name[2:]}" for name in option.names if name.startswith("--"))
    takes = " -x" if option.value and not option.default else ""
    choices = f' -a "{" ".join(option.choices)}"' if option.choices else ""
    text = option.text.replace("'", "").replace("`", "")
    return f"complete -c git-review{shorts}{longs}{takes}{choices} -d '{text}'"
