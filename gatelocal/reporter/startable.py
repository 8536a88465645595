"""Which jobs of a plan can be started here, as a table for people; it decides nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from gatelocal.jobs.startable import Startable
from gatelocal.model.plan import Plan
from gatelocal.model.text import visible


def table(plan: Plan, found: Sequence[Startable]) -> list[str]:
    """Each job, and their sum."""
    lines = [visible(f"{plan.project} {plan.branch}, pipeline {plan.pipeline}"), ""]
    wide = max((len(one.name) for one in found), default=0)
    nodes = max((len(one.label) for one in found), default=0)
    for one in found:
        word = f"no: {one.lacks}" if one.lacks else "yes"
        lines.append(visible(f"{one.name:{wide}}  {one.label:{nodes}}  {word}"))
    good = sum(not one.lacks for one in found)
    share = f" ({100 * good / len(found):.0f} %)" if found else ""
    lines += ["", f"{good} of {len(found)} jobs can be started here{share}"]
    why = Counter(one.lacks for one in found if one.lacks)
    return lines + [visible(f"  {count} cannot: {words}") for words, count in why.most_common()]
