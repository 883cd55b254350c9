"""Which device computes, and how."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from bvae_cli.system.errors import BvaeError

WARMUP_CALLS = 3  # calls in which libraries choose their algorithms, and optimisers make room


def select_device(gpu: int | None, cpu: bool, rank: int | None = None) -> torch.device:
    """The GPU of that number, the processor, or, where neither is asked for, the first GPU if there is one.

    Of processes that torchrun starts, each takes the GPU of its rank.

    Raises:
        BvaeError: there is no such GPU, or both are asked for.
    """
    count = torch.cuda.device_count()
    if cpu and gpu is not None:
        raise BvaeError("--gpu and --cpu exclude each other", "leave one out.")
    if gpu is not None and rank is not None:
        raise BvaeError("--gpu chooses one for all processes of torchrun", "leave it out: each takes its own.")
    if rank is not None and count and not cpu:
        gpu = rank
    if gpu is not None and gpu >= count:
        there = ", ".join(f"{index} ({torch.cuda.get_device_name(index)})" for index in range(count))
        raise BvaeError(f"there is no GPU {gpu} here", f"there is {there}." if there else "there is none: use --cpu.")
    if cpu or not count:
        return torch.device("cpu")
    device = torch.device("cuda", gpu or 0)
    use(device)
    return device


def use(device: torch.device) -> None:
    """Have this process compute on a device; on a GPU not on the default stream, which cannot be recorded."""
    if device.type == "cuda":
        torch.cuda.set_device(device)
        torch.cuda.set_stream(torch.cuda.Stream(device))  # type: ignore[no-untyped-call]


@contextmanager
def autocast(device: torch.device, precision: str) -> Iterator[None]:
    """Networks compute in `precision` within: float32, tf32 or bfloat16 (see `reproducible`)."""
    autocast = torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")
    with reproducible(device, precision), autocast:
        yield


@contextmanager
def reproducible(device: torch.device, precision: str) -> Iterator[None]:
    """A GPU gives the same bits each time within, and rounds factors of float32 products only where that is asked for.

    `tf32` rounds them to TF32's ten bits, several times as fast. Torch's own default does so in convolutions, and
    lets cuDNN choose algorithms whose sums depend on chance.
    """
    if device.type != "cuda":
        yield
        return
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    convolutions = cudnn.conv  # type: ignore[attr-defined]
    before = matmul.fp32_precision, convolutions.fp32_precision, cudnn.deterministic
    rounding = "tf32" if precision == "tf32" else "ieee"
    matmul.fp32_precision, convolutions.fp32_precision, cudnn.deterministic = rounding, rounding, True
    try:
        yield
    finally:
        matmul.fp32_precision, convolutions.fp32_precision, cudnn.deterministic = before


@contextmanager
def seeded_rng(seed: int) -> Iterator[None]:
    """Weights that are made within depend on the seed alone, and nothing else does on how many they are."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


class StepRunner:
    """Runs a training step: on a CPU as it is, on a GPU recorded once as a CUDA graph and then replayed without Python.

    A step reads and writes the same tensors at each call. It is passed to each call, not kept: a graph that is part of
    a reference cycle is destroyed by the garbage collector at any time, also while another graph is being recorded,
    which CUDA forbids (pytorch issue 161037).
    """

    def __init__(self, device: torch.device) -> None:
        """Run steps on `device`, on a GPU on the current stream, which must not be the default one."""
        self.device = device
        self.reset()

    def reset(self) -> None:
        """Forget the recorded step, since the next one computes something else."""
        self.graph: torch.cuda.CUDAGraph | None = None
        self.warm_up_calls = 0

    def __call__(self, step: Callable[[], None]) -> None:
        """Compute `step`; a GPU does so while Python goes on."""
        if self.device.type != "cuda":
            step()
        elif self.graph:
            self.graph.replay()
        elif self.warm_up_calls < WARMUP_CALLS:
            self.warm_up_calls += 1
            step()
        else:
            self.graph = record(step)
            self.graph.replay()


def record(work: Callable[[], None]) -> torch.cuda.CUDAGraph:
    """Return `work` as a CUDA graph; nothing is computed yet.

    It is recorded on the current stream, to be replayed there: graphs that were recorded on one stream share cuBLAS's
    workspace, so they must not run at the same time.
    """
    graph = torch.cuda.CUDAGraph()
    # A thread that reads data ahead may allocate meanwhile.
    recording = torch.cuda.graph(graph, stream=torch.cuda.current_stream(), capture_error_mode="thread_local")
    with no_garbage_collection(), recording:
        work()
    return graph


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Collect garbage first and none within, so that no CUDA object of others is destroyed meanwhile."""
    gc.collect()
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
