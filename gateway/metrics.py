"""What the gateway counts, for Prometheus.

Importing this module imports prometheus_client, which decides at that moment whether several processes share
their numbers: a supervisor of more than one worker sets PROMETHEUS_MULTIPROC_DIR (an empty directory) first,
and each worker sets WORKER_VARIABLE to its slot (0, 1, …), after the fork if need be. A slot outlives its
process, so that counters go on where a killed worker left them and the directory does not grow with restarts.

The functions below return the bound child of a label set, remembered, so that the hot road pays a dictionary
look-up and no label handling. Labels come from the code, never from a request: their number stays small.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Literal, TypeAlias

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, values
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

DIRECTORY_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
WORKER_VARIABLE = "GATEWAY_WORKER"

EventOutcome: TypeAlias = Literal["accepted", "duplicate", "parked", "refused"]
TurnOutcome: TypeAlias = Literal["committed", "parked", "duplicate", "retried", "failed"]
TurnPart: TypeAlias = Literal["queue", "step", "transaction"]
EffectOutcome: TypeAlias = Literal["done", "retried", "failed", "dropped", "uncertain", "held"]
Lane: TypeAlias = Literal["delivery", "timer", "work"]

_SUPERVISOR = "supervisor"

if os.environ.get(DIRECTORY_VARIABLE):
    # The library asks at every change who it is, so a forked worker moves on to files of its own.
    values.ValueClass = values.MultiProcessValue(  # type: ignore[no-untyped-call]
        lambda: os.environ.get(WORKER_VARIABLE, _SUPERVISOR)
    )

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_LONG_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)

_events = Counter("gateway_events", "Inbound events, by channel type and outcome", ["channel", "outcome"])
_statuses = Counter("gateway_statuses", "Delivery status reports, by channel type", ["channel"])
_turns = Counter("gateway_turns", "Turns of the engine, by outcome", ["outcome"])
_turn_batch = Histogram(
    "gateway_turn_batch_size", "Events committed together", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
)
_turn_seconds = Histogram(
    "gateway_turn_seconds",
    "Time in the turn, by part (queue wait, steps, transaction)",
    ["part"],
    buckets=_SECONDS,
)
_effects = Counter("gateway_effects", "Effects carried out, by kind and outcome", ["kind", "outcome"])
_delivery_seconds = Histogram(
    "gateway_delivery_seconds",
    "From the acceptance of an event to the platform's receipt of the answer, planned delays included",
    ["channel"],
    buckets=_LONG_SECONDS,
)
_work_seconds = Histogram(
    "gateway_work_seconds",
    "Time that a call or an e-mail took, its attempts included, by kind and outcome",
    ["kind", "outcome"],
    buckets=_LONG_SECONDS,
)
_queue_age = Gauge(
    "gateway_queue_age_seconds",
    "Age of the oldest due effect, by lane; 0 when none is due",
    ["lane"],
    multiprocess_mode="livemostrecent",
)
_limit_waits = Histogram(
    "gateway_limit_wait_seconds",
    "Time that calls waited for their slot by the rate limits, by channel type; those that waited at all",
    ["channel"],
    buckets=_LONG_SECONDS,
)
_limits_shared = Gauge(
    "gateway_limits_shared",
    "1 while the rate limits are shared through Valkey, 0 while each worker keeps them alone",
    multiprocess_mode="livemin",
)
_websockets = Gauge(
    "gateway_websockets_open", "Widget sockets that are open now", multiprocess_mode="livesum"
)
_bus_up = Gauge(
    "gateway_bus_up", "1 while the bus (Valkey) is reachable, 0 while not", multiprocess_mode="livemin"
)
_database_up = Gauge(
    "gateway_database_up", "1 while PostgreSQL is reachable, 0 while not", multiprocess_mode="livemin"
)
_database_errors = Counter("gateway_database_errors", "Refused or failed database work, by kind", ["kind"])
_requests = Counter("gateway_http_requests", "HTTP answers, by route and status class", ["route", "status"])

if os.environ.get(DIRECTORY_VARIABLE) and WORKER_VARIABLE not in os.environ:
    # Making a gauge has written a zero for this process; a supervisor's zero would be the minimum for ever.
    mark_process_dead(_SUPERVISOR)  # type: ignore[no-untyped-call]


@cache
def events(channel: str, outcome: EventOutcome) -> Counter:
    """Inbound events of a channel type (`telegram`, `web`, …)."""
    return _events.labels(channel, outcome)


@cache
def statuses(channel: str) -> Counter:
    """Delivery status reports of a channel type."""
    return _statuses.labels(channel)


@cache
def turns(outcome: TurnOutcome) -> Counter:
    """Turns of the engine; `retried` counts the batches that were split and tried again."""
    return _turns.labels(outcome)


def turn_batch() -> Histogram:
    """How many events were committed together."""
    return _turn_batch


@cache
def turn_seconds(part: TurnPart) -> Histogram:
    """Seconds that a batch spent waiting, stepping, or in its transaction."""
    return _turn_seconds.labels(part)


@cache
def effects(kind: str, outcome: EffectOutcome) -> Counter:
    """Effects by `kind` (the effect's tag: `send`, `start_timer`, …)."""
    return _effects.labels(kind, outcome)


@cache
def delivery_seconds(channel: str) -> Histogram:
    """Seconds from the acceptance of an event to the platform's receipt of the answer."""
    return _delivery_seconds.labels(channel)


@cache
def work_seconds(kind: str, outcome: EffectOutcome) -> Histogram:
    """Seconds that a call or an e-mail took; `kind` is the effect's tag."""
    return _work_seconds.labels(kind, outcome)


@cache
def queue_age(lane: Lane) -> Gauge:
    """Seconds since the oldest due effect of a lane was due; set by the sweeper."""
    return _queue_age.labels(lane)


@cache
def limit_waits(channel: str) -> Histogram:
    """Seconds that calls of a channel type waited for their slot."""
    return _limit_waits.labels(channel)


def limits_shared() -> Gauge:
    """1 or 0: whether this process shares the rate limits with the others."""
    return _limits_shared


def websockets_open() -> Gauge:
    """Widget sockets of this process."""
    return _websockets


def bus_up() -> Gauge:
    """1 or 0: whether this process reaches the bus."""
    return _bus_up


def database_up() -> Gauge:
    """1 or 0: whether this process reaches PostgreSQL."""
    return _database_up


@cache
def database_errors(kind: str) -> Counter:
    """Failed database work by kind: `connection`, `serialization`, `constraint`, `timeout`, `other`."""
    return _database_errors.labels(kind)


@cache
def requests(route: str, status: int) -> Counter:
    """HTTP answers; `route` is the route's pattern, never the path, and the label is the class (`2xx`, …)."""
    return _requests.labels(route, f"{status // 100}xx")


def render_metrics(accept: str = "") -> tuple[str, bytes]:
    """The exposition of all workers: (content type, body). `accept` is the request's Accept header."""
    registry = REGISTRY
    if os.environ.get(DIRECTORY_VARIABLE):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    encode, content_type = choose_encoder(accept)
    return content_type, encode(registry)


def mark_worker_dead(slot: int) -> None:
    """Forget the gauges of a worker that is gone (its counters stay). Called by the supervisor."""
    if os.environ.get(DIRECTORY_VARIABLE):
        mark_process_dead(slot)  # type: ignore[no-untyped-call]
