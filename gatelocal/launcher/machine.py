"""What a virtual machine boots: the archive's kernel, a small initramfs of our own, a disk made from an image's tree.

There is no boot loader and no firmware to wait for; the disk is written by mke2fs, so that nothing is ever mounted.
"""

from __future__ import annotations

import gzip
import lzma
import struct
from dataclasses import dataclass
from pathlib import Path

from gatelocal import process
from gatelocal.errors import InfrastructureError
from gatelocal.launcher import bootstrap, images, layers, recipe, steps, trials
from gatelocal.launcher.seed import File, cpio
from gatelocal.model.label import Size
from gatelocal.ports import Say

UP = "gatelocal: the kernel is up"
"""What a guest that is booted with ``gatelocal.probe`` writes on its console before it powers off."""

LAN = "gatelocal.lan"
"""The word on a guest's command line that says its address in its job's network."""

ADDRESS, GATEWAY, RESOLVER = "10.0.2.15", "10.0.2.2", "10.0.2.3"
_MODULES = ("virtio_pci", "virtio_blk", "virtio_net", "virtio_rng")

_INIT = f"""#!/bin/busybox sh
b=/bin/busybox
$b mkdir -p /dev /proc /sys /root
$b mount -t devtmpfs dev /dev
$b mount -t proc proc /proc
for module in $($b cat /modules/order); do $b insmod /modules/$module; done
if $b grep -q gatelocal.probe /proc/cmdline; then echo "{UP}"; $b poweroff -f; fi
$b ip link set lo up
$b ip link set eth0 up
$b ip addr add {ADDRESS}/24 dev eth0
$b ip route add default via {GATEWAY}
lan=$($b sed -n 's/.*{LAN}=\\([0-9./]*\\).*/\\1/p' /proc/cmdline)
if [ -n "$lan" ]; then
    $b ip link set eth1 name lan0
    $b ip link set lan0 up
    $b ip addr add "$lan" brd + dev lan0
fi
until [ -b /dev/vda ]; do $b sleep 0.1; done
$b mount -t ext4 -o noatime,noinit_itable /dev/vda /root ||
    exec $b sh -c 'echo "the disk cannot be mounted"; poweroff -f'
$b cp -a /seed/. /root/
$b umount /proc
$b mount --move /dev /root/dev
exec $b switch_root /root /lib/systemd/systemd
"""

