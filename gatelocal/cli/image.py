"""`gatelocal image build|list|show|prune|delete`: the images that nodes start from; it makes none itself."""

from __future__ import annotations

import os
import re
import sys
import time

import click

from gatelocal.cli.options import Verbs, examples
from gatelocal.config.directories import directories
from gatelocal.config.labels import labels
from gatelocal.launcher import images, pool, recipe, stock
from gatelocal.launcher.layers import Layer
from gatelocal.ui.terminal import Terminal

_FAMILY = click.option(
    "--for",
    "family",
    type=click.Choice(sorted(recipe.FAMILIES)),
    default="tox",
    help="For which family of jobs; each has packages of its own on the same system.",
)
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_SECONDS = {"h": 3600, "d": 86400, "w": 7 * 86400}


def _bytes(value: str) -> int:
    found = re.fullmatch(r"([0-9]{1,12})([KMGT]?)(i?B)?", value)
    if not found:
        raise click.BadParameter(f"{value!r} is no size; such as 20G or 500M")
    return int(found[1]) * _UNITS[found[2]]


def _age(value: str) -> int:
    found = re.fullmatch(r"([0-9]{1,6})([hdw])", value)
    if not found:
        raise click.BadParameter(f"{value!r} is no age; such as 30d, 12h or 2w")
    return int(found[1]) * _SECONDS[found[2]]


@click.group(cls=Verbs, epilog=examples("gatelocal image build", "gatelocal image list", "gatelocal image prune -n"))
def image() -> None:
    """The images that nodes are started from."""


@image.command(epilog=examples("gatelocal image build debian-trixie --node nspawn"))
@click.argument("label", required=False)
@click.option(
    "--node",
    "kind",
    type=click.Choice([kind for kind in pool.KINDS if kind not in ("static", "openstack", "local")]),
    default="auto",
    help="For which kind of node; a virtual machine needs a kernel and a disk beside the tree.",
)
@_FAMILY
def build(label: str | None, kind: str, family: str) -> None:
    """Build the image for LABEL when it is not there yet."""
    folders = directories(os.environ)
    table = labels(folders.configuration)
    pool.launcher(kind, folders.cache, folders.nodes, table, family).prepare(label, Terminal(sys.stderr).say)


@image.command(name="list", epilog=examples("gatelocal image list"))
def list_() -> None:
    """Say which layers are built, how large they are and when a node has started from them."""
    found = stock.kept(images.below(directories(os.environ).cache))
    for one in found:
        click.echo(_line(one))
    click.echo(f"{_size(sum(one.size for one in found))} in all" if found else "no image is built")


@image.command(epilog=examples("gatelocal image show ubuntu-noble"))
@click.argument("label", required=False)
@_FAMILY
def show(label: str | None, family: str) -> None:
    """Say what LABEL means: its image and what stands in for what, size, layers and their keys."""
    folders = directories(os.environ)
    wanted = labels(folders.configuration).wanted(label)
    found = images.find(images.below(folders.cache), wanted.origin, os.environ, family)
    made_of = f"from {wanted.origin.path}" if wanted.origin.path else f"Debian {wanted.origin.suite}, from the archive"
    click.echo(f"label: {wanted.label}{'' if wanted.known else ' (no line of the table fits)'}")
    click.echo(f"image: {wanted.origin.name}: {made_of}")
    if wanted.note:
        click.echo(f"substitution: {wanted.note}")
    size = wanted.size
    click.echo(f"size: {size.cpus} processors, {size.memory} MiB of memory, {size.disk} GiB of disk")
    there = {one.name: one for one in stock.kept(images.below(folders.cache))}
    for what, layer in (("system", found.system), (f"packages for {family}", found.packages), ("kernel", found.kernel)):
        click.echo(f"{what}: {_layer(layer, there.get(layer.folder.name))}")


@image.command(epilog=examples("gatelocal image prune --keep 20G --older 30d", "gatelocal image prune -n"))
@click.option(
    "--keep",
    type=_bytes,
    metavar="SIZE",
    envvar="GATELOCAL_IMAGES_KEEP",
    help="What all layers together may take, such as 20G, which it is without options.",
)
@click.option("--older", type=_age, metavar="AGE", help="Remove what no node has started from since then, such as 30d.")
@click.option("-n", "--dry-run", is_flag=True, help="Only say what would go.")
def prune(keep: int | None, older: int | None, dry_run: bool) -> None:
    """Remove layers that were used longest ago, never those of a node that is there."""
    budget = stock.BUDGET if keep is None and older is None else keep
    before = None if older is None else time.time() - older
    cache = images.below(directories(os.environ).cache)
    gone = stock.prune(cache, budget=budget, before=before, dry=dry_run)
    for one in gone:
        click.echo(f"{'would remove' if dry_run else 'removed'} {_line(one)}")
    left = sum(one.size for one in stock.kept(cache)) - (sum(one.size for one in gone) if dry_run else 0)
    click.echo(f"{_size(left)} stay")
    if budget is not None and left > budget:
        click.echo("more than is to be kept: nodes have started from what stays (gatelocal node list)")


@image.command(epilog=examples("gatelocal image delete debian-bookworm", "gatelocal image delete --all"))
@click.argument("label", required=False)
@click.option("--all", "everything", is_flag=True, help="The images of all labels.")
def delete(label: str | None, everything: bool) -> None:
    """Remove the images of LABEL; they are built again when they are needed."""
    if everything == bool(label):
        raise click.UsageError("name a label, or say --all")
    folders = directories(os.environ)
    origin = labels(folders.configuration).wanted(label).origin
    system = None if everything else origin.name if origin.path else origin.suite
    removed, busy = stock.delete(images.below(folders.cache), system)
    for name in removed:
        click.echo(f"removed {name}")
    for one in busy:
        click.echo(f"kept {one.name}: the node {', '.join(one.nodes)} has started from it")


def _line(one: stock.Kept) -> str:
    nodes = f"  nodes: {', '.join(one.nodes)}" if one.nodes else ""
    return f"{one.name}  {_size(one.size)}  {_day(one.used)}  {' '.join(one.parts) or 'nothing built'}{nodes}"


def _layer(layer: Layer, there: stock.Kept | None) -> str:
    return _line(there) if there else f"{layer.folder.name}  not built"


def _day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def _size(count: int) -> str:
    return f"{count / (1 << 30):.1f} GiB" if count >= 1 << 30 else f"{count / (1 << 20):.0f} MiB"
