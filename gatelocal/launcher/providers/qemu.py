"""Nodes that are virtual machines: QEMU with user-mode networking, direct kernel boot and a disk of their own.

A machine runs in namespaces of its own where that is possible, so that it cannot reach this machine's loopback.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from gatelocal import process
from gatelocal.errors import InfrastructureError
from gatelocal.launcher import connection, images, lan, limits, machine, network, place, seed, steps, sweeper, trials
from gatelocal.launcher.lifecycle import NodeState
from gatelocal.model.label import Size
from gatelocal.ports import Say

_NOBODY = "65534:65534"
_MAC = "52:54:00:6c:61:"  # and the number of the machine in its job's network
_PORT = 2222  # where the machine's ssh server is found inside the namespaces
_KERNEL = (
    "console=ttyS0 root=/dev/vda rw quiet loglevel=4 panic=-1 nokaslr mitigations=off net.ifnames=0 "
    "random.trust_cpu=on tsc=reliable no_timer_check fsck.mode=skip systemd.show_status=0 systemd.log_level=notice "
    "audit=0 systemd.mask=systemd-udev-settle.service systemd.mask=systemd-remount-fs.service "
    "systemd.mask=systemd-udev-trigger.service "
    "systemd.mask=systemd-modules-load.service systemd.mask=systemd-sysusers.service "
    "systemd.mask=systemd-tmpfiles-setup-dev.service systemd.mask=kmod-static-nodes.service "
    "systemd.mask=systemd-journal-flush.service systemd.mask=systemd-random-seed.service "
    "systemd.mask=modprobe@.service systemd.mask=systemd-journal-catalog-update.service "
    "systemd.mask=dev-ttyS0.device systemd.mask=serial-getty@ttyS0.service"
)

# Runs as the first process of the namespaces: points name look-ups at the network's own resolver and waits for it, and,
# unless $1 is 0, for the cable to the other machines of the job, which it leads on to the interface that QEMU has.
_UP = """
set -eu
several=$1
shift
ip link set lo up
mount --bind resolv.conf /etc/resolv.conf
until ip -4 -o address show tap0 2>/dev/null | grep -q inet; do sleep 0.02; done
if [ "$several" != 0 ]; then
    ip tuntap add dev lan1 mode tap
    ip link add cable type bridge
    ip link set lan1 master cable up
    ip link set cable up
    until ip link set lan0 master cable up 2>/dev/null; do sleep 0.02; done
