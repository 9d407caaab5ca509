# SPDX-License-Identifier: Apache-2.0
"""The usual Python loop: ImageFolder, DataLoader, a torchvision model. Prints images per second.

torchvision_loop.py load|train|infer FOLDER MODEL SIZE BATCH WORKERS THREADS LAYOUT   (LAYOUT: plain or channels_last)
"""

from __future__ import annotations

import sys
import time

import torch
import torchvision
from torchvision import transforms


def main() -> None:
    what, folder, name, layout = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[8]
    size, batch, workers, threads = (int(word) for word in sys.argv[4:8])
    torch.set_num_threads(threads)
    form = torch.channels_last if layout == "channels_last" else torch.contiguous_format
    change = transforms.Compose([transforms.Resize((size, size)), transforms.ToTensor()])
    pictures = torchvision.datasets.ImageFolder(folder, change)
    loader = torch.utils.data.DataLoader(
        pictures, batch, shuffle=what != "infer", num_workers=workers, persistent_workers=workers > 0
    )
    if what == "load":
        begin = time.perf_counter()
        seen = sum(len(labels) for _, labels in loader)
        print(seen / (time.perf_counter() - begin))
        return
    model = getattr(torchvision.models, name)(num_classes=len(pictures.classes)).to(memory_format=form)
    if what == "infer":
        model.eval()
        for _ in range(2):  # the first pass warms up
            begin = time.perf_counter()
            seen = 0
            with torch.inference_mode():
                for inputs, labels in loader:
                    model(inputs.to(memory_format=form)).softmax(1).argmax(1).tolist()
                    seen += len(labels)
        print(seen / (time.perf_counter() - begin))
        return
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    loss_of = torch.nn.CrossEntropyLoss()
    model.train()
    total, right = 0.0, 0
    for _ in range(2):
        begin = time.perf_counter()
        seen = 0
        for inputs, labels in loader:
            optimizer.zero_grad(set_to_none=True)
            scores = model(inputs.to(memory_format=form))
            loss = loss_of(scores, labels)
            loss.backward()
            optimizer.step()
            total += loss.item()
            right += int((scores.argmax(1) == labels).sum())
            seen += len(labels)
    print(seen / (time.perf_counter() - begin))


main()
