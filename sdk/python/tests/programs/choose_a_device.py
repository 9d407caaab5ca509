# SPDX-License-Identifier: Apache-2.0
"""Chooses a GPU for as long as this program runs, or for the seconds given, and says which."""

import os
import sys

import berth

device = berth.select_device(hold=float(sys.argv[1]) if len(sys.argv) > 1 else None, export=True)
print(device, *device.machine_devices, os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
sys.stdin.read()
