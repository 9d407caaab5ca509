# SPDX-License-Identifier: Apache-2.0
"""Devices, what runs on them, limits, leases."""

from __future__ import annotations

from typing import Literal, TypedDict

from .tasks import Enforcement
from .words import Kind, State


class TaskCounts(TypedDict):
    training: int
    inference: int
    command: int


class ActiveTask(TypedDict):
    id: str
    #: A kind of task, or `lease`
    type: str
    #: GiB
    reserved_gb: float
    #: What it holds there now by the newest reading, GiB
    used_gb: float | None
    #: It holds more than was kept for it by more than 5 % and 512 MiB
    over_reserved: bool


class GpuProcess(TypedDict):
    pid: int
    user: str
    command: str
    #: `C` compute, `G` graphics, `C+G` both, `M` MPS client
    type: str
    #: GiB
    used_memory_gb: float | None
    used_memory_bytes: int | None
    #: Of the compute units, or of its busiest engine; percent of the time
    utilization: int | None
    #: Id of the container that it runs in, 12 digits
    container: str | None
    #: `orphan`: what started it has ended, so nobody waits for it. `zombie`: it has ended, but still holds
    #: memory. `unseen`: there is no such process here; it is in another container or has just ended
    state: Literal["alive", "orphan", "zombie", "unseen"]
    #: The task it belongs to; null for other programs
    task_id: str | None
    #: The task that started it and has ended, or runs elsewhere, without it
    left_by: str | None


class MigInstance(TypedDict):
    #: UUID of its GPU
    parent: str
    profile: str | None
    #: The driver's number among the instances of its GPU
    number: int
    gpu_instance: int
    compute_instance: int


class GpuLink(TypedDict):
    #: UUID
    peer: str
    #: What `nvidia-smi topo -m` calls NV#, PIX or PXB, PHB, NODE
    closeness: Literal["nvlink", "pcie_switch", "host_bridge", "numa_node"]
    #: Links that lead there; 0 when it is not nvlink
    nvlinks: int


class PcieLink(TypedDict):
    #: Now; idle devices slow down to save power
    generation: int | None
    #: Lanes, now
    width: int | None
    #: What device and slot can do
    max_generation: int | None
    max_width: int | None


class GpuDevice(TypedDict):
    #: Number among the vendor's devices in PCI bus order; of a MIG instance that of its GPU
    id: int
    #: `cuda:0:1` is the MIG instance 1 of `cuda:0`
    device_name: str
    #: The model
    name: str
    vendor: Literal["nvidia", "amd", "intel", "ascend"]
    uuid: str
    #: Of a MIG instance that of its GPU
    pci_bus_id: str
    #: In MIG mode: its instances, listed after it, take the tasks
    partitioned: bool
    #: What part of a GPU it is; null when it is no MIG instance
    mig: MigInstance | None
    numa_node: int | None
    #: GPUs that are nearer than at the other end of the machine; a task for several GPUs gets those
    #: nearest to each other
    links: list[GpuLink]
    compute_capability: str | None
    #: Peak of dense FP16 arithmetic with tensor cores, GFLOP/s, worked out of cores and clock
    peak_gflops: int | None
    #: Bandwidth of its memory, GB/s (10^9 bytes), worked out of bus width and clock
    memory_gbps: int | None
    #: GiB
    total_memory_gb: float | None
    #: In use by any program, GiB
    allocated_memory_gb: float | None
    #: In use, and reserved by our tasks but not yet taken; GiB
    cached_memory_gb: float | None
    #: Free by the driver's word, GiB
    free_memory_gb: float | None
    #: The same, exactly
    free_memory_bytes: int | None
    #: Kept by the driver, never available to tasks; GiB
    reserved_memory_gb: float | None
    #: Free, less what our tasks have reserved and not yet taken; GiB
    effective_free_memory_gb: float | None
    #: The same, exactly
    effective_free_memory_bytes: int | None
    #: In use by no process that the driver lists, GiB; null where it does not tell each one's share
    unattributed_memory_gb: float | None
    #: Memory in use, percent of the device
    utilization: float | None
    #: Compute units busy, percent of the time
    sm_utilization: int | None
    #: Percent of the time
    memory_bandwidth_utilization: int | None
    #: Video encoder busy, percent of the time
    encoder_utilization: int | None
    #: Video decoder busy, percent of the time
    decoder_utilization: int | None
    #: °C
    temperature_c: int | None
    #: °C
    memory_temperature_c: int | None
    #: Since its driver was loaded, J
    energy_j: float | None
    #: How it is connected; null when the kernel does not say
    pcie: PcieLink | None
    #: Memory errors since its driver was loaded
    ecc_corrected: int | None
    ecc_uncorrected: int | None
    #: NVIDIA's number of the last error that its driver reported
    xid: int | None
    #: Why its clocks are lower than they could be; empty when they are not
    throttle: list[str] | None
    #: Slowed down for its heat or for want of power, or hotter than the threshold of the configuration: chosen
    #: last
    throttled: bool
    #: Why no task is started there; null for those that take tasks
    no_tasks: str | None
    #: MHz
    max_clock_mhz: int | None
    #: W
    power_w: float | None
    #: W
    power_limit_w: float | None
    #: MHz
    clock_mhz: int | None
    #: MHz
    memory_clock_mhz: int | None
    #: Percent of its full speed
    fan_percent: int | None
    #: What would keep a task that asks for memory there to its share
    enforcement: Enforcement
    #: Pools of the configuration that it belongs to
    pools: list[str]
    health: Literal["healthy", "lost", "not_responding", "failed"]
    #: As the driver words it
    health_reason: str | None
    unhealthy_since: str | None
    #: When a device that does not answer is tried again
    next_probe: str | None
    current_tasks: TaskCounts
    #: Every process that holds memory there; null when the driver does not list them
    processes: list[GpuProcess] | None
    #: Seconds since the reading was taken; null before the first
    age_s: float | None


