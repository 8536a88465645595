"""Command lines as git-review 2.5.0 takes them → as click takes them: long options in full, each value its own.

Pure; it knows options by the table and judges no value.
"""

from __future__ import annotations

from collections.abc import Sequence

from git_review import messages
from git_review.cli.table import Option


def expanded(argv: Sequence[str], options: Sequence[Option]) -> list[str]:
    """The words with every long option in full, and ``--cc a b`` as ``--cc=a --cc=b``.

    As in 2.5.0, an option of many words takes all that follow up to the next option; ``--`` ends them, so that
    ``--cc a b -- BRANCH`` names a branch. An abbreviation that 2.5.0 took means what it meant there.

    :raises ReviewError: an abbreviation that fits several options, or an option of many words without any.
    """
    known = {name: option for option in options for name in option.names if name.startswith("--")}
    words: list[str] = []
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        if word == "--":
            return [*words, word, *rest]
        if not word.startswith("--"):
            words.append(word)
            if _wants_value(word, options) and rest:
                words.append(rest.pop(0))
            continue
        name, equals, value = word.partition("=")
        name = _full(name, known)
        option = known.get(name)
        if option is None or not option.many:
            if option is not None and option.default and not equals:
                # It may do without a value, so it takes no word that could not be one: --color BRANCH.
                equals, value = "=", rest.pop(0) if rest and rest[0] in option.choices else option.default
            words.append(_SHORTHANDS.get(name, name) + equals + value)
            if option is not None and option.value and not equals and rest:
                words.append(rest.pop(0))
            continue
        values = [value] if equals else []
        while not equals and rest and not rest[0].startswith("-"):
            values.append(rest.pop(0))
        if not values:
            raise messages.usage(f"{name} needs at least one word")
        words += [f"{name}={each}" for each in values]
        if not equals and rest[:1] == ["--"]:
            return [*words, *rest]
    return words


_SHORTHANDS = {"--no-color": "--color=never"}
"""The last of several wins."""


def _wants_value(word: str, options: Sequence[Option]) -> bool:
    """Whether a bundle of short options such as ``-vd`` ends in one whose value is the next word."""
    if len(word) < 2 or word[0] != "-":
        return False
    short = {name: option for option in options for name in option.names if not name.startswith("--")}
    for place, letter in enumerate(word[1:], 2):
        option = short.get(f"-{letter}")
        if option is None:
            return False
        if option.value:
            return place == len(word)
    return False


def _full(name: str, known: dict[str, Option]) -> str:
    if name in known:
        return name
    fitting = sorted(option for option in known if option.startswith(name))
    old = [option for option in fitting if known[option].since == 2]
    for some in (old, fitting):
        if some and len({known[option].key for option in some}) == 1:
            return some[0]
    if fitting:
        raise messages.usage(f"{name} may mean {', '.join(fitting)}")
    return name
