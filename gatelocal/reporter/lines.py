"""What a run tells, as lines for a person; it decides nothing and knows no terminal."""

from __future__ import annotations

from gatelocal.model.happening import Happening, JobEnded, JobsKnown, JobStarted, Output, Progress
from gatelocal.ports import Say


class Lines:
    """A reader of happenings.

    :param say: receives what slow steps do. :param output: receives each line that a job prints.
    """

    def __init__(self, say: Say, output: Say) -> None:
        self._say = say
        self._output = output
        self._several = False

    def __call__(self, one: Happening) -> None:
        """Show it, if it is one for people: with its build's name, when others may be heard in between."""
        match one:
            case JobsKnown():
                self._several = one.width > 1 and len(one.jobs) > 1
                if len(one.jobs) > 1:
                    how = "one after another" if one.width == 1 else f"up to {one.width} at the same time"
                    self._say(f"{len(one.jobs)} jobs, {how} (-w)")
            case Progress():
                self._say(f"job {one.job}: {one.text}" if one.job and self._several else one.text)
            case JobStarted():
                self._say(f"job {one.job}: running")
            case Output():
                self._output(f"{one.job} | {one.line}" if self._several else one.line)
            case JobEnded():
                build = one.build
                why = f": {build.reason}" if build.outcome.machinery and build.reason else ""
                self._say(f"job {one.job}: {build.outcome.value}{why}")
            case _:
                pass
