"""Tokens: what they allow and until when; nothing that is kept lets anybody in."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatelocal.errors import ConfigurationError, InputError
from gatelocal.server.tokens import Tokens


def test_a_token_lets_in_whoever_has_it_for_what_it_allows_and_as_long(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path / "secrets" / "tokens")
    both = tokens.new("ops", ("read", "operate"), None, 1000.0)
    reader = tokens.new("wall", ("read",), 1.0, 1000.0)
    assert tokens.right(both, "operate", 9e9) == "ops"
    assert tokens.right(reader, "read", 1000.0 + 86399) == "wall"
    assert tokens.right(reader, "read", 1000.0 + 86400) is None
    assert tokens.right("gl_other", "read", 1000.0) is None
    with pytest.raises(PermissionError):
        tokens.right(reader, "operate", 1000.0)


def test_nothing_but_digests_is_kept_and_nobody_else_reads_them(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    token = Tokens(file).new("ops", ("operate",), None, 0.0)
    assert token not in file.read_text()
    assert token.removeprefix("gl_") not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600


def test_without_a_file_nobody_operates(tmp_path: Path) -> None:
    assert Tokens(None).right("gl_x", "operate", 0.0) is None
    assert Tokens(tmp_path / "none").right("gl_x", "operate", 0.0) is None
    with pytest.raises(InputError):
        Tokens(None).new("ops", ("read",), None, 0.0)
    with pytest.raises(InputError):
        Tokens(tmp_path / "tokens").new("ops", ("rule",), None, 0.0)


def test_a_name_is_one_and_is_there_once(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path / "tokens")
    for name in ("a\nb", "", "x" * 65, "a b"):
        with pytest.raises(InputError, match="no name for a token"):
            tokens.new(name, ("read",), None, 0.0)
    tokens.new("ops", ("read",), 1.0, 0.0)
    with pytest.raises(InputError, match="there is a token ops already"):
        tokens.new("ops", ("read",), None, 86399.0)
    tokens.new("ops", ("read",), None, 86400.0)  # the time of the former is over


def test_reading_needs_a_token_where_the_file_says_so(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    assert not Tokens(file).closed
    file.write_text('{"closed": true}\n')
    assert Tokens(file).closed
    assert Tokens(file).right("gl_x", "read", 0.0) is None


def test_a_damaged_line_is_told_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text('{"digest": "x"}\n')
    with pytest.raises(ConfigurationError, match=r"tokens:1: no token of this program"):
        Tokens(file).right("gl_x", "read", 0.0)
