"""bvae evaluate."""

from pathlib import Path
from typing import Annotated

import typer

from bvae_cli.commands.console import notice, print_notice, progress_bars
from bvae_cli.commands.options import FILES, Cpu, Data, Gpu, Out, with_params
from bvae_cli.commands.tables import show_ranking, show_scores
from bvae_cli.images.spec import DataSpec
from bvae_cli.params import Params
from bvae_cli.system.errors import BvaeError


@with_params("evaluate")
def evaluate(
    params: Params,
    file: Annotated[Path, typer.Argument(metavar="CKPT|NPZ", help="A checkpoint.pt, or an npz with codes.")],
    gpu: Gpu = None,
    cpu: Cpu = False,
    data: Data = Path("data"),
    out: Out = None,
    compare_with: Annotated[
        list[Path] | None,
        typer.Option(help="Another checkpoint of the same data, for udr. May be repeated.", rich_help_panel=FILES),
    ] = None,
) -> None:
    """Score a checkpoint on all its images, or codes from anywhere, and tell which latent is which.

    The folder then holds metrics.json, latents.csv, mutual_information.csv and mutual_information.png.
    """
    from bvae_cli import checkpoint
    from bvae_cli.evaluation import codes, evaluator
    from bvae_cli.images.stream import open_stream
    from bvae_cli.system import device

    chosen, folder = device.select_device(gpu, cpu), out or file.parent
    with progress_bars() as report:
        if file.suffix == ".npz":
            if compare_with:
                raise BvaeError(
                    "--compare-with compares checkpoints, not codes", "leave it out, or name a checkpoint.pt."
                )
            read = codes.read_codes(file, data, params.dataset.name)
            done = evaluator.evaluate_codes(read, params.evaluate, folder, report)
        else:
            model, others = (
                checkpoint.load_checkpoint(file),
                [checkpoint.load_checkpoint(path) for path in compare_with or []],
            )
            images = open_stream(data, model.spec.name)
            done = evaluator.evaluate(model, images, params.evaluate, chosen, folder, report, others)
            warn_about_list_labels(images.spec)
    show_scores(done)
    if compare_with:
        show_ranking([file, *compare_with], done.ranking)
    notice.print(f"{folder / 'metrics.json'} is ready.", soft_wrap=True)


def warn_about_list_labels(spec: DataSpec) -> None:
    """Say so where the labels are a list, which the metrics were not made for."""
    if spec.factors and spec.num_samples is not None:
        print_notice(
            f"the labels of the {spec.num_images:,} pictures of {spec.name} are a list, no grid: where a score holds a "
            "factor, pictures that share its value are compared, whatever else they share."
        )
