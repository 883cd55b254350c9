"""Sweeps on a Ray cluster: each batch of models is a Ray task, which Ray restarts if its process or machine is lost."""

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
from bvae_cli.sweep.worker import (
    GRACE_SECONDS,
    RESUME_HINT,
    THREADS_PER_WORKER,
    ModelStatus,
    WorkerSpec,
    describe_error,
)
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.interruption import PendingSignal

MAX_RETRIES = 3  # restarts of a batch whose process or machine was lost; its models resume from their last.pt
POLL_SECONDS = 0.5  # interval between checks of the tasks
CONNECT_SECONDS = 10.0  # timeout of the first connection to a cluster
LOST_SECONDS = 300.0  # maximum time without a machine that can train a model
ENVIRONMENT = {
    "RAY_task_oom_retries": str(MAX_RETRIES),  # after running out of memory; unlimited by default
    "RAY_USAGE_STATS_ENABLED": "0",  # no usage statistics are sent
}


@dataclass(frozen=True)
class Cluster:
    """The Ray cluster that this process is connected to."""

    worker_spec: WorkerSpec
    num_workers: int  # batches that the cluster can train at the same time

    @contextmanager
    def start(self, batches: Sequence[TrialBatch], folder: Path) -> Iterator[RayTasks]:
        """Submit the batches of a study to Ray; raises the exceptions of `in_memory.load_images`."""
        tasks = RayTasks(batches, self.worker_spec)
        try:
            yield tasks
        finally:
            tasks.shut_down()


@contextmanager
def local_cluster(worker_spec: WorkerSpec, num_workers: int) -> Iterator[Cluster]:
    """Start Ray on this machine for `num_workers` batches at a time; it stops when the context exits.

    Raises:
        BvaeError: Ray is not installed.
    """
    with ray_session(address="local", num_cpus=num_workers * worker_spec.threads, include_dashboard=False):
        yield Cluster(worker_spec, num_workers)


@contextmanager
def connect_cluster(address: str, cpu: bool, data: Path) -> Iterator[Cluster]:
    """Connect to the cluster at an address; this machine must be one of its nodes.

    Each model gets one GPU if the cluster has GPUs and `cpu` is false, and otherwise THREADS_PER_WORKER CPU cores.

    Raises:
        BvaeError: Ray is not installed, the cluster is not found, or it has no CPU cores.
    """
    require_reachable(address)
    os.environ.setdefault("RAY_gcs_server_port_wait_time_s", "1")  # retries, 40 s each, if the port is not a Ray port
    with ray_session(address=address) as ray:
        machines = list_machines(ray)
        on_gpu = not cpu and any(machine.get("GPU") for machine in machines)
        threads = min(THREADS_PER_WORKER, max((int(machine.get("CPU", 0)) for machine in machines), default=0))
        if not threads:
            raise BvaeError(f"the Ray cluster at {address} has no CPU cores", "ray start --address HOST:PORT")
        worker_spec = WorkerSpec(torch.device("cuda", 0) if on_gpu else torch.device("cpu"), threads, data)
        yield Cluster(worker_spec, sum(batch_capacity(machine, worker_spec) for machine in machines))


