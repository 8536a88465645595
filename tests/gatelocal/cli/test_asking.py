"""The address of a daemon that a command is given: judged before it is used, and never said again."""

from __future__ import annotations

import pytest

from gatelocal.cli.asking import asked
from gatelocal.errors import InputError


@pytest.mark.parametrize("url", ["ftp://x/", "http://[::1", "http://h:99999/", "http:///path", "daemon"])
def test_what_is_no_address_is_none(url: str) -> None:
    with pytest.raises(InputError, match="no http or https URL"):
        asked(url, None, None, False)


def test_a_password_in_it_is_refused_and_not_repeated() -> None:
    with pytest.raises(InputError) as caught:
        asked("http://u:topsecret@127.0.0.1:9/", None, None, False)
    assert "topsecret" not in f"{caught.value} {caught.value.details} {caught.value.hint}"


def test_one_that_is_good_ends_in_a_slash() -> None:
    assert asked("http://127.0.0.1:9", None, None, True).url == "http://127.0.0.1:9/"
