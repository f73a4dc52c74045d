"""`basudara contracts …`: one function per command, each in the module of what it does."""

import typer

from deploy.basudara.contracts.conform import conform
from deploy.basudara.contracts.docs.render import docs
from deploy.basudara.contracts.gate import check, diff
from deploy.basudara.contracts.validate import validate

app = typer.Typer(no_args_is_help=True, help="The shared contracts: events, channels, readers, manifests, agreements.")
app.command()(validate)
app.command()(conform)
app.command()(docs)
app.command()(diff)
app.command()(check)
