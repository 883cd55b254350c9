"""The command-line application: all commands, in the order of a typical experiment."""

import typer

from bvae_cli.commands.download import download
from bvae_cli.commands.evaluate import evaluate
from bvae_cli.commands.explore import explore
from bvae_cli.commands.export import export
from bvae_cli.commands.import_ import import_
from bvae_cli.commands.reconstruct import reconstruct
from bvae_cli.commands.report import report
from bvae_cli.commands.summary import summary
from bvae_cli.commands.sweep import sweep
from bvae_cli.commands.train import train
from bvae_cli.commands.traverse import traverse


def unwrap(docstring: str | None) -> str:
    """Return a docstring with each paragraph on one line, so that the text wraps at the width of the terminal."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in (docstring or "").split("\n\n"))


app = typer.Typer(
    name="bvae",
    help="β-VAEs and related disentanglement methods: data, training, metrics, latent traversals and reports.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (download, train, evaluate, traverse, reconstruct, report, explore, sweep, import_, export, summary):
    app.command(command.__name__.strip("_"), help=unwrap(command.__doc__))(command)
