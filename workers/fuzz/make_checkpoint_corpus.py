#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the seeds in corpus/checkpoint with PyTorch: small files of every kind that torch.save writes.

make_checkpoint_corpus.py [FOLDER]
"""

from __future__ import annotations

import argparse
import collections
import json
import pathlib
import pickle
import sys

import torch


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(1, 2, 1)
        self.norm = torch.nn.BatchNorm2d(2)
        self.register_buffer("passing", torch.zeros(1), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.conv(x))


def no_source(_: type) -> None:
    """Whole modules in legacy files bring the source of their classes; the seeds shall not."""
    raise OSError


def main() -> None:
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent / "corpus/checkpoint")
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    torch.serialization.get_source_lines_and_file = no_source
    net = Net()
    base = torch.arange(12.0)
    views = collections.OrderedDict(
        whole=base, part=base[3:7], turned=base.reshape(3, 4).t(), spread=base[:1].expand(5), none=torch.zeros(0, 3),
        scalar=torch.tensor(7), half=base.half(), bfloat=base.bfloat16(), byte=base.byte(), flag=base > 3,
    )  # fmt: skip
    rich = {
        "epoch": 12, "best_acc1": torch.tensor(71.5), "arch": "resnet18", "class_names": ["a", "b"], "lr": 1e-4,
        "class_to_idx": {"a": 0, "b": 1}, "args": argparse.Namespace(lr=0.1, path=pathlib.PurePosixPath("/x/y")),
        "big": 2**100, "nothing": None, "done": True, "state_dict": net.state_dict(),
        "optimizer": torch.optim.SGD(net.parameters(), 0.1).state_dict(),
    }  # fmt: skip
    for name, value in {"state_dict": net.state_dict(), "views": views, "rich": rich, "module": net,
                        "parallel": torch.nn.DataParallel(net).state_dict()}.items():  # fmt: skip
        torch.save(value, folder / f"{name}.zip.pth")
        torch.save(value, folder / f"{name}.legacy.pth", _use_new_zipfile_serialization=False)
    for protocol in (0, 1, 3, 4, 5):
        torch.save(views, folder / f"protocol{protocol}.pth", _use_new_zipfile_serialization=False,
                   pickle_protocol=protocol)  # fmt: skip
    torch.save({"ema": net, "model": net, "names": {0: "a"}}, folder / "averaged.pt")
    torch.save({"c": torch.zeros(1, dtype=torch.complex64)}, folder / "complex.pth")
    torch.save({"s": torch.zeros(2, 2).to_sparse()}, folder / "sparse.pth")
    torch.jit.save(torch.jit.script(torch.nn.Linear(1, 2)), str(folder / "script.pt"))
    (folder / "plain.pkl").write_bytes(pickle.dumps({"a": [1, (2.5, "x"), {3}, b"y", None]}, protocol=4))
    header = {
        "__metadata__": {"format": "pt"},
        "a": {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]},
        "b": {"dtype": "BOOL", "shape": [0], "data_offsets": [8, 8]},
    }
    text = json.dumps(header).encode()
    (folder / "small.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + bytes(8))
    (folder / "pointer.txt").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 46830571\n")


if __name__ == "__main__":
    main()
