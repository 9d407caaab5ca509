# SPDX-License-Identifier: Apache-2.0
"""Machines with other vendors' accelerators: trees of /sys as the kernel has them, stand-ins for their libraries."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import programs
from harness.command_line import CommandLine
from harness.commands import sh
from harness.daemon import Daemon, MakeDaemon

FAKES = programs.FAKE_NVML.parent


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n")


def add_card(root: Path, number: int, pci: str, driver: str, vendor: str, product: str) -> str:
    """/sys/class/drm/cardN; the folder of its PCI device."""
    folder = f"sys/bus/pci/devices/{pci}"
    for name, text in {"vendor": vendor, "device": product, "class": "0x030000", "uevent": f"DRIVER={driver}",
                       "current_link_speed": "16.0 GT/s PCIe", "max_link_speed": "16.0 GT/s PCIe",
                       "current_link_width": "8", "max_link_width": "16"}.items():  # fmt: skip
        write(root, f"{folder}/{name}", text)
    card = root / f"sys/class/drm/card{number}"
    card.mkdir(parents=True)
    (card / "device").symlink_to(f"../../../bus/pci/devices/{pci}")
    return folder


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two AMD cards, an Intel card, the graphics of the processor, and an NVIDIA card without driver."""
    root = tmp_path / "host"
    for number, pci, unique in ((1, "0000:63:00.0", "00aa"), (2, "0000:c3:00.0", "00bb")):
        folder = add_card(root, number, pci, "amdgpu", "0x1002", "0x740f")
        for name, text in {"unique_id": unique * 4, "product_name": "Instinct MI210", "mem_info_vram_total": str(64 << 30),
                           "mem_info_vram_used": str(number << 30), "gpu_busy_percent": "7"}.items():  # fmt: skip
            write(root, f"{folder}/{name}", text)
    add_card(root, 0, "0000:00:02.0", "i915", "0x8086", "0x4680")
    add_card(root, 3, "0000:4d:00.0", "xe", "0x8086", "0x0bd5")
    for name, text in {"vendor": "0x10de", "device": "0x2204", "class": "0x030000"}.items():
        write(root, f"sys/bus/pci/devices/0000:17:00.0/{name}", text)
    return root


@pytest.fixture
def daemon(make_daemon: MakeDaemon, tree: Path) -> Daemon:
    return make_daemon(config={"sysfs_root": str(tree), "level_zero_library": str(FAKES / "libze_loader.so.1"),
                               "dcmi_library": str(FAKES / "libdcmi.so"), "amd_smi_library": str(FAKES / "libamd_smi.so")})  # fmt: skip


def test_every_vendors_devices_are_listed_in_one_form(daemon: Daemon) -> None:
    report = daemon.client.get("/api/v2/resources/gpu")
    devices = {device["device_name"]: device for device in report["devices"]}
    assert list(devices) == ["rocm:0", "rocm:1", "xpu:1", "npu:0", "npu:1", "npu:2"]
    assert devices["rocm:0"]["name"] == "AMD Instinct MI210"
    assert devices["rocm:0"]["total_memory_gb"] == 64
    assert devices["rocm:0"]["allocated_memory_gb"] == 1
    assert devices["rocm:0"]["sm_utilization"] == 7
    assert devices["rocm:0"]["pcie"] == {"generation": 4, "width": 8, "max_generation": 4, "max_width": 16}
    assert devices["rocm:0"]["energy_j"] == 30.5
    assert [devices[name]["throttled"] for name in ("rocm:0", "rocm:1")] == [False, True], "by AMD SMI"
    assert devices["xpu:1"]["total_memory_gb"] == 48
    assert devices["npu:2"]["power_w"] == 198.5
    others = {device["device_name"]: device["no_tasks"] for device in report["other_devices"]}
    assert others == {"cuda:0": "it has no driver", "xpu:0": "graphics of the processor, without memory of its own"}
    assert list(daemon.resources()["limits"]) == [*devices, "cpu"]
    assert all(device.keys() == devices["rocm:0"].keys() for device in report["other_devices"])


@pytest.mark.parametrize(
    ("device", "variable", "value"),
    [
        ("rocm:1", "ROCR_VISIBLE_DEVICES", "GPU-00bb00bb00bb00bb"),
        ("xpu:1", "ZE_AFFINITY_MASK", "1"),
        ("npu:2", "ASCEND_RT_VISIBLE_DEVICES", "2"),
    ],
)
def test_a_task_sees_its_device_alone(daemon: Daemon, device: str, variable: str, value: str) -> None:
    task = daemon.client.run(*sh(f"echo ${variable} $BERTH_DEVICE"), device=device, memory_gb=1)["task_id"]
    assert daemon.client.output(task).decode().split() == [value, device.split(":")[0] + ":0"]


def test_cuda_means_amds_where_there_is_no_nvidia_that_works(daemon: Daemon) -> None:
    done = daemon.client.run(*sh("true"), device="cuda", memory_gb=1)
    assert done["device"].startswith("rocm:"), "as PyTorch for ROCm calls them"
    refused = daemon.client.request("POST", "/api/v2/tasks", {"command": ["true"], "device": "xpu:0"})
    assert refused.status == 400, refused


def test_the_command_line_shows_them_with_and_without_a_daemon(daemon: Daemon, folder: Path, tree: Path) -> None:
    alone = {
        "BERTH_URL": "http://127.0.0.1:1",
        "BERTH_SYSFS_ROOT": str(tree),
        "BERTH_NVML_LIBRARY": "/nonexistent/libnvidia-ml.so.1",
        "BERTH_LEVEL_ZERO_LIBRARY": str(FAKES / "libze_loader.so.1"),
        "BERTH_DCMI_LIBRARY": str(FAKES / "libdcmi.so"),
        "BERTH_AMD_SMI_LIBRARY": str(FAKES / "libamd_smi.so"),
    }
    for cli in (CommandLine(daemon, folder), CommandLine(None, folder, alone)):
        text = cli.ok("gpus")
        assert "Instinct MI210" in text
        assert "takes no tasks: it has no driver" in text
        assert "PCIe 4.0 x8 of x16" in text
        assert "6 GPUs" in text
        assert "4.0 x8 of x16" in cli.ok("gpus", "--topology")