# Makes the disk of the kernel's modules ($1) and the trees from $4 on (the uppermost first; folders, or one archive)
# into the file $2 of $3 bytes.
_FILL = """
set -eu
modules=$1 disk=$2 size=$3
shift 3
mkdir tree
if [ $# -gt 1 ]; then
    mkdir merged
    ln -s "$1" upper
    ln -s "$2" lower
    mount -t overlay -o lowerdir=upper:lower overlay merged
    cp -a merged/. tree/
    umount merged
elif [ -d "$1" ]; then cp -a --reflink=auto "$1/." tree/; else tar -x -C tree --exclude='./dev/*' -f "$1"; fi
mkdir -p tree/usr/lib/modules
cp -r "$modules/." tree/usr/lib/modules/
truncate -s "$size" "$disk"
mke2fs -q -t ext4 -O '^has_journal,^metadata_csum,uninit_bg,^64bit' -m 0 \\
    -E lazy_itable_init=1,nodiscard -L root -d tree "$disk"
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """The files of an image that QEMU starts from. :ivar initrd: a seed in cpio format may be appended to its copy."""

    kernel: Path
    initrd: Path
    disk: Path


def ensure_kernel(image: images.Image, say: Say) -> Path:
    """The folder with ``vmlinuz``, ``initrd`` and ``modules``, made when it is not there.

    :raises InfrastructureError: it cannot be made here.
    """
    part = image.kernel.folder / f"{layers.KERNEL}-{_KEY}"
    if not part.exists():
        with layers.building(image.kernel, part.name) as folder:
            if folder is not None:
                with steps.step(say, f"fetching a kernel for the image {image.label}", "the Debian archive"):
                    _fetch_kernel(image, folder, folder / part.name)
        layers.forget(image.kernel, layers.KERNEL, part.name)
    return part


_KEY = recipe.key(_INIT, _MODULES)[:8]


def ensure(image: images.Image, say: Say, gibibytes: int = Size().disk) -> Machine:
    """What a virtual machine of the image boots, made when it is not there. Errors: see :func:`ensure_kernel`.

    :param gibibytes: how much the disk holds; of a file with holes, which is smaller.
    """
    trees = images.ensure_rootfs(image, say)
    kernel = ensure_kernel(image, say)
    disk = image.packages.folder / f"{layers.DISK}-{gibibytes}-{recipe.key(image.kernel.key, _KEY, _FILL)[:8]}"
    if not disk.exists():
        with layers.building(image.packages, disk.name) as folder:
            if folder is not None:
                with steps.step(say, f"writing the disk of the image {image.label}", "mke2fs"):
                    _fill(trees, kernel / "modules", folder / disk.name, gibibytes << 30)
        layers.forget(image.packages, f"{layers.DISK}-{gibibytes}", disk.name)
    return Machine(kernel / "vmlinuz", kernel / "initrd", disk)


def _fill(trees: tuple[Path, ...], modules: Path, disk: Path, size: int) -> None:
    process.find("mke2fs")
    words = (str(disk.parent), str(modules), str(disk), str(size), *map(str, trees))
    argv = (*bootstrap.as_root(), *(trials.PRIVATE if len(trees) > 1 else ()))
    script = ("sh", "-c", f'cd "$1"; shift; {_FILL}', "sh", *words)
    log = disk.parent.parent / "disk.log"
    steps.watched((*argv, *script), log, "writing the image's disk", environment=bootstrap.PATH)


def _fetch_kernel(image: images.Image, folder: Path, out: Path) -> None:
    target = folder / ("tree" if trials.is_root() else "tree.tar")
    options = ("--variant=extract", f"--include={','.join(recipe.KERNEL_PACKAGES)}")
    bootstrap.debian(image.kernel, image.suite, image.kernel_settings, target, options, None)
    tree = folder / "tree"
    if not trials.is_root():
        tree.mkdir()
        unpack = ["tar", "-x", "-C", str(tree), "--exclude=./dev/*", "-f", str(target)]
        steps.watched(unpack, folder.parent / "kernel.log", "unpacking the kernel")
    _assemble(tree, out)


def _assemble(tree: Path, out: Path) -> None:
    out.mkdir()
    found = sorted((tree / "lib/modules").iterdir())
    images_ = sorted((tree / "boot").glob("vmlinuz-*"))
    if not found or not images_:
        raise InfrastructureError("the kernel's package holds no kernel", details=str(tree))
    depmod = [*bootstrap.as_root(), process.find("chroot"), str(tree), "/sbin/depmod", found[-1].name]
    steps.watched(depmod, tree.parent.parent / "kernel.log", "listing the kernel's modules")
    (out / "vmlinuz").write_bytes(unpacked(images_[-1].read_bytes()))
    (out / "initrd").write_bytes(_initrd(tree, found[-1]))
    (out / "modules").mkdir()
    found[-1].rename(out / "modules" / found[-1].name)


def _initrd(tree: Path, modules: Path) -> bytes:
    order = load_order((modules / "modules.dep").read_text(), _MODULES)
    files = [File(f"/modules/{Path(each).name}", (modules / each).read_bytes()) for each in order]
    listing = "".join(f"{Path(each).name}\n" for each in order).encode()
    return cpio(
        [
            File("/init", _INIT.encode(), 0o755),
            File("/bin/busybox", (tree / "bin/busybox").read_bytes(), 0o755),
            File("/modules/order", listing),
            *files,
        ]
    )


def load_order(dependencies: str, wanted: tuple[str, ...]) -> list[str]:
    """The files of kernel modules, what they depend on first (modules.dep(5)); those that are built in are left out."""
    needs = dict(line.split(":", 1) for line in dependencies.splitlines() if ":" in line)
    by_name = {Path(path).name.partition(".")[0].replace("-", "_"): path for path in needs}
    order: list[str] = []
    for name in wanted:
        path = by_name.get(name)
        for each in [*reversed(needs[path].split()), path] if path else ():
            if each not in order:
                order.append(each)
    return order


def unpacked(kernel: bytes) -> bytes:
    """The ELF kernel inside a compressed x86 kernel image, so that an emulated processor need not unpack it.

    The place of the payload is in the image's header ("The Linux/x86 Boot Protocol"). A kernel packed in a way that is
    not known here, or without the note that lets QEMU enter it directly (PVH), comes back as it was.
    """
    if kernel[0x202:0x206] != b"HdrS":
        return kernel
    sectors = kernel[0x1F1] or 4
    offset, length = struct.unpack_from("<II", kernel, 0x248)
    begin = (sectors + 1) * 512 + offset
    payload = kernel[begin : begin + length]
    try:
        if payload.startswith(b"\xfd7zXZ"):
            inside = lzma.LZMADecompressor().decompress(payload)
        elif payload.startswith(b"\x1f\x8b"):
            inside = gzip.decompress(payload)
        else:
            return kernel
    except (lzma.LZMAError, OSError, EOFError):
        return kernel
    return inside if inside.startswith(b"\x7fELF") and b"\x12\0\0\0Xen\0" in inside else kernel
