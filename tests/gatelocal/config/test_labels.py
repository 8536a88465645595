"""Labels of real nodesets come to an image and a size; the user's own file counts first and is read strictly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gatelocal.config.labels import labels
from gatelocal.errors import ConfigurationError
from gatelocal.model.label import Cloud, Host, Size


@pytest.mark.parametrize(
    ("label", "image", "declared", "known"),
    [
        (None, "debian-bookworm", False, True),
        ("debian-bookworm", "debian-bookworm", False, True),
        ("debian-bookworm-8GB", "debian-bookworm", False, True),
        ("debian-trixie", "debian-trixie", False, True),
        ("debian-trixie-4GB", "debian-trixie", False, True),
        ("debian-trixie-arm64", "debian-trixie", True, True),
        ("ubuntu-noble", "debian-trixie", True, True),
        ("ubuntu-noble-8GB", "debian-trixie", True, True),
        ("nested-virt-ubuntu-noble", "debian-trixie", True, True),
        ("openstack-single-node-noble", "debian-trixie", True, True),
        ("ubuntu-jammy", "debian-bookworm", True, True),
        ("centos-9-stream", "debian-bookworm", True, True),
        ("centos-10-stream", "debian-trixie", True, True),
        ("rockylinux-9", "debian-bookworm", True, True),
        ("rockylinux-10", "debian-trixie", True, True),
        ("whatever", "debian-bookworm", True, False),
    ],
)
def test_every_label_has_the_image_that_comes_nearest(
    label: str | None, image: str, declared: bool, known: bool
) -> None:
    wanted = labels(None).wanted(label)
    assert (wanted.origin.name, bool(wanted.note), wanted.known) == (image, declared, known)
    assert wanted.note in ("", f"{image} stands in for {label}")


def test_the_size_is_in_the_label() -> None:
    table = labels(None)
    assert table.wanted("debian-trixie").size == Size(2, 2048, 24)
    assert table.wanted("debian-trixie-8GB").size == Size(8, 8192, 80)
    assert table.wanted("ubuntu-noble-16GB").size == Size(8, 16384, 80)


def test_the_users_own_lines_count_first(tmp_path: Path) -> None:
    (tmp_path / "labels.yaml").write_text(
        "images:\n  noble: {path: noble.tar}\n  nine: {path: /srv/nine.qcow2, suite: bookworm}\n"
        "labels:\n  - {label: ubuntu-noble*, image: noble}\n  - {label: [centos-9-stream, x], stand-in: nine}\n"
        "sizes:\n  - {label: ubuntu-noble, disk: 40}\n"
    )
    table = labels(tmp_path)
    noble = table.wanted("ubuntu-noble")
    assert (noble.origin.path, noble.note, noble.size) == (str(tmp_path / "noble.tar"), "", Size(disk=40))
    assert table.wanted("x").note == "nine stands in for x"
    assert table.wanted("x").origin.suite == "bookworm"
    assert table.wanted("debian-trixie-8GB") == labels(None).wanted("debian-trixie-8GB")


def test_the_usual_image_can_be_another_one(tmp_path: Path) -> None:
    (tmp_path / "labels.yaml").write_text("default: debian-trixie\n")
    table = labels(tmp_path)
    assert (table.wanted(None).note, table.wanted(None).origin.name) == ("", "debian-trixie")
    assert table.wanted("whatever").note == "debian-trixie stands in for whatever"


def test_hosts_of_the_users(tmp_path: Path) -> None:
    (tmp_path / "labels.yaml").write_text(
        "hosts:\n  - {address: rack-7, label: [metal, big-*], host-key: ssh-ed25519 AAAA,"
        " key: id, wipe: [ipmi, rack-7]}\n"
        "  - {address: '2001:db8::1', port: 2222, user: root, label: metal, host-key: ssh-rsa AAAB==}\n"
    )
    first, second = labels(tmp_path).hosts_of("metal")
    assert first == Host(
        "rack-7", ("metal", "big-*"), "ssh-ed25519 AAAA", "zuul", 22, f"{tmp_path}/id", ("ipmi", "rack-7")
    )
    assert (second.name, second.user, second.key, second.wipe) == ("2001:db8::1:2222", "root", "", ())
    assert labels(tmp_path).hosts_of("big-1") == (first,)
    assert labels(tmp_path).hosts_of(None) == labels(None).hosts_of("metal") == ()


def test_servers_of_the_users_clouds(tmp_path: Path) -> None:
    (tmp_path / "labels.yaml").write_text(
        "clouds:\n"
        "  - {cloud: one, label: [big-*], image: ubuntu 24.04, flavor: m1.large}\n"
        "  - {provider: openstack, cloud: two, label: [small, big-1], image: i, flavor: f, network: n, key: k,"
        " security-groups: [ssh, web], port: 2222, most: 4}\n"
    )
    one, two = Cloud(("big-*",), "one", "ubuntu 24.04", "m1.large"), Cloud(("small", "big-1"), "two", "i", "f")
    table = labels(tmp_path)
    assert table.cloud_of("big-1") == one
    assert table.cloud_of("small") == replace(two, network="n", key="k", groups=("ssh", "web"), port=2222, most=4)
    assert table.cloud_of(None) is table.cloud_of("other") is labels(None).cloud_of("small") is None


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "labels.yaml").write_text("# nothing yet\n")
    assert labels(tmp_path) == labels(None)


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("images:\n  a: {suit: bookworm}\n", 2, "'suit' is not known here"),
        ("labels:\n  - label: x\n    image: nothing\n", 0, "there is no image nothing"),
        ("default: nothing\n", 0, "there is no image nothing"),
        ("labels:\n  - {label: x}\n", 2, "either `image` or `stand-in`"),
        ("labels:\n  - {label: x, image: a, stand-in: b}\n", 2, "either `image` or `stand-in`"),
        ("labels: {x: y}\n", 1, "a list is expected"),
        ("sizes:\n  - label: x\n    memory: 8GB\n", 3, "memory is a whole number of mebibytes"),
        ("sizes:\n  - label: x\n    cpus: 0\n", 3, "cpus is a whole number"),
        ("sizes:\n  - {disk: 5}\n", 2, "it has no `label`"),
        ("images:\n  a: {suite: bookworm}\n  a: {suite: trixie}\n", 3, "stands twice"),
        ("images:\n  a/b: {suite: bookworm}\n", 2, "no name for an image"),
        ("images:\n  a: {suite: ../x}\n", 2, "no release's code name"),
        ("images:\n  a: {}\n", 2, "neither suite nor path"),
        ("hosts:\n  - {label: x, host-key: a AAAA}\n", 2, "the host has no `address`"),
        ("hosts:\n  - {label: x, address: h}\n", 2, "the host has no `host-key`"),
        ("hosts:\n  - label: x\n    address: -oProxyCommand=x\n    host-key: a AAAA\n", 3, "not a name or an address"),
        ("hosts:\n  - {label: x, address: h, host-key: nonsense}\n", 2, "not a public key"),
        ("hosts:\n  - {label: x, address: h, host-key: a A, user: 'a b'}\n", 2, "not the name of a user"),
        ("clouds:\n  - {label: x, image: i, flavor: f}\n", 2, "the cloud has no `cloud`"),
        ("clouds:\n  - {label: x, cloud: c, image: i}\n", 2, "the cloud has no `flavor`"),
        ("clouds:\n  - {label: x, cloud: c, image: i, flavor: f, provider: ec2}\n", 2, "there is no provider 'ec2'"),
        ("clouds:\n  - {label: x, cloud: c, image: i, flavor: f, most: 0}\n", 2, "most is a whole number, from 1"),
        ("clouds:\n  - {label: x, cloud: c, image: i, flavor: f, password: p}\n", 2, "'password' is not known here"),
        ("hosts:\n  - {label: x, address: h, host-key: a A, port: 70000}\n", 2, "from 1 to 65535"),
        ("hosts:\n  - {label: x, address: h, host-key: a A, password: b}\n", 2, "'password' is not known here"),
        ("default: 12\n", 1, "a text is expected"),
        ("- x\n", 1, "a mapping is expected"),
        ("default: [\n", 2, "not YAML"),
        ("default: !boo x\n", 1, "nobody knows the tag"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, line: int, problem: str) -> None:
    file = tmp_path / "labels.yaml"
    file.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        labels(tmp_path)
    assert caught.value.brief.startswith(f"{file}:{line}: " if line else f"{file}: ")
    assert problem in caught.value.brief


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "labels.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        labels(tmp_path)