class Gpu(TypedDict):
    #: There is at least one GPU
    available: bool
    count: int
    #: Those that tasks can run on
    devices: list[GpuDevice]
    #: Those that take no tasks: without a driver, or graphics of a processor; `no_tasks` says which
    other_devices: list[GpuDevice]
    #: The newest that the driver supports, `12.4`; null without a GPU
    cuda_version: str | None
    driver_version: str | None
    #: Of the built-in programs; null when they are not installed
    pytorch_version: str | None
    #: What is missing on this machine and how to get it
    hints: list[str]


class LimitsResponse(TypedDict):
    status: Literal["success"]
    message: str
    current_config: dict[str, dict[str, int]]


class GpuMemoryInfo(TypedDict):
    name: str
    #: GiB
    total_gb: float | None
    #: GiB
    allocated_gb: float | None
    #: GiB
    cached_gb: float | None
    #: GiB
    free_gb: float | None


class ResourceStatus(TypedDict):
    device_usage: dict[str, TaskCounts]
    active_tasks: dict[str, list[ActiveTask]]
    limits: dict[str, dict[str, int]]
    gpu_info: Gpu
    #: As `available` of `gpu_info`, for older clients
    gpu_available: bool
    #: For older clients: `GPU_0` and so on
    gpu_memory_info: dict[str, GpuMemoryInfo]


class HistoryPoint(TypedDict):
    """Means over the step; `_max` is the greatest second"""

    #: Begin of the step
    at: str
    #: With readings
    seconds: int
    used_memory_gb: float | None
    used_memory_gb_max: float | None
    #: Of the compute units, percent
    utilization: float | None
    utilization_max: float | None
    memory_bandwidth_utilization: float | None
    memory_bandwidth_utilization_max: float | None
    temperature_c: float | None
    temperature_c_max: float | None
    power_w: float | None
    power_w_max: float | None


class HistoryDevice(TypedDict):
    device: str
    uuid: str
    points: list[HistoryPoint]


History = TypedDict(
    "History",
    {
        "from": "str",
        "to": "str",
        "step_s": "int",
        "devices": "list[HistoryDevice]",
    },
)


#: Load averages over 1, 5 and 15 minutes
CpuLoadAvg = TypedDict(
    "CpuLoadAvg",
    {
        "1": "float",
        "5": "float",
        "15": "float",
    },
)


class UserUsage(TypedDict):
    tasks: int
    run_s: float
    #: J
    energy_j: float


class TaskUsage(TypedDict):
    """Figures are those of the last attempt, null for a task that was seen on no GPU."""

    task_id: str
    name: str
    user: str
    kind: Kind
    status: State
    device: str
    submitted_at: str
    started_at: str | None
    finished_at: str | None
    run_s: float
    #: The most at one moment, of all its devices together; GiB
    peak_memory_gb: float | None
    #: GiB
    mean_memory_gb: float | None
    #: Percent, mean of its devices; its own where it shares one
    utilization: float | None
    #: Its share of what its devices took, idling included; J
    energy_j: float | None


UsageList = TypedDict(
    "UsageList",
    {
        "from": "str",
        "to": "str",
        #: By the name of the user; the empty name for what came without one
        "users": "dict[str, UserUsage]",
        #: Oldest first
        "tasks": "list[TaskUsage]",
    },
)


class Cpu(TypedDict):
    #: All cores together
    percent: float | None
    #: By logical core
    per_cpu_percent: list[float | None]
    #: Logical cores
    cores: int
    physical_cores: int | None
    #: MHz
    freq_mhz: float | None
    #: Load averages over 1, 5 and 15 minutes
    load_avg: CpuLoadAvg | None
    #: Main memory in use
    memory_percent: float | None


class Drains(TypedDict):
    #: Nothing new starts on the whole machine
    machine: bool
    #: Why
    reason: str | None
    #: Devices that take nothing new
    devices: dict[str, str]


class LeaseDevice(TypedDict):
    device: str
    uuid: str
    #: GiB
    reserved_gb: float


class Lease(TypedDict):
    lease_id: str
    devices: list[LeaseDevice]
    #: Where the reservation's size comes from
    rule: str
    created_at: str
    expires_at: str | None
    #: Seconds that it was given for, or last renewed with
    ttl_s: float
    #: The process that it lives as long as; null while nobody has adopted it
    pid: int | None
    user: str | None
    #: What the program is to be started with
    env: dict[str, str]
