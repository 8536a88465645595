"""Whether this machine's hardware acceleration boots a guest: it is tried with a time limit, and the answer remembered.

That ``/dev/kvm`` is there and opens proves nothing (nested virtualisation may hang a guest after its firmware).
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from gatelocal import process
from gatelocal.launcher import machine, steps
from gatelocal.ports import Say

_LIMIT = 10.0
_KVM = Path("/dev/kvm")


def why_not(cache: Path, kernel: Callable[[], Path], say: Say) -> str:
    """Why there is no acceleration; empty when there is.

    :param cache: where the answer is remembered, per boot of this machine, kernel and QEMU.
    :param kernel: gives the folder of a kernel to try with; called only when a trial is needed.
    """
    if not _KVM.exists():
        return "there is no /dev/kvm"
    try:
        os.close(os.open(_KVM, os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        return f"/dev/kvm cannot be opened ({error.strerror})"
    memory = cache / "acceleration.json"
    key = _key()
    with contextlib.suppress(OSError, ValueError):
        remembered = json.loads(memory.read_text())
        if remembered["key"] == key:
            return str(remembered["why_not"])
    files = kernel()
    with steps.step(say, "trying hardware acceleration", f"a small guest to boot (at most {_LIMIT:.0f} s)"):
        answer = "" if _boots(files) else "/dev/kvm is there but boots no guest"
    cache.mkdir(parents=True, exist_ok=True)
    memory.write_text(json.dumps({"key": key, "why_not": answer}))
    return answer


def _key() -> list[str]:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    version = process.run(["qemu-system-x86_64", "--version"], timeout=30).stdout.partition("\n")[0]
    return [boot, os.uname().release, version, "3"]


def _boots(kernel: Path) -> bool:
    argv = (
        *("qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"),
        *("-machine", "q35,accel=kvm", "-cpu", "host", "-m", "256", "-serial", "stdio"),
        *("-kernel", str(kernel / "vmlinuz"), "-initrd", str(kernel / "initrd")),
        *("-append", "console=ttyS0 quiet panic=-1 gatelocal.probe"),
    )
    with tempfile.TemporaryDirectory(prefix="gatelocal-") as folder:
        guest = process.spawn(argv, log=Path(folder) / "console")
        try:
            deadline = time.monotonic() + _LIMIT
            while time.monotonic() < deadline:
                ended = guest.ended() is not None
                if machine.UP in guest.last_words(100):
                    return True
                if ended:
                    return False
                time.sleep(0.05)
            return False
        finally:
            guest.stop(grace=0)
