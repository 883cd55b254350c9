"""Selection of the device, numerical precision, random seeds, and CUDA graphs."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from bvae_cli.system.errors import BvaeError

WARMUP_CALLS = 3  # calls before capture: libraries select algorithms and optimisers allocate their state


def select_device(gpu: int | None, cpu: bool, rank: int | None = None) -> torch.device:
    """Return GPU number `gpu`, the CPU, or by default the first GPU, if there is one.

    Each process that torchrun starts uses the GPU of its local rank.

    Raises:
        BvaeError: there is no such GPU, or both a GPU and the CPU are requested.
    """
    count = torch.cuda.device_count()
    if cpu and gpu is not None:
        raise BvaeError("--gpu and --cpu are mutually exclusive", "remove one of them.")
    if gpu is not None and rank is not None:
        raise BvaeError(
            "--gpu is unsupported under torchrun", "remove --gpu: each process uses the GPU of its local rank."
        )
    if rank is not None and count and not cpu:
        gpu = rank
    if gpu is not None and gpu >= count:
        available = ", ".join(f"{index} ({torch.cuda.get_device_name(index)})" for index in range(count))
        hint = f"use one of these with --gpu: {available}." if available else "use --cpu: this machine has no GPU."
        raise BvaeError(f"GPU {gpu} not found", hint)
    if cpu or not count:
        return torch.device("cpu")
    device = torch.device("cuda", gpu or 0)
    use_device(device)
    return device


def use_device(device: torch.device) -> None:
    """Make a device the current one; on a GPU also select a side stream, since the default one cannot be captured."""
    if device.type == "cuda":
        torch.cuda.set_device(device)
        torch.cuda.set_stream(torch.cuda.Stream(device))  # type: ignore[no-untyped-call]


def has_bfloat16(device_type: str) -> bool:
    """Return whether a kind of device multiplies bfloat16 natively: a GPU, or a CPU with AVX-512 or Arm's BF16.

    On other CPUs, the convolutions of oneDNN in bfloat16 take some twenty times as long as in float32.
    """
    return device_type != "cpu" or torch.ops.mkldnn._is_mkldnn_bf16_supported()


@contextmanager
def autocast(device: torch.device, precision: str) -> Iterator[None]:
    """Compute networks in `precision` within the block: float32, tf32 or bfloat16 (see `reproducible`).

    A device without bfloat16 computes in float32 instead.
    """
    is_bfloat16 = precision == "bfloat16" and has_bfloat16(device.type)
    autocast = torch.autocast(device.type, torch.bfloat16, enabled=is_bfloat16)
    with reproducible(device, precision), autocast:
        yield


@contextmanager
def reproducible(device: torch.device, precision: str) -> Iterator[None]:
    """Make GPU results bit-identical between runs within the block, and use TF32 only if `precision` is `tf32`.

    TF32 rounds the operands of float32 products to 10 bits of mantissa and is several times faster. PyTorch's default
    uses TF32 in convolutions, and lets cuDNN select algorithms with non-deterministic summation order.
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


def limit_torch_threads() -> None:
    """Compute each operation of this thread within it."""
    torch.set_num_threads(1)


@contextmanager
def one_thread_per_operation() -> Iterator[None]:
    """Compute each operation within one thread in the block, so that no result depends on the number of threads."""
    before = torch.get_num_threads()
    limit_torch_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def seeded_rng(seed: int) -> Iterator[None]:
    """Seed the CPU's global generator within the block and restore it afterwards.

    Weights created within depend on the seed only, and random numbers drawn later do not depend on these weights.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


class StepRunner:
    """Executor of a training step: directly on a CPU; on a GPU captured once as a CUDA graph, then replayed.

    A step reads and writes the same tensors in each call. It is passed to each call and not stored. The garbage
    collector may destroy a graph in a reference cycle while another graph is being captured. CUDA forbids that
    (pytorch issue 161037).
    """

    def __init__(self, device: torch.device) -> None:
        """Execute steps on `device`; on a GPU, the current stream must not be the default one."""
        self.device = device
        self.reset()

    def reset(self) -> None:
        """Discard the captured graph, because the next step computes something else."""
        self.graph: torch.cuda.CUDAGraph | None = None
        self.warm_up_calls = 0

    def __call__(self, step: Callable[[], None]) -> None:
        """Execute `step`; on a GPU this call returns before the computation is complete."""
        if self.device.type != "cuda":
            step()
        elif self.graph:
            self.graph.replay()
        elif self.warm_up_calls < WARMUP_CALLS:
            self.warm_up_calls += 1
            step()
        else:
            self.graph = capture_graph(step)
            self.graph.replay()


def capture_graph(step: Callable[[], None]) -> torch.cuda.CUDAGraph:
    """Return `step` as a CUDA graph, without computing anything yet.

    The graph is captured on the current stream and must be replayed there: graphs captured on one stream share the
    cuBLAS workspace, so they must not run at the same time.
    """
    graph = torch.cuda.CUDAGraph()
    # A prefetching thread may allocate memory during the capture.
    capture = torch.cuda.graph(graph, stream=torch.cuda.current_stream(), capture_error_mode="thread_local")
    with no_garbage_collection(), capture:
        step()
    return graph


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Collect garbage now and disable collection within the block, so that no unrelated CUDA object is destroyed."""
    gc.collect()
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