fi
exec "$@"
"""

# Before QEMU: no file that it writes grows beyond $1 units of 512 bytes, and it is the first to go when this machine's
# memory is short.
_WITHIN = """
trap '' XFSZ
ulimit -f "$1"
echo 1000 >/proc/self/oom_score_adj
shift
exec "$@"
"""


def require() -> str:
    """See that the programs of a virtual machine are here. :raises ProgramMissing: one is not installed."""
    for program in ("qemu-system-x86_64", "qemu-img", "mke2fs", "ssh"):
        process.find(program)
    return ""


def describe(why_not: str) -> str:
    """The kind of machine in words. :param why_not: why it is not accelerated; empty when it is."""
    if not why_not:
        return "virtual machine (QEMU, accelerated by KVM)"
    return f"virtual machine (QEMU, emulated: {why_not})"


class DidNotBoot(InfrastructureError):
    """A machine runs and does not answer: rarely an emulated one hangs, and another one may not."""


@dataclass(frozen=True, slots=True)
class Provider:
    """Boots virtual machines of one size.

    :ivar accelerated: with KVM; emulated otherwise. :ivar patience: how often the usual time it gets to come up.
    :ivar port: of the network with others.
    """

    accelerated: bool
    size: Size = field(default_factory=Size)
    patience: int = 1
    port: lan.Port | None = None

    def launch(self, image: images.Image, folder: Path, record: place.Record, say: Say) -> connection.SshNode:
        """Boot a machine of the image in the node's folder.

        :raises DidNotBoot: it does not come up in time; its console's last lines are in the details.
        :raises InfrastructureError: it ends, or cannot be started.
        """
        return self.boot(image, machine.ensure(image, say, self.size.disk), folder, record, say)

    def boot(
        self, image: images.Image, files: machine.Machine, folder: Path, record: place.Record, say: Say
    ) -> connection.SshNode:
        """Boot a machine from these files of the image; errors as those of :meth:`launch`."""
        self._prepare(image, files, folder, record)
        record = replace(record, home=seed.HOME, disk=limits.disk(self.size, folder.parent))
        record = place.move(folder, record, NodeState.BOOTING)
        with steps.step(say, f"booting the {record.description} {record.name}", "its ssh server"):
            return self._boot(files, folder, record, say)

    def _prepare(self, image: images.Image, files: machine.Machine, folder: Path, record: place.Record) -> None:
        images.use(image, (image.packages, image.kernel), folder)
        given = (
            *seed.identity(folder, record.name, machine.ADDRESS, self.port.hosts if self.port else seed.NOBODY),
            *image.settings.files,
            seed.File("/etc/resolv.conf", f"nameserver {machine.RESOLVER}\n".encode()),
        )
        archive = seed.cpio([replace(file, path=f"/seed{file.path}") for file in given])
        initrd = folder / "initrd"
        initrd.touch(mode=0o600)
        initrd.write_bytes(files.initrd.read_bytes() + archive)
        backing = ("-b", str(files.disk), "-F", "raw")
        process.run(["qemu-img", "create", "-q", "-f", "qcow2", *backing, str(folder / "disk")], timeout=60)

    def _boot(self, files: machine.Machine, folder: Path, record: place.Record, say: Say) -> connection.SshNode:
        child, port, record = self._start(files, folder, record)
        limit = self.patience * (60.0 if self.accelerated else 150.0)
        told = [0.0]

        def check(waited: float) -> None:
            if child.ended() is not None:
                raise InfrastructureError(
                    f"the virtual machine {record.name} ended while it booted",
                    details=_console(folder),
                    hint="is there memory for it? another kind of node: --node nspawn as root, or --node local",
                )
            if waited - told[0] >= 15:
                told[0] = waited
                say(f"booting {record.name}: {waited:.0f} s of at most {limit:.0f} s")

        try:
            connection.wait_for_banner(port, limit, check)
        except TimeoutError as error:
            raise DidNotBoot(
                f"the virtual machine {record.name} did not boot: {error}",
                details=_console(folder),
                hint="is the machine overloaded? another kind of node: --node nspawn as root, or --node local",
            ) from error
        connection.write_configuration(folder, record.name, port)
        node = connection.SshNode(folder, record)
        node.connect(limit)
        node.settle()
        return node

    def _start(
        self, files: machine.Machine, folder: Path, record: place.Record
    ) -> tuple[process.Child, int, place.Record]:
        if network.why_not():
            return self._start_beside(files, folder, record)
        (folder / "resolv.conf").write_text(f"nameserver {network.RESOLVER}\n")
        several = "1" if self.port else "0"
        argv = ("sh", "-c", _UP, "sh", several, *self._argv(files, record, f"tcp:{network.ADDRESS}:{_PORT}-:22"))
        child, record = network.start(folder, record, argv)
        port, record = network.connect(folder, record, record.inner, _PORT)
        if self.port:
            lan.plug(self.port, record.inner, bare=True)
        return child, port, record

    def _start_beside(
        self, files: machine.Machine, folder: Path, record: place.Record
    ) -> tuple[process.Child, int, place.Record]:
        """Without a network of its own: in this machine's own network, which the guest then reaches as 10.0.2.2."""
        record = replace(record, description=f"{record.description}; this machine's loopback is in its reach")
        port = connection.free_port()
        argv = self._argv(files, record, f"tcp:127.0.0.1:{port}-:22")
        mark = {sweeper.MARK: record.name}
        child = process.spawn(argv, log=folder / "qemu.log", cwd=folder, environment=mark, outlive=True)
        return child, port, place.note_process(folder, record, child.pid)

    def _argv(self, files: machine.Machine, record: place.Record, forward: str) -> tuple[str, ...]:
        engine = (
            ("-accel", "kvm", "-cpu", "host") if self.accelerated else ("-accel", "tcg,thread=multi", "-cpu", "max")
        )
        size = limits.of_machine(self.size)
        # Once it is set up it can start nothing and gain no rights; who started it as root gets nobody's process.
        filtered = "on,obsolete=deny,spawn=deny,resourcecontrol=deny"
        nobody = ("-sandbox", filtered, "-runas", _NOBODY)  # to become it is refused by elevateprivileges=deny
        walls = nobody if trials.is_root() else ("-sandbox", f"{filtered},elevateprivileges=deny")
        kernel, cable = _KERNEL, tuple[str, ...]()
        if self.port:
            kernel = f"{_KERNEL} {machine.LAN}={self.port.network}"
            card = f"virtio-net-pci,netdev=lan,romfile=,mac={_MAC}{self.port.number:02x}"
            cable = ("-netdev", "tap,id=lan,ifname=lan1,script=no,downscript=no", "-device", card)
        return (
            *("sh", "-c", _WITHIN, "sh", str(record.disk // 512)),
            *("qemu-system-x86_64", *walls, "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"),
            *("-machine", "q35", *engine, "-smp", str(size.cpus), "-m", str(size.memory)),
            *("-kernel", str(files.kernel), "-initrd", "initrd", "-append", kernel),
            *("-serial", "file:console", "-rtc", "base=utc,driftfix=slew"),
            *("-drive", "if=none,id=disk,file=disk,format=qcow2,cache=unsafe,discard=unmap"),
            *("-device", "virtio-blk-pci,drive=disk", "-device", "virtio-rng-pci"),
            *("-netdev", f"user,id=net,hostfwd={forward}", "-device", "virtio-net-pci,netdev=net,romfile="),
            *cable,
        )


def _console(folder: Path) -> str:
    texts = [(folder / each) for each in ("console", "console.log", "qemu.log")]
    found = [text.read_text(errors="replace").splitlines()[-20:] for text in texts if text.exists()]
    return "\n".join(line for lines in found for line in lines)
