# SPDX-License-Identifier: Apache-2.0
"""Tensors in safetensors files, as far as these tests need them: huggingface's package is not in Debian 12."""

from __future__ import annotations

import json
from pathlib import Path

import torch

TYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64,
    "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
}  # fmt: skip


def write(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    names = {dtype: name for name, dtype in TYPES.items()}
    header, at = {}, 0
    for name, tensor in tensors.items():
        size = tensor.numel() * tensor.element_size()
        header[name] = {"dtype": names[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 64)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little"))
        file.write(text)
        for tensor in tensors.values():
            file.write(tensor.detach().contiguous().numpy().tobytes())


def read(path: Path) -> dict[str, torch.Tensor]:
    bytes_ = bytearray(path.read_bytes())
    begin = 8 + int.from_bytes(bytes_[:8], "little")
    tensors = {}
    for name, entry in json.loads(bytes_[8:begin]).items():
        if name == "__metadata__":
            continue
        first, last = entry["data_offsets"]
        dtype = TYPES[entry["dtype"]]
        size = torch.empty(0, dtype=dtype).element_size()
        count = (last - first) // size
        # frombuffer takes no empty part.
        flat = torch.frombuffer(bytes_, dtype=dtype, offset=begin + first, count=count) if count else torch.empty(0, dtype=dtype)
        tensors[name] = flat.reshape(entry["shape"])
    return tensors
