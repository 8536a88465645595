"""Archives of nodes: what a disk's difference is, and that of a hostile one nothing gets through to a container."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
from pathlib import Path

import pytest

from gatelocal.errors import ConfigurationError, InfrastructureError, InputError
from gatelocal.launcher import carried, difference, place, pool, portable
from gatelocal.launcher.carried import Hostile
from gatelocal.launcher.difference import Difference
from gatelocal.model.hold import Invocation

FACTS: dict[str, object] = {
    "format": 1,
    "label": "debian-bookworm",
    "layers": ["tox-bookworm-1", "os-bookworm-2"],
    "gone": ["etc/issue"],
    "notes": ["x stands in for y"],
    "occasion": {
        "run": "r",
        "job": "unit",
        "change": "p 1,2",
        "outcome": "FAILURE",
        "logs": "/somebody's",
        "invocation": {"argv": ["tox"], "directory": "/d", "environment": {"A": "b"}, "purpose": "test", "own": False},
    },
}


def member(
    name: str, kind: bytes = tarfile.REGTYPE, content: bytes = b"", **other: object
) -> tuple[tarfile.TarInfo, bytes]:
    found = tarfile.TarInfo(name)
    found.type, found.size = kind, len(content)
    for key, value in other.items():
        setattr(found, key, value)
    return found, content


def archive(file: Path, *members: tuple[tarfile.TarInfo, bytes], facts: object = FACTS) -> Path:
    text = json.dumps(facts).encode()
    with gzip.open(file, "wb") as raw, tarfile.open(fileobj=raw, mode="w|") as out:
        for info, content in (member("node.json", content=text), *members):
            out.addfile(info, io.BytesIO(content))
    return file


def handed_on(file: Path, most: int = 1 << 20) -> dict[str, tarfile.TarInfo]:
    out = io.BytesIO()
    carried.hand_on(file, out, most)
    with tarfile.open(fileobj=io.BytesIO(out.getvalue())) as found:
        return {one.name: one for one in found}


def test_what_it_says_is_read(tmp_path: Path) -> None:
    facts = carried.read(archive(tmp_path / "a"))
    assert (facts.label, facts.layers, facts.gone) == (
        FACTS["label"],
        ("tox-bookworm-1", "os-bookworm-2"),
        ("etc/issue",),
    )
    assert (facts.occasion.job, facts.occasion.logs) == ("unit", ""), "logs of another machine are nobody's here"
    assert facts.occasion.invocation == Invocation(("tox",), "/d", {"A": "b"}, "test")


def test_plain_files_folders_and_links_go_through_as_they_are(tmp_path: Path) -> None:
    found = handed_on(
        archive(
            tmp_path / "a",
            member("tree/home/zuul", tarfile.DIRTYPE, mode=0o755, uid=1000, gid=1000),
            member("tree/home/zuul/f", content=b"text", mode=0o4755, uid=1000, mtime=5),
            member("tree/home/zuul/l", tarfile.SYMTYPE, linkname="/etc/passwd"),
        )
    )
    assert list(found) == ["./home/zuul", "./home/zuul/f", "./home/zuul/l"]
    one = found["./home/zuul/f"]
    assert (one.mode, one.uid, one.size, one.mtime, found["./home/zuul/l"].linkname) == (
        0o4755,
        1000,
        4,
        5,
        "/etc/passwd",
    )


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (member("tree/../../etc/passwd", content=b"x"), "it has the name"),
        (member("/etc/passwd", content=b"x"), "it has the name"),
        (member("tree//etc/passwd", content=b"x"), "it has the name"),
        (member("tree", tarfile.DIRTYPE), "it has the name"),
        (member("elsewhere/x"), "it has the name"),
        (member("tree/dev", tarfile.CHRTYPE, devmajor=1, devminor=3), "neither file, folder nor link"),
        (member("tree/disk", tarfile.BLKTYPE), "neither file, folder nor link"),
        (member("tree/pipe", tarfile.FIFOTYPE), "neither file, folder nor link"),
        (member("tree/hard", tarfile.LNKTYPE, linkname="/etc/shadow"), "neither file, folder nor link"),
        (member("tree/x", uid=70000), "the user 70000"),
        (member("tree/x", content=b"x" * (2 << 20)), "more than"),
    ],
)
def test_what_must_not_be_is_refused(tmp_path: Path, bad: tuple[tarfile.TarInfo, bytes], why: str) -> None:
    file = archive(tmp_path / "a", member("tree/first", content=b"x"), bad)
    with pytest.raises(Hostile, match=why):
        handed_on(file)


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({**FACTS, "format": 2}, "another version"),
        ({**FACTS, "gone": ["../etc"]}, "it has the name"),
        ({**FACTS, "gone": ["/etc"]}, "it has the name"),
        ({**FACTS, "gone": [""]}, "it has the name"),
        ({**FACTS, "gone": "etc"}, "a list is expected"),
        ({**FACTS, "label": 5}, "a text is expected"),
        ({name: value for name, value in FACTS.items() if name != "label"}, "label"),
        ({**FACTS, "occasion": [1]}, "list"),
        ([], "another version"),
        ("node", "another version"),
    ],
)
def test_what_says_nothing_sensible_is_no_archive(tmp_path: Path, facts: object, why: str) -> None:
    with pytest.raises(InputError, match="is not the archive of a node") as caught:
        carried.read(archive(tmp_path / "a", facts=facts))
    assert why in caught.value.details


def test_a_variable_that_would_be_a_word_of_a_command_is_none(tmp_path: Path) -> None:
    occasion = json.loads(json.dumps(FACTS["occasion"]))
    occasion["invocation"]["environment"] = {"A=b -i": "x"}
    with pytest.raises(InputError):
        carried.read(archive(tmp_path / "a", facts={**FACTS, "occasion": occasion}))


@pytest.mark.parametrize("cut", [0, 1, 20, 100, -30])
def test_a_damaged_file_is_told(tmp_path: Path, cut: int) -> None:
    whole = archive(tmp_path / "a", member("tree/x", content=os.urandom(1 << 16))).read_bytes()
    (tmp_path / "b").write_bytes(whole[:cut])
    if 0 <= cut < 200:
        with pytest.raises(InputError, match="is not the archive of a node"):
            carried.read(tmp_path / "b")
    with pytest.raises(Hostile):
        handed_on(tmp_path / "b")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        carried.read(tmp_path / "nothing")


def test_the_difference_follows_no_link_and_leaves_out_what_is_the_machines(tmp_path: Path) -> None:
    upper, lower = tmp_path / "upper", tmp_path / "lower"
    for folder in (upper / "home", upper / "etc/gatelocal", lower / "was-folder"):
        folder.mkdir(parents=True)
    (upper / "home/file").write_text("text")
    (upper / "home/away").symlink_to("/etc")
    (upper / "etc/gatelocal/host_key").write_text("secret")
    (upper / "etc/pip.conf").write_text("password")
    (upper / "was-folder").write_text("now a file")
    os.mkfifo(upper / "home/pipe")
    settings = {
        "facts": FACTS,
        "upper": str(upper),
        "lower": [str(lower)],
        "skip": ["etc/gatelocal", "etc/pip.conf"],
        "first": os.getuid(),
    }
    assert Difference(settings).gone == ["was-folder"]
    difference.main(str(tmp_path / "a"), settings)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600
    found = handed_on(tmp_path / "a")
    assert sorted(found) == ["./etc", "./home", "./home/away", "./home/file", "./was-folder"]
    assert (found["./home/file"].uid, found["./home/away"].linkname) == (0, "/etc")
    assert carried.read(tmp_path / "a").gone == ("was-folder",)


def test_what_cannot_be_carried_away_is_told(tmp_path: Path) -> None:
    folder, record = place.create(tmp_path, "local", "debian-bookworm")
    (tmp_path / "there").touch()
    with pytest.raises(InputError, match="is there already"):
        portable.export(folder, record, tmp_path / "there", print)
    with pytest.raises(InfrastructureError, match="of the kind local") as caught:
        portable.export(folder, record, tmp_path / "new", print)
    assert "nspawn" in caught.value.hint and not (tmp_path / "new").exists()


def test_an_image_that_nobody_knows_is_told_before_anything_is_made(tmp_path: Path) -> None:
    file = archive(tmp_path / "a", facts={**FACTS, "label": "sid\x1b[2J"})
    with pytest.raises(ConfigurationError, match="no image is called") as caught:
        portable.bring(pool.launcher("nspawn", tmp_path / "cache", tmp_path / "nodes"), file, print)
    assert "\x1b" not in caught.value.brief and not (tmp_path / "nodes").exists()
