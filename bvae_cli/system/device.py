"""Which device computes, and how."""

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
    torch.cuda.set_device(gpu or 0)
    return torch.device("cuda", gpu or 0)


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """The context in which networks compute in `precision`: float32 or bfloat16."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")


@contextmanager
def seeded_rng(seed: int) -> Iterator[None]:
    """Weights that are made within depend on the seed alone, and nothing else does on how many they are."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def maybe_cuda_graph(work: Callable[[], None], device: torch.device) -> Callable[[], None]:
    """The same work, to be called many times: on a GPU it is recorded once and then replayed without Python."""
    return CudaGraph(work) if device.type == "cuda" else work


class CudaGraph:
    """Work that takes from and leaves in the same tensors at each call, as a CUDA graph."""

    def __init__(self, work: Callable[[], None]) -> None:
        self.work = work
        self.calls = 0
        self.graph: torch.cuda.CUDAGraph | None = None

    def __call__(self) -> None:
        """Do the work, or have the GPU do it while Python goes on."""
        self.calls += 1
        if self.calls <= WARMUP_CALLS:
            self.run_on_side_stream()
            return
        if self.graph is None:
            self.graph = torch.cuda.CUDAGraph()
            # A thread that reads data ahead may allocate meanwhile.
            with torch.cuda.graph(self.graph, capture_error_mode="thread_local"):
                self.work()
        self.graph.replay()

    def run_on_side_stream(self) -> None:
        """Do the work on a stream of its own, as recording will."""
        stream, main = torch.cuda.Stream(), torch.cuda.current_stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(main)
        with torch.cuda.stream(stream):
            self.work()
        main.wait_stream(stream)
