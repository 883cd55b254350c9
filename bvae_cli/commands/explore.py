"""bvae explore."""

from pathlib import Path
from typing import Annotated

import typer

from bvae_cli.commands.console import print_notice, result
from bvae_cli.commands.options import FILES, CheckpointFile
from bvae_cli.system.browser import open_in_browser


def explore(
    ckpt: CheckpointFile,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="File to write. Default: explorer.html beside CKPT.", rich_help_panel=FILES),
    ] = None,
    no_open: Annotated[bool, typer.Option("--no-open", help="Write the page, and do not open it.")] = False,
) -> None:
    """Move the latents by hand, in the browser: a slider each, and the picture that they make.

    The page is one file, explorer.html beside the checkpoint. The nets are in it: it works from the disk and from any
    web host, and neither fetches nor sends anything.
    """
    from bvae_cli import checkpoint
    from bvae_cli.explorer.page import write_page

    page = write_page(checkpoint.load_checkpoint(ckpt), out or ckpt.with_name("explorer.html"))
    result.print(page, soft_wrap=True, highlight=False)
    if not no_open and not open_in_browser(page):
        print_notice("There is no browser here: open the page on any other machine. It needs nothing beside it.")
