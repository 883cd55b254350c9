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

from bvae_cli.datasets.images import load
from bvae_cli.sweep.crew import Stack
from bvae_cli.sweep.remote import Arrays, Home, made_here
from bvae_cli.sweep.sharing import names_of
from bvae_cli.sweep.worker import GRACE, PAYING, News, Place, reason
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.interruption import Asked

AGAIN = 3  # times that a stack whose process or machine died is begun again, each from its last.pt
LOOK = 0.5  # seconds between looks at how models get on
ANSWER = 10.0  # seconds in which something answers at an address, or there is no cluster
LOST = 300.0  # seconds without a machine that could take a model, after which none is waited for
ENVIRONMENT = {
    "RAY_task_oom_retries": str(AGAIN),  # for want of memory; without it, for ever
    "RAY_USAGE_STATS_ENABLED": "0",  # which would be sent to Ray's makers
}


@dataclass(frozen=True)
class Cluster:
    """Machines that this process is connected to."""

    place: Place
    number: int  # stacks that they have room for at a time

    @contextmanager
    def at(self, stacks: Sequence[Stack], folder: Path) -> Iterator[Tasks]:
        """Give Ray the stacks of a study; raises what `images.load` does."""
        tasks = Tasks(stacks, self.place)
        try:
            yield tasks
        finally:
            tasks.end()


@contextmanager
def local(place: Place, number: int) -> Iterator[Cluster]:
    """A Ray of this machine's own, for so many stacks at a time; it ends with the context.

    Raises:
        BvaeError: Ray is not installed.
    """
    with connected(address="local", num_cpus=number * place.threads, include_dashboard=False):
        yield Cluster(place, number)


@contextmanager
def joined(address: str, cpu: bool, data: Path) -> Iterator[Cluster]:
    """The cluster at an address, one of whose machines this is; a model has a GPU where there are some, or two cores.

    Raises:
        BvaeError: Ray is not installed, there is no cluster, or it has no core to compute with.
    """
    require_answer(address)
    os.environ.setdefault("RAY_gcs_server_port_wait_time_s", "1")  # tries, of 40 seconds, where something else answers
    with connected(address=address) as ray:
        machines = alive(ray)
        on_gpu = not cpu and any(machine.get("GPU") for machine in machines)
        threads = min(PAYING, max((int(machine.get("CPU", 0)) for machine in machines), default=0))
        if not threads:
            raise BvaeError(f"the cluster at {address} has no core", "start its machines with: ray start")
        place = Place(torch.device("cuda", 0) if on_gpu else torch.device("cpu"), threads, data)
        yield Cluster(place, sum(room(machine, place) for machine in machines))


def require_answer(address: str) -> None:
    """Raise BvaeError where nothing answers at an address, which Ray would try for a quarter of an hour."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise BvaeError(f"{address} is no address of a cluster", "write HOST:PORT, as ray start --head tells it.")
    try:
        socket.create_connection((host, int(port)), timeout=ANSWER).close()
    except (OSError, OverflowError) as error:
        raise BvaeError(f"there is no Ray cluster at {address}: {error}", "start one with: ray start --head") from error


@contextmanager
def connected(**how: Any) -> Iterator[Any]:
    """Ray, connected, as quiet as can be; raises BvaeError where it is not installed, not there, or gone."""
    os.environ.update({name: value for name, value in ENVIRONMENT.items() if name not in os.environ})
    try:
        import ray
        from ray.exceptions import RayError
    except ImportError as error:
        raise BvaeError("Ray is not installed", "pip install 'bvae[ray]'") from error
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):  # where it tells what it begins again
        try:
            begin(ray, **how)
            yield ray
        except RayError as error:
            raise BvaeError(f"Ray is there no longer: {first_line(error)}", "the same command goes on.") from error
        finally:
            ray.shutdown()


def begin(ray: Any, **how: Any) -> None:
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


def alive(ray: Any) -> list[Mapping[str, float]]:
    """What each machine of a cluster has."""
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def room(machine: Mapping[str, float], place: Place) -> int:
    """How many stacks a machine takes at a time."""
    stacks = machine.get("CPU", 0.0) // place.threads
    return int(min(stacks, machine.get("GPU", 0.0)) if place.device.type == "cuda" else stacks)


class Tasks:
    """Stacks that Ray is given; where a process or a machine dies they are begun again on another."""

    def __init__(self, stacks: Sequence[Stack], place: Place) -> None:
        """Give Ray the images, once, and all stacks."""
        import ray
        from ray.util.queue import Queue
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self.ray, self.place, self.seen = ray, place, time.monotonic()
        self.left = {trial.name for stack in stacks for trial in stack}
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        self.said = Queue(actor_options={"num_cpus": 0, "scheduling_strategy": here})
        arrays = {name: ray.put(Arrays.of(load(place.data, name))) for name in names_of(stacks)}
        gpus = int(place.device.type == "cuda")
        task: Any = ray.remote(num_cpus=place.threads, num_gpus=gpus, max_retries=AGAIN)(made_here)
        home = Home(Path.cwd())
        self.under_way = {
            task.remote(stack, arrays.get(stack[0].params.dataset.name), place, home, self.said.put_nowait): stack
            for stack in stacks
        }

    def news(self, asked: Asked) -> Iterator[News]:
        """What is heard of models, until all are over or a signal came.

        Raises:
            BvaeError: for five minutes no machine was there that could take a model.
        """
        while self.under_way and not asked():
            ended, _ = self.ray.wait(list(self.under_way), timeout=LOOK)
            heard = self.said.get_nowait_batch(self.said.qsize())
            heard += [news for task in ended for news in self.end_of(task, self.under_way.pop(task))]
            yield from filter(self.is_new, heard)
            self.require_room()

    def is_new(self, news: News) -> bool:
        """Whether a model is under way, or over for the first time that it is heard of."""
        if news.over and news.trial.name in self.left:
            self.left.remove(news.trial.name)
            return True
        return not news.over

    def end_of(self, task: Any, stack: Stack) -> list[News]:
        """How each model of a stack ended."""
        from ray.exceptions import OutOfMemoryError, RayError, RayTaskError

        try:
            over: list[News] = self.ray.get(task)
        except OutOfMemoryError:
            failure = "its machine has not memory enough"
        except RayTaskError as error:
            failure = reason(error.cause)
        except RayError:
            failure = f"its process, or its machine, died {AGAIN + 1} times"
        else:
            return over
        return [News(trial, over=True, failure=failure) for trial in stack]

    def require_room(self) -> None:
        """Raise BvaeError where there has been no machine for too long."""
        if any(room(machine, self.place) for machine in alive(self.ray)):
            self.seen = time.monotonic()
        elif time.monotonic() - self.seen > LOST:
            raise BvaeError(
                f"the cluster has had no machine that can take a model for {LOST:.0f} seconds",
                "give it some: the same command goes on.",
            )

    def end(self) -> None:
        """Have all that are under way write down what they have, and end."""
        for task in self.under_way:
            self.ray.cancel(task, recursive=False)
        if self.under_way:
            self.ray.wait(list(self.under_way), num_returns=len(self.under_way), timeout=GRACE)
        self.said.shutdown(force=True)
