"""A study on the machines that Ray holds together: a stack is a task, which Ray begins again where it is lost."""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bvae_cli.images.in_memory import load_images
from bvae_cli.sweep.executor import TrialBatch
from bvae_cli.sweep.ray_worker import ClusterEnv, SharedArrays, train_on_cluster
from bvae_cli.sweep.shared_images import dataset_names
from bvae_cli.sweep.worker import GRACE_SECONDS, THREADS_PER_WORKER, ModelStatus, WorkerSpec, describe_error
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.interruption import PendingSignal

MAX_RETRIES = 3  # times that a stack whose process or machine died is begun again, each from its last.pt
POLL_SECONDS = 0.5  # seconds between looks at how models get on
CONNECT_SECONDS = 10.0  # seconds in which something answers at an address, or there is no cluster
LOST_SECONDS = 300.0  # seconds without a machine that could take a model, after which none is waited for
ENVIRONMENT = {
    "RAY_task_oom_retries": str(MAX_RETRIES),  # for want of memory; without it, for ever
    "RAY_USAGE_STATS_ENABLED": "0",  # which would be sent to Ray's makers
}


@dataclass(frozen=True)
class Cluster:
    """Machines that this process is connected to."""

    worker_spec: WorkerSpec
    num_workers: int  # stacks that they have room for at a time

    @contextmanager
    def start(self, batches: Sequence[TrialBatch], folder: Path) -> Iterator[RayTasks]:
        """Give Ray the stacks of a study; raises what `in_memory.load_images` does."""
        tasks = RayTasks(batches, self.worker_spec)
        try:
            yield tasks
        finally:
            tasks.shut_down()


@contextmanager
def local_cluster(worker_spec: WorkerSpec, number: int) -> Iterator[Cluster]:
    """A Ray of this machine's own, for so many stacks at a time; it ends with the context.

    Raises:
        BvaeError: Ray is not installed.
    """
    with ray_session(address="local", num_cpus=number * worker_spec.threads, include_dashboard=False):
        yield Cluster(worker_spec, number)


@contextmanager
def connect_cluster(address: str, cpu: bool, data: Path) -> Iterator[Cluster]:
    """The cluster at an address, one of whose machines this is; a model has a GPU where there are some, or two cores.

    Raises:
        BvaeError: Ray is not installed, there is no cluster, or it has no core to compute with.
    """
    require_reachable(address)
    os.environ.setdefault("RAY_gcs_server_port_wait_time_s", "1")  # tries, of 40 seconds, where something else answers
    with ray_session(address=address) as ray:
        machines = list_machines(ray)
        on_gpu = not cpu and any(machine.get("GPU") for machine in machines)
        threads = min(THREADS_PER_WORKER, max((int(machine.get("CPU", 0)) for machine in machines), default=0))
        if not threads:
            raise BvaeError(f"the cluster at {address} has no core", "start its machines with: ray start")
        worker_spec = WorkerSpec(torch.device("cuda", 0) if on_gpu else torch.device("cpu"), threads, data)
        yield Cluster(worker_spec, sum(batch_capacity(machine, worker_spec) for machine in machines))


def require_reachable(address: str) -> None:
    """Raise BvaeError where nothing answers at an address, which Ray would try for a quarter of an hour."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise BvaeError(f"{address} is no address of a cluster", "write HOST:PORT, as ray start --head tells it.")
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise BvaeError(f"there is no Ray cluster at {address}: {error}", "start one with: ray start --head") from error


@contextmanager
def ray_session(**how: Any) -> Iterator[Any]:
    """Ray, connected, as quiet as can be; raises BvaeError where it is not installed, not there, or gone."""
    os.environ.update({name: value for name, value in ENVIRONMENT.items() if name not in os.environ})
    try:
        import ray
        from ray.exceptions import RayError
    except ImportError as error:
        raise BvaeError("Ray is not installed", "pip install 'bvae[ray]'") from error
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):  # where it tells what it begins again
        try:
            init_ray(ray, **how)
            yield ray
        except RayError as error:
            raise BvaeError(f"Ray is there no longer: {first_line(error)}", "the same command goes on.") from error
        finally:
            ray.shutdown()


def init_ray(ray: Any, **how: Any) -> None:
    """Connect, and leave the handling of SIGTERM as it was; raises BvaeError where there is nothing to connect to."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(log_to_driver=False, logging_level=logging.ERROR, **how)
    except (OSError, RuntimeError, ValueError) as error:
        raise BvaeError(
            f"Ray does not start: {first_line(error)}",
            "where there is an address, this machine must be one of its cluster: ray start --address HOST:PORT",
        ) from error
    finally:
        signal.signal(signal.SIGTERM, before)