def require_reachable(address: str) -> None:
    """Raise BvaeError if no server listens at an address; Ray itself would retry for a quarter of an hour."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise BvaeError(
            f"invalid address of a Ray cluster: {address}", "use HOST:PORT, as printed by: ray start --head"
        )
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise BvaeError(f"Ray cluster not found at {address}: {error}", "ray start --head") from error


@contextmanager
def ray_session(**options: Any) -> Iterator[Any]:
    """Return a context with a connected `ray` module, without its output on stdout.

    Raises:
        BvaeError: Ray is not installed, does not start, or the connection is lost.
    """
    os.environ.update({name: value for name, value in ENVIRONMENT.items() if name not in os.environ})
    try:
        import ray
        from ray.exceptions import RayError
    except ImportError as error:
        raise BvaeError("Ray is not installed", "pip install 'bvae[ray]'") from error
    with Path(os.devnull).open("w") as devnull, redirect_stdout(devnull):  # Ray prints restarted tasks there
        try:
            init_ray(ray, **options)
            yield ray
        except RayError as error:
            raise BvaeError(f"lost the connection to Ray: {first_line(error)}", RESUME_HINT) from error
        finally:
            ray.shutdown()


def init_ray(ray: Any, **options: Any) -> None:
    """Connect to Ray without changing the SIGTERM handler; raises BvaeError if the connection fails."""
    previous = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(log_to_driver=False, logging_level=logging.ERROR, **options)
    except (OSError, RuntimeError, ValueError) as error:
        raise BvaeError(
            f"cannot start or connect to Ray: {first_line(error)}",
            "with --ray-address, add this machine to the cluster: ray start --address HOST:PORT",
        ) from error
    finally:
        signal.signal(signal.SIGTERM, previous)


def first_line(error: Exception) -> str:
    """Return the first line of an error message."""
    return str(error).strip().split("\n")[0]


def list_machines(ray: Any) -> list[Mapping[str, float]]:
    """Return the resources of each live machine of the cluster."""
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def batch_capacity(machine: Mapping[str, float], worker_spec: WorkerSpec) -> int:
    """Return the number of batches that a machine can train at the same time."""
    batches = machine.get("CPU", 0.0) // worker_spec.threads
    return int(min(batches, machine.get("GPU", 0.0)) if worker_spec.device.type == "cuda" else batches)


class RayTasks:
    """Batches submitted to Ray; if a process or machine is lost, its batch is restarted on another one."""

    def __init__(self, batches: Sequence[TrialBatch], worker_spec: WorkerSpec) -> None:
        """Submit the images, once, and all batches."""
        import ray
        from ray.util.queue import Queue
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self.ray, self.worker_spec, self.last_seen = ray, worker_spec, time.monotonic()
        self.pending = {trial.name for batch in batches for trial in batch}
        this_node = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        self.queue = Queue(actor_options={"num_cpus": 0, "scheduling_strategy": this_node})
        arrays = {
            name: ray.put(SharedArrays.from_images(load_images(worker_spec.data, name)))
            for name in dataset_names(batches)
        }
        gpus = int(worker_spec.device.type == "cuda")
        task: Any = ray.remote(num_cpus=worker_spec.threads, num_gpus=gpus, max_retries=MAX_RETRIES)(train_on_cluster)
        env = ClusterEnv(Path.cwd())
        self.running = {
            task.remote(batch, arrays.get(batch[0].params.dataset.name), worker_spec, env, self.queue.put_nowait): batch
            for batch in batches
        }

    def statuses(self, pending_signal: PendingSignal) -> Iterator[ModelStatus]:
        """Yield the status of models until all are finished or a signal arrived.

        Raises:
            BvaeError: the cluster had no machine that can train a model for LOST_SECONDS.
        """
        while self.running and not pending_signal():
            done, _ = self.ray.wait(list(self.running), timeout=POLL_SECONDS)
            received = self.queue.get_nowait_batch(self.queue.qsize())
            received += [status for task in done for status in self.batch_results(task, self.running.pop(task))]
            yield from filter(self.is_new, received)
            self.require_capacity()

    def is_new(self, status: ModelStatus) -> bool:
        """Return whether a model is still in training, or is reported as finished for the first time."""
        if status.is_finished and status.trial.name in self.pending:
            self.pending.remove(status.trial.name)
            return True
        return not status.is_finished

    def batch_results(self, task: Any, batch: TrialBatch) -> list[ModelStatus]:
        """Return the final status of each model of a batch."""
        from ray.exceptions import OutOfMemoryError, RayError, RayTaskError

        try:
            results: list[ModelStatus] = self.ray.get(task)
        except OutOfMemoryError:
            failure = "its machine ran out of memory"
        except RayTaskError as error:
            failure = describe_error(error.cause)
        except RayError:
            failure = f"its process or machine was lost {MAX_RETRIES + 1} times"
        else:
            return results
        return [ModelStatus(trial, is_finished=True, failure=failure) for trial in batch]

    def require_capacity(self) -> None:
        """Raise BvaeError if no machine could train a model for LOST_SECONDS."""
        if any(batch_capacity(machine, self.worker_spec) for machine in list_machines(self.ray)):
            self.last_seen = time.monotonic()
        elif time.monotonic() - self.last_seen > LOST_SECONDS:
            raise BvaeError(
                f"the Ray cluster had no machine that can train a model for {LOST_SECONDS:.0f} seconds",
                f"add machines (ray start --address HOST:PORT), then {RESUME_HINT}",
            )

    def shut_down(self) -> None:
        """Cancel all running batches; they save their models and exit."""
        for task in self.running:
            self.ray.cancel(task, recursive=False)
        if self.running:
            self.ray.wait(list(self.running), num_returns=len(self.running), timeout=GRACE_SECONDS)
        self.queue.shutdown(force=True)
