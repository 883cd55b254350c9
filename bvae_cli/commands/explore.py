"""bvae explore."""

from pathlib import Path
from typing import Annotated

import typer

from bvae_cli.commands.console import print_notice, print_path
from bvae_cli.commands.options import FILES, CheckpointFile
from bvae_cli.system.browser import open_in_browser


def explore(
    ckpt: CheckpointFile,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Output file. Default: explorer.html in the folder of CKPT.", rich_help_panel=FILES
        ),
    ] = None,
    no_open: Annotated[
        bool, typer.Option("--no-open", help="Write the page without opening it in the browser.")
    ] = False,
) -> None:
    """Open an interactive latent explorer in the browser: one slider per latent, and the decoded image.

    Writes one self-contained file, explorer.html, which includes the networks. It works from disk and from any web
    host, and makes no network requests.
    """
    from bvae_cli.explorer.page import write_page
    from bvae_cli.report.run_record import load_evaluated

    page = write_page(load_evaluated(ckpt), out or ckpt.with_name("explorer.html"))
    print_path(page)
    if not no_open and not open_in_browser(page):
        print_notice("Browser not found. Open the page on any other machine: it is self-contained.")