def first_line(error: Exception) -> str:
    """What an error says, without what it goes on about."""
    return str(error).strip().split("\n")[0]


def list_machines(ray: Any) -> list[Mapping[str, float]]:
    """What each machine of a cluster has."""
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def batch_capacity(machine: Mapping[str, float], worker_spec: WorkerSpec) -> int:
    """How many stacks a machine takes at a time."""
    batches = machine.get("CPU", 0.0) // worker_spec.threads
    return int(min(batches, machine.get("GPU", 0.0)) if worker_spec.device.type == "cuda" else batches)


class RayTasks:
    """Stacks that Ray is given; where a process or a machine dies they are begun again on another."""

    def __init__(self, batches: Sequence[TrialBatch], worker_spec: WorkerSpec) -> None:
        """Give Ray the images, once, and all stacks."""
        import ray
        from ray.util.queue import Queue
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self.ray, self.worker_spec, self.last_seen = ray, worker_spec, time.monotonic()
        self.pending = {trial.name for stack in batches for trial in stack}
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        self.queue = Queue(actor_options={"num_cpus": 0, "scheduling_strategy": here})
        arrays = {
            name: ray.put(SharedArrays.from_images(load_images(worker_spec.data, name)))
            for name in dataset_names(batches)
        }
        gpus = int(worker_spec.device.type == "cuda")
        task: Any = ray.remote(num_cpus=worker_spec.threads, num_gpus=gpus, max_retries=MAX_RETRIES)(train_on_cluster)
        home = ClusterEnv(Path.cwd())
        self.under_way = {
            task.remote(
                stack, arrays.get(stack[0].params.dataset.name), worker_spec, home, self.queue.put_nowait
            ): stack
            for stack in batches
        }

    def statuses(self, pending_signal: PendingSignal) -> Iterator[ModelStatus]:
        """What is heard of models, until all are over or a signal came.

        Raises:
            BvaeError: for five minutes no machine was there that could take a model.
        """
        while self.under_way and not pending_signal():
            ended, _ = self.ray.wait(list(self.under_way), timeout=POLL_SECONDS)
            received = self.queue.get_nowait_batch(self.queue.qsize())
            received += [news for task in ended for news in self.batch_results(task, self.under_way.pop(task))]
            yield from filter(self.is_new, received)
            self.require_capacity()

    def is_new(self, news: ModelStatus) -> bool:
        """Whether a model is under way, or over for the first time that it is heard of."""
        if news.is_finished and news.trial.name in self.pending:
            self.pending.remove(news.trial.name)
            return True
        return not news.is_finished

    def batch_results(self, task: Any, stack: TrialBatch) -> list[ModelStatus]:
        """How each model of a stack ended."""
        from ray.exceptions import OutOfMemoryError, RayError, RayTaskError

        try:
            over: list[ModelStatus] = self.ray.get(task)
        except OutOfMemoryError:
            failure = "its machine has not memory enough"
        except RayTaskError as error:
            failure = describe_error(error.cause)
        except RayError:
            failure = f"its process, or its machine, died {MAX_RETRIES + 1} times"
        else:
            return over
        return [ModelStatus(trial, is_finished=True, failure=failure) for trial in stack]

    def require_capacity(self) -> None:
        """Raise BvaeError where there has been no machine for too long."""
        if any(batch_capacity(machine, self.worker_spec) for machine in list_machines(self.ray)):
            self.last_seen = time.monotonic()
        elif time.monotonic() - self.last_seen > LOST_SECONDS:
            raise BvaeError(
                f"the cluster has had no machine that can take a model for {LOST_SECONDS:.0f} seconds",
                "give it some: the same command goes on.",
            )

    def shut_down(self) -> None:
        """Have all that are under way write down what they have, and end."""
        for task in self.under_way:
            self.ray.cancel(task, recursive=False)
        if self.under_way:
            self.ray.wait(list(self.under_way), num_returns=len(self.under_way), timeout=GRACE_SECONDS)
        self.queue.shutdown(force=True)
