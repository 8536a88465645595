"""Servers of a cloud, as far as no cloud is asked: whose they are, where they are reached, and who gets one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gatelocal.launcher import capacity, guest, pool
from gatelocal.launcher.providers import openstack
from gatelocal.model.label import Cloud, Host, Labels
from gatelocal.model.plan import Nodeset, NodeWanted

LINE = Cloud(("big",), "loop", "ubuntu-24.04", "small")


def test_a_gate_has_a_name_of_its_own_that_a_copy_does_not_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = openstack.gate(tmp_path / "state/nodes")
    assert openstack.gate(tmp_path / "state/nodes") == one
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy/gate").write_text((tmp_path / "state/gate").read_text())
    assert openstack.gate(tmp_path / "copy/nodes") != one
    (tmp_path / "id").write_text("another machine")
    monkeypatch.setattr(openstack, "_MACHINE", tmp_path / "id")
    assert openstack.gate(tmp_path / "state/nodes") != one


@pytest.mark.parametrize(
    ("addresses", "kind", "address"),
    [
        ({}, "", ""),
        ({"a": [{"addr": "fd00::1", "version": 6}, {"addr": "10.0.0.2", "version": 4}]}, "", "10.0.0.2"),
        ({"a": [{"addr": "fd00::1", "version": 6}]}, "", "fd00::1"),
        (
            {
                "a": [{"addr": "10.0.0.2", "version": 4, "OS-EXT-IPS:type": "fixed"}],
                "b": [{"addr": "192.0.2.9", "version": 4, "OS-EXT-IPS:type": "floating"}],
            },
            "",
            "192.0.2.9",
        ),
        ({"a": [{"addr": "192.0.2.9", "version": 4, "OS-EXT-IPS:type": "floating"}]}, "fixed", ""),
        ({"a": [{"addr": "10.0.0.9", "version": 4}, {"addr": "10.0.0.2", "version": 4}]}, "fixed", "10.0.0.9"),
    ],
)
def test_where_a_server_is_reached(addresses: dict[str, list[dict[str, object]]], kind: str, address: str) -> None:
    assert openstack.address_of(addresses, kind) == address


def test_auto_takes_a_host_before_a_cloud_before_this_machine() -> None:
    hosts = (Host("h", ("big",), "ssh-ed25519 AAAA"),)
    both = pool.BUILT_IN.extended(Labels("", {}, hosts=hosts, clouds=(LINE, replace(LINE, patterns=("small",)))))

    def kinds(kind: str, label: str) -> str | None:
        choice = pool.Pool(kind, Path(), Path(), both)._elsewhere(nodeset(label))
        return choice.kind if choice is not None else None

    assert [kinds("auto", label) for label in ("big", "small", "none")] == ["static", "openstack", None]
    assert [kinds(kind, "big") for kind in ("openstack", "static", "nspawn")] == ["openstack", "static", None]


def nodeset(label: str) -> Nodeset:
    return Nodeset(nodes=(NodeWanted(("n",), label),))


def test_a_server_elsewhere_takes_no_memory_here() -> None:
    table = pool.BUILT_IN.extended(Labels("", {}, clouds=(LINE,))).at_least(30 * 1024)
    assert [capacity.seats(table, [nodeset(label)]) for label in ("big", "debian-bookworm")] == [1, 11]


def test_a_server_is_told_its_name_its_keys_and_its_user() -> None:
    first, _, told = guest.user_data("n-1", "ssh-ed25519 AAAA n\n", "PRIVATE", "ssh-ed25519 BBBB n\n").partition("\n")
    told = json.loads(told)
    assert (first, told["hostname"], told["disable_root"]) == ("#cloud-config", "n-1", False)
    assert told["ssh_keys"] == {"ed25519_private": "PRIVATE", "ed25519_public": "ssh-ed25519 BBBB n"}
    (user,) = told["users"]
    assert user["name"] == "zuul" and user["sudo"] == "ALL=(ALL) NOPASSWD:ALL"
    assert user["ssh_authorized_keys"] == told["ssh_authorized_keys"] == ["ssh-ed25519 AAAA n"]
