"""Command lines as git-review 2.5.0 takes them → as click takes them: long options in full, each value its own.

Pure; it knows options by the table that it is given and judges no value.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from git_review import messages


def expanded(argv: Sequence[str], flags: Collection[str], valued: Collection[str], many: Collection[str]) -> list[str]:
    """The words with every long option in full, and ``--cc a b`` as ``--cc=a --cc=b``.

    As in 2.5.0, an option of many words takes all that follow up to the next option; ``--`` ends them, so that
    ``--cc a b -- BRANCH`` names a branch.

    :param flags: long options without a value. :param valued: with one. :param many: with one or more.
    :raises ReviewError: an abbreviation that fits several options, or an option of many words without any.
    """
    known = {*flags, *valued, *many}
    words: list[str] = []
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        if word == "--":
            return [*words, word, *rest]
        if not word.startswith("--"):
            words.append(word)
            continue
        name, equals, value = word.partition("=")
        name = _full(name, known)
        if name not in many:
            words.append(name + equals + value)
            if name in valued and not equals and rest:
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


def _full(name: str, known: Collection[str]) -> str:
    if name in known:
        return name
    fitting = sorted(option for option in known if option.startswith(name))
    if len(fitting) > 1:
        raise messages.usage(f"{name} may mean {', '.join(fitting)}")
    return fitting[0] if fitting else name
