"""Whose keys are let in: of a file, or of an account on a server, which may not show them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatelocal.engine import keys
from gatelocal.engine.request import GateRequest
from gatelocal.errors import InfrastructureError, InputError
from tests.fakes.gerrit import FakeGerrit

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 me@here"


def asked(named: str, fake: FakeGerrit, folder: Path) -> tuple[str, ...]:
    url = fake.url.replace("://", "://admin:s3cret@")
    return keys.read(named, GateRequest(change="", gerrit=url, directory=folder), {})


def test_keys_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "me.pub").write_text(f"{KEY}\n")
    request = GateRequest()
    assert keys.read(str(tmp_path / "me.pub"), request, {}) == (KEY,)
    with pytest.raises(InputError, match="cannot be read: No such file"):
        keys.read(str(tmp_path / "nothing"), request, {})


def test_keys_of_an_account(tmp_path: Path) -> None:
    with FakeGerrit() as fake:
        fake.keys["ann"] = [
            {"seq": 1, "ssh_public_key": KEY, "valid": True},
            {"seq": 2, "ssh_public_key": "ssh-rsa AAAAB3 old", "valid": False},
        ]
        assert asked("gerrit:ann", fake, tmp_path) == (KEY,)
        fake.keys["ann"] = []
        with pytest.raises(InputError, match="no valid key of ann"):
            asked("gerrit:ann", fake, tmp_path)
        with pytest.raises(InputError, match="names no account"):
            asked("gerrit:", fake, tmp_path)


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [
        ("401", InputError, "does not show the keys of ann to you"),
        ("403", InputError, "does not show the keys of ann to you"),
        ("404", InputError, "knows no account ann"),
        ("409", InfrastructureError, "for the keys of ann"),
    ],
)
def test_a_server_that_does_not_show_them(tmp_path: Path, status: str, kind: type[Exception], said: str) -> None:
    with FakeGerrit() as fake:
        fake.misbehave(*[status] * 3)
        with pytest.raises(kind, match=said) as caught:
            asked("gerrit:ann", fake, tmp_path)
        assert "s3cret" not in str(caught.value)
