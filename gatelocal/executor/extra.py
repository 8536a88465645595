"""What a job's own words for tox (``tox_extra_args``) mean for the steps around its tests; pure, it starts nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_PLACING = ("-c", "--conf", "-x", "--override", "--workdir", "--root")
_CHOOSING = ("-e",)
_ANEW = re.compile(r"-(?=[vqr]*r)[vqr]+")


def once(words: Sequence[str]) -> tuple[str, ...]:
    """The words without the wish to make the environments anew, for a step that comes after they were made anew.

    A second time would lose what was put into them: required projects from source, and the witness of the tests.
    """
    own = options(words)
    kept = [re.sub("r", "", word) if _ANEW.fullmatch(word) else word for word in own if word != "--recreate"]
    return (*(word for word in kept if word != "-"), *words[len(own) :])


def options(words: Sequence[str]) -> tuple[str, ...]:
    """Those that are for tox itself, not for the commands that it runs."""
    return tuple(words[: words.index("--")]) if "--" in words else tuple(words)


def placing(words: Sequence[str]) -> tuple[str, ...]:
    """Those that say where the environments are: whoever asks tox for one needs them."""
    return tuple(word for found in _with_values(words, _PLACING) for word in found)


def chosen(words: Sequence[str]) -> tuple[str, ...]:
    """The environments that they name beside the job's own."""
    values = (found[-1].removeprefix("-e") for found in _with_values(words, _CHOOSING))
    return tuple(env for value in values for env in value.split(",") if env)


def _with_values(words: Sequence[str], names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Each of these options with its value: ``--name value``, ``--name=value`` or ``-nvalue``."""
    rest = iter(options(words))
    for word in rest:
        if word in names:
            yield from ((word, value) for value in [next(rest, None)] if value is not None)
        elif word.partition("=")[0] in names or (word[:2] in names and word[1:2] != "-"):
            yield (word,)
