"""Nodes that are booted containers (systemd-nspawn) with a network of their own; for root, at native speed.

They share this machine's kernel. Root in them is nobody on this machine, where the kernel can do that, and lacks the
rights that no job has business with; memory, tasks and disk have limits. What of that cannot be had here is told.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from gatelocal import process
from gatelocal.errors import InfrastructureError
from gatelocal.launcher import (
    connection,
    groups,
    images,
    lan,
    limits,
    network,
    place,
    seed,
    snapshots,
    steps,
    trials,
)
from gatelocal.launcher.lifecycle import NodeState
from gatelocal.launcher.providers import walls
from gatelocal.model.label import Size
from gatelocal.ports import Say

KIND = "container (systemd-nspawn)"
_READY_SECONDS = 120.0
_START_SECONDS = 30.0
_MEMORY = "containers.json"
_LEFT_OUT = (
    *("CAP_MKNOD", "CAP_DAC_READ_SEARCH", "CAP_LINUX_IMMUTABLE", "CAP_SYS_TTY_CONFIG", "CAP_LEASE"),
    *("CAP_AUDIT_CONTROL", "CAP_SYS_BOOT", "CAP_NET_BROADCAST"),
)
_MASKED = tuple(
    seed.File(f"/etc/systemd/system/{unit}.service", b"")
    for unit in (
        *("systemd-sysusers", "systemd-remount-fs", "systemd-journal-flush", "systemd-journal-catalog-update"),
        *("systemd-tmpfiles-setup-dev", "systemd-modules-load", "kmod-static-nodes", "systemd-random-seed"),
    )
)
"""What has nothing to do in a container whose disk is an image's; ssh would wait for it. An empty unit is never started
(systemd.unit(5))."""
_UNTRIED = seed.File("/etc/systemd/system/ssh.service.d/gatelocal.conf", b"[Service]\nExecStartPre=\n")
"""So that the ssh server does not read its configuration once more beforehand, only to say whether it is right."""
_GENERATORS = tuple(
    seed.File(f"/etc/systemd/system-generators/systemd-{name}-generator", b"")
    for name in (
        *("bless-boot", "cryptsetup", "getty", "gpt-auto", "hibernate-resume", "integritysetup", "ssh", "tpm2"),
        *("run", "system-update", "veritysetup", "debug", "rc-local"),
    )
)
"""So that programs of those names, which look for disks, terminals, the words of a kernel's command line and what is to
be done at a boot that never comes, are not run (systemd.generator(7))."""
_LAST = "1000"  # of a thousand, how gladly the kernel ends a process when this machine's memory is short

# Runs as the first process of the namespaces, in the node's folder: its NAME, its trees (the uppermost first; a disk of
# another node with the first of that one's users behind a =), the FIRST user of its range (0: it has none), BYTES of
# disk (0: no limit), Python and the idmap program, then the control groups to move to. What the container says on its
# console is kept as far as anybody reads it.
_UP = r"""
set -eu
name=$1 trees=$2 first=$3 bytes=$4 python=$5 idmap=$6
shift 6
for group; do echo $$ >"$group/cgroup.procs"; done
echo @LAST@ >/proc/self/oom_score_adj
ip link set lo up
# systemd-nspawn keeps a folder for each container there and leaves it behind when it is killed: not on this machine.
if [ -d /run/systemd ]; then mount -t tmpfs -o mode=755 tmpfs /run/systemd; else mount -t tmpfs tmpfs /run; fi
below= mapped= number=0
for tree in $trees; do
    inner=0
    case $tree in
    *=*)
        inner=${tree#*=} tree=${tree%=*}
        mkdir "of-$tree"
        mount -o ro,loop,noload "$tree" "of-$tree"
        tree=of-$tree/upper ;;
    esac
    if [ "$first" != 0 ]; then
        number=$((number + 1)) place=shown$number
        mapped="$mapped $inner $tree $place" tree=$place
    fi
    below="$below${below:+:}$tree"
done
showing=
[ "$first" = 0 ] || { "$python" -I -S "$idmap" "$first" 65536 $mapped & showing=$!; }
if [ "$bytes" != 0 ]; then
    mke2fs -q -F -t ext4 -O '^has_journal,^metadata_csum,uninit_bg' -m 0 -E lazy_itable_init=1,nodiscard disk
    mount -o loop,noatime,noinit_itable disk changes
fi
mkdir -p changes/upper changes/work
own= users=--network-namespace-path=/proc/self/ns/net
if [ "$first" != 0 ]; then
    chown "$first:$first" changes/upper
    wait "$showing"
    own="setpriv --reuid $first --regid $first --clear-groups"
    users="--private-users=$first:65536 --private-users-ownership=off --private-network"
fi
layers=lowerdir=$below,upperdir=changes/upper,workdir=changes/work
mount -t overlay -o "$layers,volatile" overlay root 2>/dev/null ||
    mount -t overlay -o "$layers" overlay root 2>/dev/null ||
    { [ "$first" = 0 ] && cp -a --reflink=auto lower0/. root/; }
(cd root && exec $own tar -x --no-overwrite-dir -f -) <seed.tar
systemd-nspawn --quiet --boot --register=no --keep-unit --directory=root --machine="$name" $users \
    --drop-capability=@LEFT_OUT@ \
    --resolv-conf=off --link-journal=no --console=pipe 2>&1 |
    { dd bs=1024 count=20000 status=none; cat >/dev/null; }
""".replace("@LEFT_OUT@", ",".join(_LEFT_OUT)).replace("@LAST@", _LAST)

# Starts `true` in a container of this machine's own /usr, in the very way in which a node is started.
_TRIAL = """
if [ -d /run/systemd ]; then mount -t tmpfs -o mode=755 tmpfs /run/systemd; else mount -t tmpfs tmpfs /run; fi || exit 1
exec systemd-nspawn --quiet --register=no --keep-unit --volatile=yes --directory=/ --machine=gatelocal-trial \
    --network-namespace-path=/proc/self/ns/net --resolv-conf=off --link-journal=no --console=pipe true
"""


class DidNotStart(InfrastructureError):
    """A container ended while it started: this machine may not be fit for any."""


def why_not(cache: Path) -> str:
    """Why there can be no container here; empty when there can. It is tried, not guessed.

    :param cache: where the answer is remembered. :raises ProgramMissing: a program is not installed.
    """
    process.find("systemd-nspawn")
    if not trials.is_root():
        return "containers need root"
    return network.why_not() or trials.remembered(cache / _MEMORY, ["systemd-nspawn"], lambda: walls.why_not(_TRIAL))


def does_not_work(cache: Path, error: DidNotStart) -> None:
    """Remember that a container did not start here, although the trial did."""
    trials.keep(cache / _MEMORY, ["systemd-nspawn"], f"a container was tried and did not start ({error.brief})")


@dataclass(frozen=True, slots=True)
class Provider:
    """Boots containers of one size.

    :ivar of: a snapshot that they go on from, with an identity of their own. :ivar port: of the network with others.
    """

    size: Size
    of: snapshots.Snapshot | None = None
    port: lan.Port | None = None

    def launch(self, image: images.Image, folder: Path, record: place.Record, say: Say) -> connection.SshNode:
        """Boot a container of the image in the node's folder.

        :raises InfrastructureError: it does not come up; its console's last lines are in the details.
        """
        record = self._prepare(image, folder, record, say)
        if record.disk and record.disk < self.size.disk << 30:
            say(f"the node's disk holds {record.disk / (1 << 30):.1f} GiB: there is no room for {self.size.disk}")
        record = place.move(folder, record, NodeState.BOOTING)
        with steps.step(say, f"starting the {KIND} {record.name}", "its ssh server"):
            return _boot(folder, record, self.port)

    def _prepare(self, image: images.Image, folder: Path, record: place.Record, say: Say) -> place.Record:
        """All that the container is started from, in its folder."""
        cache, of = image.packages.cache, self.of
        trees = of.trees if of else images.ensure_rootfs(image, say)
        images.use(image, of.layers(cache) if of else image.layers, folder)
        walled = walls.around(cache, say)
        if of and walled.no_users and any(tree.first for tree in map(snapshots.tree, trees)):
            why = f"the snapshot {of.name} has other users"
            raise InfrastructureError(why, hint=f"take it anew: {walled.no_users}")
        limited = limits.of_container(self.size, folder.parent)
        for part in ("changes", "root", *(f"shown{number + 1}" for number in range(len(trees)))):
            (folder / part).mkdir(mode=0o755)
        others = self.port.hosts if self.port else seed.NOBODY
        files = (
            *seed.identity(folder, record.name, network.ADDRESS, others),
            *image.settings.files,
            *_GENERATORS,
            *_MASKED,
            _UNTRIED,
            _resolver(),
        )
        seed.write_tar(folder / "seed.tar", files)
        made = groups.make(record.name, limited)
        disk = 0 if walled.no_disks else limited.disk
        if disk:
            with (folder / place.DISK).open("wb") as opened:
                opened.truncate(disk)
        return replace(
            record,
            cgroups=tuple(map(str, made.paths)),
            home=seed.HOME,
            trees=tuple(map(str, trees)),
            first=0 if walled.no_users else walls.range_of(record.name),
            disk=disk,
            description="; ".join(filter(None, (record.description, walled.lacking(made)))),
        )


def _boot(folder: Path, record: place.Record, plugged: lan.Port | None) -> connection.SshNode:
    below = []
    for number, tree in enumerate(map(snapshots.tree, map(Path, record.trees))):
        (folder / f"lower{number}").symlink_to(tree.path)
        below.append(f"lower{number}" + (f"={tree.first}" if tree.is_disk else ""))
    first = record.first
    words = (record.name, " ".join(below), str(first), str(record.disk), *walls.IDMAP, *record.cgroups)
    # Without this variable systemd-nspawn makes /tmp a tenth of the memory.
    child, record = network.start(folder, record, ("sh", "-c", _UP, "sh", *words), {"SYSTEMD_NSPAWN_TMPFS_TMP": "0"})

    def check(waited: float) -> None:
        if child.ended() is not None:
            raise DidNotStart(
                f"the container {record.name} ended while it started ({waited:.0f} s)",
                details=child.last_words(),
                hint="choose another kind of node: --node qemu, or --node local",
            )

    inner = _first_inside(record.inner, check) if first else record.inner
    try:
        port, record = network.connect(folder, record, inner, 22)
        if plugged:
            lan.plug(plugged, inner)
    except InfrastructureError:
        _wait_for(child)
        check(0.0)
        raise
    connection.write_configuration(folder, record.name, port)
    node = connection.SshNode(folder, record)
    try:
        node.connect(_READY_SECONDS, port, check)
    except TimeoutError as error:
        raise InfrastructureError(
            f"the container {record.name} was not ready in time: {error}",
            details=child.last_words(),
            hint="is the machine overloaded? another kind of node: --node qemu, or --node local",
        ) from error
    node.settle()
    return node


def _first_inside(outer: int, check: Callable[[float], None]) -> int:
    """The first process that has the container's own network, below the process `outer`."""
    began = time.monotonic()
    while (waited := time.monotonic() - began) < _START_SECONDS:
        with contextlib.suppress(OSError):  # any of them may end
            without = Path(f"/proc/{outer}/ns/net").readlink()
            for pid in _descendants(outer):
                if Path(f"/proc/{pid}/ns/net").readlink() != without:
                    return pid
        check(waited)
        time.sleep(0.01)
    raise DidNotStart(f"the container had no network of its own in {_START_SECONDS:.0f} s")


def _wait_for(child: process.Child, seconds: float = 2.0) -> None:
    """Give a container that is about to end the time for it: what it says is more than that its network was gone."""
    deadline = time.monotonic() + seconds
    while child.ended() is None and time.monotonic() < deadline:
        time.sleep(0.02)


def _descendants(pid: int) -> Iterator[int]:
    with contextlib.suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            yield int(child)
            yield from _descendants(int(child))


def _resolver() -> seed.File:
    return seed.File("/etc/resolv.conf", f"nameserver {network.RESOLVER}\n".encode())
