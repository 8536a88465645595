"""A held container as a file, and back on this or another machine: what it has changed, and what it was made from.

The tree of a file that comes from elsewhere is unpacked in a container alone, by its own root, who can do there what
any job could. Passwords of package sources and whatever else a node is given of its machine do not go along.
"""

from __future__ import annotations

import json
import secrets
import sys
import tarfile
from dataclasses import asdict, replace
from pathlib import Path

from gatelocal import process
from gatelocal.errors import ConfigurationError, InfrastructureError, InputError
from gatelocal.launcher import carried, difference, layers, place, recipe, snapshots, steps
from gatelocal.launcher.lifecycle import NodeState
from gatelocal.launcher.pool import Pool
from gatelocal.model.text import visible
from gatelocal.ports import Say

_PATIENCE = 3600.0
_SKIPPED = ("etc/gatelocal", "var/lib/systemd/random-seed")
_NODE = ("-l", "root", "-T", "node", "--")


def export(folder: Path, record: place.Record, to: Path, say: Say) -> None:
    """Write what a running container has changed, and its recipe, to a file.

    :param folder: the node's. :raises InputError: the file is there.
    :raises InfrastructureError: the node cannot do it.
    """
    if to.exists():
        raise InputError(f"{to} is there already", hint="take another name")
    if record.kind != "nspawn" or not record.inner or record.state not in (NodeState.READY, NodeState.HELD):
        why = f"the node {record.name} is of the kind {record.kind}, or does not run"
        raise InfrastructureError(f"{why}: it cannot be carried away", hint="running containers can: --node nspawn")
    if any(snapshots.tree(Path(tree)).is_disk for tree in record.trees):
        raise InfrastructureError(f"the node {record.name} goes on from a snapshot: it cannot be carried away")
    with tarfile.open(folder / "seed.tar") as given:
        skip = [*given.getnames(), *_SKIPPED]
    occasion = asdict(record.occasion) if record.occasion is not None else None
    facts = {
        "format": carried.FORMAT,
        "label": record.label,
        "layers": [Path(tree).parent.name for tree in record.trees],
        "notes": record.notes,
        "occasion": occasion,
    }
    lower = [str(folder / f"lower{number}") for number in range(len(record.trees))]
    settings = folder / "export.json"
    upper = str(folder / "changes/upper")
    settings.write_text(
        json.dumps({"facts": facts, "upper": upper, "lower": lower, "skip": skip, "first": record.first})
    )
    fresh = to.absolute().with_name(f".{to.name}.{secrets.token_hex(4)}")
    program = (sys.executable, "-I", "-S", difference.__file__, str(fresh), str(settings))
    try:
        with steps.step(say, f"writing {to}", "the node's disk"):
            process.run(("nsenter", "--mount", "--target", str(record.inner), "--", *program), timeout=_PATIENCE)
        fresh.rename(to)
    except (process.ProgramFailed, TimeoutError) as error:
        details = getattr(error, "details", str(error))
        raise InfrastructureError(f"the node {record.name} was not written to {to}", details=details) from error
    finally:
        fresh.unlink(missing_ok=True)
        settings.unlink(missing_ok=True)


def bring(pool: Pool, file: Path, say: Say, *, anyway: bool = False) -> place.Record:
    """A held container that goes on from what :func:`export` has written, with an identity of its own.

    :param anyway: also on another image than the one that it was made from, which is noted then.
    :raises InputError: the file is no such archive. :raises ConfigurationError: it was made from another image.
    """
    facts = carried.read(file)
    if facts.label not in pool.labels.origins:
        known = ", ".join(sorted(pool.labels.origins))
        raise ConfigurationError(f"no image is called {visible(facts.label)} here", hint=f"images: {known}")
    family = facts.layers[0].partition("-")[0] if facts.layers else ""
    maker = replace(pool, family=family if family in recipe.FAMILIES else pool.family)
    snapshot, note = _kept(maker, facts, file, say, anyway=anyway)
    try:
        clone = maker.clone(snapshot.name, say)
    except BaseException:
        layers.remove(snapshot.folder)
        raise
    folder = pool.runtime / clone.name
    clone.hold(facts.occasion)
    record = place.read(folder)
    if record is None:
        raise InfrastructureError(f"the node {clone.name} is gone")
    record = replace(record, notes=tuple(filter(None, (*facts.notes, note))))
    place.write(folder, record)
    return record


def _kept(pool: Pool, facts: carried.Facts, file: Path, say: Say, *, anyway: bool) -> tuple[snapshots.Snapshot, str]:
    """The archive's tree as a snapshot; what is other than where it was made."""
    node = pool.launch(facts.label, say)
    try:
        folder = pool.runtime / node.name
        record = place.read(folder)
        own = tuple(Path(tree).parent.name for tree in record.trees) if record is not None else ()
        note = (
            ""
            if own == facts.layers
            else f"it was made from {', '.join(facts.layers)}, and goes on from {', '.join(own)}"
        )
        if note and not anyway:
            hint = "the same table of labels and the same package sources make the same image; --anyway goes without"
            raise ConfigurationError(f"{file} was made from another image", details=visible(note), hint=hint)
        with steps.step(say, f"unpacking {file}", "the node's disk"):
            _unpack(folder, facts, file, record.disk if record is not None else 0)
        return pool.snapshot(node.name, f"import-{secrets.token_hex(4)}"), visible(note)
    finally:
        node.close()


def _unpack(folder: Path, facts: carried.Facts, file: Path, most: int) -> None:
    ssh = ("ssh", "-F", str(folder / "ssh_config"), *_NODE)
    gone = "".join(f"./{name}\0" for name in facts.gone).encode("utf-8", "surrogateescape")
    check = (sys.executable, "-P", "-m", "gatelocal.launcher.carried", str(file.absolute()), str(most))
    try:
        process.run((*ssh, "cd / && xargs -0 -r rm -rf --"), stdin=gone, timeout=_PATIENCE)
        process.pipe(check, (*ssh, "tar -x -p --numeric-owner -C / -f -"), into=folder, timeout=_PATIENCE)
    except process.ProgramFailed as error:
        raise InputError(f"{file} cannot be unpacked", details=error.details) from error
    except TimeoutError as error:
        raise InfrastructureError(f"unpacking {file}: {error}") from error
