"""The commands in the order in which they are used, and the one place where errors become words."""

import sys

import typer

from bvae_cli.commands.console import show_error
from bvae_cli.commands.download import download
from bvae_cli.commands.evaluate import evaluate
from bvae_cli.commands.reconstruct import reconstruct
from bvae_cli.commands.train import train
from bvae_cli.commands.traverse import traverse
from bvae_cli.errors import BvaeError

app = typer.Typer(
    name="bvae",
    help="β-VAE and its family: data, training, scores and pictures, each one command.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (download, train, evaluate, traverse, reconstruct):
    app.command(no_args_is_help=False)(command)


def main() -> None:
    """Run the command line: exit code 0, 1 for what the user can put right, 2 for usage, 130 for Ctrl-C."""
    try:
        app()
    except BvaeError as error:
        show_error(error)
        sys.exit(1)
    except OSError as error:
        show_error(BvaeError(f"{error.filename or 'the system'}: {error.strerror or error}"))
        sys.exit(1)
