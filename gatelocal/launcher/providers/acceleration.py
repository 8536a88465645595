"""Whether this machine's hardware acceleration boots a guest: it is tried with a time limit, and the answer remembered.

That ``/dev/kvm`` is there and opens proves nothing (nested virtualisation may hang a guest after its firmware).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from gatelocal import process
from gatelocal.launcher import machine, place, steps, trials
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

    def find_out() -> str:
        files = kernel()
        with steps.step(say, "trying hardware acceleration", f"a small guest to boot (at most {_LIMIT:.0f} s)"):
            return "" if _boots(files) else "/dev/kvm is there but boots no guest"

    return trials.remembered(cache / "acceleration.json", ["qemu-system-x86_64"], find_out)


def _boots(kernel: Path) -> bool:
    argv = (
        *("qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"),
        *("-machine", "q35,accel=kvm", "-cpu", "host", "-m", "256", "-serial", "stdio"),
        *("-kernel", str(kernel / "vmlinuz"), "-initrd", str(kernel / "initrd")),
        *("-append", "console=ttyS0 quiet panic=-1 gatelocal.probe"),
    )
    with place.scratch() as folder:
        guest = process.spawn(argv, log=folder / "console")
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
