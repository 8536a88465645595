"""The words of a command line → the options that they give; what they are, and not what they mean.

click reads them. What is spelt plainly is read without it: loading click takes as long as half of a quick run.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from git_review.cli.arguments import expanded
from git_review.cli.table import OPTIONS, Option

TYPE_CHECKING = False  # not typing's, which takes too long to load
if TYPE_CHECKING:
    from typing import Any

    import click


def read(argv: Sequence[str]) -> dict[str, Any]:
    """The options that a command line gives, by their keys, and ``branch``.

    :raises click.ClickException: usage. :raises git_review.errors.ReviewError: usage, too.
    """
    words = expanded(argv, OPTIONS)
    found = plain(words, OPTIONS)
    return by_click(words, OPTIONS) if found is None else found


def plain(words: Sequence[str], options: Sequence[Option]) -> dict[str, Any] | None:
    """What click would make of the words; None where one is not an option by its full name, or its value, or a branch.

    Bundles of short options, and all that is refused, are left to click.
    """
    known = {name: option for option in options for name in option.names}
    found: dict[str, Any] = {option.key: _unset(option) for option in options} | {"branch": None}
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=") if word.startswith("--") else (word, "", "")
        option = known.get(name)
        if option is None:
            if word.startswith("-") or found["branch"] is not None or not word:
                return None
            found["branch"] = word
        elif not option.value:
            if equals:
                return None
            found[option.key] = found[option.key] + 1 if option.count else True
        else:
            given = value if equals else next(rest, None)
            if given is None or (option.choices and given not in option.choices):
                return None
            several = option.many or option.repeat
            found[option.key] = (*found[option.key], given) if several else given
    return found


def by_click(words: Sequence[str], options: Sequence[Option]) -> dict[str, Any]:
    """What click makes of the words. :raises click.ClickException: nothing."""
    import click

    parameters: list[click.Parameter] = [_parameter(option) for option in options]
    parameters.append(click.Argument(["branch"], required=False))
    command = click.Command("git-review", params=parameters, add_help_option=False)
    with command.make_context("git-review", list(words)) as context:
        return dict(context.params)


def complaint(error: Exception) -> str | None:
    """What click says with an exception of its own; None for any other."""
    click = sys.modules.get("click")
    return error.format_message() if click is not None and isinstance(error, click.ClickException) else None


def _unset(option: Option) -> Any:
    if option.count:
        return 0
    if not option.value:
        return False
    return () if option.many or option.repeat else None


def _parameter(option: Option) -> click.Option:
    import click

    if option.count:
        return click.Option([*option.names, option.key], count=True)
    if not option.value:
        return click.Option([*option.names, option.key], is_flag=True)
    kind = click.Choice(option.choices) if option.choices else str
    names = [*option.names, option.key]
    return click.Option(names, type=kind, multiple=option.many or option.repeat)
