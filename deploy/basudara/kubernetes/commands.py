"""`basudara render k8s`: the installation on Kubernetes, from the same manifests, agreements and catalogue."""

from pathlib import Path
from typing import Annotated

import typer

from chassis.catalogue import Catalogue
from deploy.basudara import manifests
from deploy.basudara.console import one_line, plain
from deploy.basudara.kubernetes import tree, values
from deploy.basudara.stack import ROOT

K8S = ROOT / "deploy" / "k8s"

app = typer.Typer(no_args_is_help=True, help="The installation for others to run.")


@app.callback()
def _group() -> None:
    """Keeps `k8s` a command of its own."""


@app.command()
def k8s(
    out: Annotated[Path, typer.Option(help="folder of the rendered files")] = K8S / "rendered",
    check: Annotated[bool, typer.Option("--check", help="change nothing, say what is out of step")] = False,
    agencies: Annotated[Path, typer.Option(help="folder of the manifests")] = ROOT / "deploy" / "agencies",
    agreements: Annotated[Path, typer.Option(help="folder of the agreements")] = ROOT / "deploy" / "agreements",
    site: Annotated[Path, typer.Option(help="what differs from cluster to cluster")] = K8S / "values.yaml",
) -> None:
    """Render all resources, hold them against their published schemas and each other, write them.

    Exit code 1: something is refused, and nothing was written; or, with --check, something is out of step.
    """
    with one_line():
        made = tree.rendered(
            Catalogue(ROOT / "contracts"),
            manifests.agencies(agencies),
            [manifests.agreement(file) for file in sorted(agreements.glob("*.yaml"))],
            values.read(site),
        )
    found = tree.findings(made)
    if check and not found:
        found = tree.out_of_step(made, out)
    for line in found:
        print(plain(line))
    if found:
        raise typer.Exit(1)
    if not check:
        tree.write(made, out)
    for kind, count in sorted(tree.kinds(made).items()):
        print(f"{count:5} {kind}")
    print(f"{sum(tree.kinds(made).values()):5} resources in {len(made)} files, all as their schemas allow")
