"""bvae evaluate."""

import math
from pathlib import Path
from typing import Annotated

import typer

from bvae_cli.commands.console import print_notice, progress_bars
from bvae_cli.commands.options import FILES, Cpu, Data, Gpu, Out, with_params
from bvae_cli.commands.tables import show_ranking, show_scores
from bvae_cli.images.spec import DataSpec
from bvae_cli.params import Params
from bvae_cli.system.errors import BvaeError

NEAR_BOUND = 0.98  # fraction of ln N above which I(x; z) is limited by the number of images


@with_params("evaluate")
def evaluate(
    params: Params,
    file: Annotated[Path, typer.Argument(metavar="CKPT|NPZ", help="Checkpoint file, or NPZ file with codes.")],
    gpu: Gpu = None,
    cpu: Cpu = False,
    data: Data = Path("data"),
    out: Out = None,
    compare_with: Annotated[
        list[Path] | None,
        typer.Option(help="Other checkpoint, trained on the same data, for UDR; repeatable.", rich_help_panel=FILES),
    ] = None,
) -> None:
    """Compute disentanglement metrics, ELBO and KL decomposition of a checkpoint, or metrics of external codes.

    Writes metrics.json, latents.csv, mutual_information.csv and mutual_information.png, and to evaluation.json what
    they were computed from.
    """
    from bvae_cli import checkpoint
    from bvae_cli.evaluation import codes, evaluator
    from bvae_cli.evaluation.record import write_record
    from bvae_cli.images.stream import open_stream
    from bvae_cli.system import device

    torch_device, folder = device.select_device(gpu, cpu), out or file.parent
    with progress_bars() as report:
        if file.suffix == ".npz":
            if compare_with:
                raise BvaeError("--compare-with is unsupported for codes (NPZ)", "remove it, or evaluate a checkpoint.")
            code_file = codes.read_codes(file, data, params.dataset.name)
            evaluation = evaluator.evaluate_codes(code_file, params.evaluate, folder, report)
        else:
            model, others = (
                checkpoint.load_checkpoint(file),
                [checkpoint.load_checkpoint(path) for path in compare_with or []],
            )
            images = open_stream(data, model.spec.name)
            evaluation = evaluator.evaluate(model, images, params.evaluate, torch_device, folder, report, others)
            write_record(folder, file, images.spec, params.evaluate)
            warn_about_list_labels(images.spec)
            warn_about_bounded_information(evaluation.scores.values["index_code_mi"], images.spec.num_images)
    show_scores(evaluation)
    if not evaluation.scores.values:
        raise BvaeError(
            f"no score of {file} could be computed", "add what the metrics need to the file: bvae evaluate --help"
        )
    if compare_with:
        show_ranking([file, *compare_with], evaluation.ranking)
    print_notice(f"{folder / 'metrics.json'} is ready.")


def warn_about_list_labels(spec: DataSpec) -> None:
    """Print a notice if the labels do not form a grid, for which the metrics were designed."""
    if spec.factors and spec.num_samples is not None:
        print_notice(
            f"the labels of the {spec.num_images:,} images of {spec.name} do not form a full grid: metrics that fix a "
            "factor compare images with the same value of it, and their other factors may be correlated."
        )


def warn_about_bounded_information(index_code_mi: float, num_images: int) -> None:
    """Print a notice if I(x; z), nats, is near its maximum, ln N, because the posteriors do not overlap."""
    bound = math.log(num_images)
    if index_code_mi > NEAR_BOUND * bound:
        print_notice(
            f"index_code_mi is near its maximum, ln {num_images:,} = {bound:.2f} nats: the posteriors of different "
            "images do not overlap. The rest of the KL is in total_correlation and dimension_wise_kl, which then "
            "describe the finite data set."
        )
