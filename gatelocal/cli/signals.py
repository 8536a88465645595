"""Signals that end a command take Ctrl-C's way, so that what is running is stopped and what was made is removed."""

from __future__ import annotations

import os
import signal
from types import FrameType

_ENDING = (signal.SIGTERM, signal.SIGHUP)


def end_as_interrupted() -> None:
    """From now on SIGTERM and SIGHUP raise KeyboardInterrupt, once: what comes after it does not cut the tidying short.

    One that is ignored (as under ``nohup``) stays ignored. A child that goes on in this program after a fork ends by
    the signal as usual.
    """
    owner = os.getpid()

    def end(number: int, _: FrameType | None) -> None:
        if os.getpid() != owner:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        for each in _ENDING:
            if signal.getsignal(each) is end:
                signal.signal(each, _pass_over)  # a handler, and not SIG_IGN: that, programs that are started inherit
        raise KeyboardInterrupt

    for each in _ENDING:
        if signal.getsignal(each) is not signal.SIG_IGN:
            signal.signal(each, end)


def _pass_over(_: int, __: FrameType | None) -> None:
    """Do nothing: it is on its way."""
