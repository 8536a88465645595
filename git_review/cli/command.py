"""The table of options as a click command; what the words of a command line are, and not what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from git_review.cli.arguments import expanded
from git_review.cli.table import OPTIONS, Option


def read(argv: Sequence[str]) -> dict[str, Any]:
    """The options that a command line gives, by their keys, and ``branch``.

    :raises click.ClickException: usage. :raises git_review.errors.ReviewError: usage, too.
    """
    parameters: list[click.Parameter] = [_parameter(option) for option in OPTIONS]
    parameters.append(click.Argument(["branch"], required=False))
    command = click.Command("git-review", params=parameters, add_help_option=False)
    with command.make_context("git-review", expanded(argv, OPTIONS)) as context:
        return dict(context.params)


def _parameter(option: Option) -> click.Option:
    if option.count:
        return click.Option([*option.names, option.key], count=True)
    if not option.value:
        return click.Option([*option.names, option.key], is_flag=True)
    kind = click.Choice(option.choices) if option.choices else str
    names = [*option.names, option.key]
    return click.Option(names, type=kind, multiple=option.many or option.repeat)
