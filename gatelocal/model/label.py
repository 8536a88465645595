"""What the label of a node means here: which image it starts from, how large it is, what stands in for what."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

from gatelocal.model.record import dataclass, replace

_GIBIBYTE = 1024


@dataclass(frozen=True, slots=True)
class Size:
    """How large a node is. :ivar cpus: processors. :ivar memory: mebibytes. :ivar disk: gibibytes."""

    cpus: int = 2
    memory: int = 2048
    disk: int = 24


@dataclass(frozen=True, slots=True)
class Origin:
    """What an image is made from.

    :ivar suite: the Debian release's code name, built from the archive; with a path, the release whose package sources
        of this machine its nodes get (empty: they keep what is in them).
    :ivar path: a disk (qcow2 or raw), a tar archive or a folder of this machine that holds the system instead.
    """

    name: str
    suite: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Host:
    """A machine of the user's, which is there already.

    :ivar patterns: the labels that it has. :ivar host_key: what it must show, as ``ssh-ed25519 AAAA...``.
    :ivar key: the file of a private key of this machine; empty: whatever ssh tries by itself.
    :ivar wipe: the command line on this machine that makes it as new; empty: nothing does.
    """

    address: str
    patterns: tuple[str, ...]
    host_key: str
    user: str = "zuul"
    port: int = 22
    key: str = ""
    wipe: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What it is told apart by."""
        return f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class Cloud:
    """How servers of a cloud are made for these labels.

    :ivar cloud: its name in the user's ``clouds.yaml``, where its address and credentials are.
    :ivar image: name or id of what a server starts from. :ivar flavor: of how large it is.
    :ivar network: of what it is connected to; empty: the one that the project has.
    :ivar key: the name of a key pair of the cloud's that is let in as well; empty: none.
    :ivar groups: names of security groups; none: the project's default one.
    :ivar port: where its ssh server listens. :ivar most: servers at the same time; 0: as many as the quota lets.
    """

    patterns: tuple[str, ...]
    cloud: str
    image: str
    flavor: str
    network: str = ""
    key: str = ""
    groups: tuple[str, ...] = ()
    port: int = 22
    most: int = 0


@dataclass(frozen=True, slots=True)
class Meaning:
    """Labels that fit one of the patterns (``*``, ``?`` and ``[...]``) start from that image.

    :ivar stands_in: the image is of another system than the labels name.
    """

    patterns: tuple[str, ...]
    image: str
    stands_in: bool = False


@dataclass(frozen=True, slots=True)
class Sizing:
    """Labels that fit one of the patterns have that size; None: what is usual."""

    patterns: tuple[str, ...]
    cpus: int | None = None
    memory: int | None = None
    disk: int | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a label comes to.

    :ivar label: as the job names it, or the usual one. :ivar known: whether the table speaks of it.
    :ivar note: the sentence that declares a substitute; empty where there is none.
    """

    label: str
    origin: Origin
    size: Size
    known: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True)
class Labels:
    """The table; of several lines that fit, the first counts.

    :ivar default: the image of a job that names no label, and of labels that the table does not know.
    """

    default: str
    origins: Mapping[str, Origin]
    meanings: tuple[Meaning, ...] = ()
    sizings: tuple[Sizing, ...] = ()
    hosts: tuple[Host, ...] = ()
    clouds: tuple[Cloud, ...] = ()

    def hosts_of(self, label: str | None) -> tuple[Host, ...]:
        """The user's machines that have that label (None: the default one)."""
        return tuple(host for host in self.hosts if _fits(label or self.default, host.patterns))

    def cloud_of(self, label: str | None) -> Cloud | None:
        """Where servers of that label (None: the default one) are made; None: in no cloud."""
        return next((cloud for cloud in self.clouds if _fits(label or self.default, cloud.patterns)), None)

    def wanted(self, label: str | None) -> Wanted:
        """What is meant by a label (None: the job names none)."""
        name = label or self.default
        found = next((one for one in self.meanings if _fits(name, one.patterns)), None)
        if found is None:
            found = Meaning((), name) if name in self.origins else Meaning((), self.default, stands_in=True)
            known = not found.stands_in
        else:
            known = True
        note = f"{found.image} stands in for {name}" if found.stands_in else ""
        return Wanted(name, self.origins[found.image], self._size(name), known, note)

    def _size(self, label: str) -> Size:
        found = next((one for one in self.sizings if _fits(label, one.patterns)), None)
        if found is None:
            return Size()
        given = {"cpus": found.cpus, "memory": found.memory, "disk": found.disk}
        return replace(Size(), **{name: value for name, value in given.items() if value is not None})

    def at_least(self, memory: int) -> Labels:
        """This table, where nodes of which it does not say how large they are have that many mebibytes or more."""
        whole = -(-memory // _GIBIBYTE) * _GIBIBYTE
        usual = Sizing(("*",), memory=max(Size().memory, whole))
        sized = (one if one.memory is not None else replace(one, memory=usual.memory) for one in self.sizings)
        return replace(self, sizings=(*sized, usual))

    def extended(self, own: Labels) -> Labels:
        """This table with another one before it, whose images and lines count first."""
        return Labels(
            own.default or self.default,
            {**self.origins, **own.origins},
            (*own.meanings, *self.meanings),
            (*own.sizings, *self.sizings),
            (*own.hosts, *self.hosts),
            (*own.clouds, *self.clouds),
        )


def _fits(label: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(label, pattern) for pattern in patterns)
