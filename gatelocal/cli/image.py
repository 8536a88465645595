"""`gatelocal image build|list|delete`: the images that nodes start from; it knows folders, not how images are made."""

from __future__ import annotations

import os
import sys

import click

from gatelocal.cli.options import Verbs, examples
from gatelocal.config.directories import directories
from gatelocal.launcher import images, pool
from gatelocal.launcher.recipe import DEFAULT_LABEL
from gatelocal.ui.terminal import Terminal


@click.group(cls=Verbs, epilog=examples("gatelocal image build", "gatelocal image list"))
def image() -> None:
    """The images that nodes are started from."""


@image.command(epilog=examples("gatelocal image build debian-trixie --node nspawn"))
@click.argument("label", default=DEFAULT_LABEL)
@click.option(
    "--node",
    "kind",
    type=click.Choice([kind for kind in pool.KINDS if kind != "local"]),
    default="auto",
    help="For which kind of node; a virtual machine needs a kernel and a disk beside the tree.",
)
def build(label: str, kind: str) -> None:
    """Build the image for LABEL when it is not there yet."""
    folders = directories(os.environ)
    pool.launcher(kind, folders.cache, folders.nodes).prepare(label, Terminal(sys.stderr).say)


@image.command(name="list", epilog=examples("gatelocal image list"))
def list_() -> None:
    """Say which images are built, and which of their parts."""
    cache = images.below(directories(os.environ).cache)
    found = images.built(cache)
    for name, parts in found:
        click.echo(f"{name}  {' '.join(parts) or 'nothing built'}")
    if not found:
        click.echo("no image is built")


@image.command(epilog=examples("gatelocal image delete debian-bookworm", "gatelocal image delete --all"))
@click.argument("label", required=False)
@click.option("--all", "everything", is_flag=True, help="The images of all labels.")
def delete(label: str | None, everything: bool) -> None:
    """Remove the images of LABEL; they are built again when they are needed."""
    if everything == bool(label):
        raise click.UsageError("name a label, or say --all")
    for name in images.delete(images.below(directories(os.environ).cache), label):
        click.echo(f"removed {name}")
