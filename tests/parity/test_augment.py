# SPDX-License-Identifier: Apache-2.0
"""Our augmentations against the same formulas written with OpenCV."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

cv2 = pytest.importorskip("cv2", reason="python3-opencv is not installed")
np = pytest.importorskip("numpy", reason="python3-numpy is not installed")

PARITY = Path(os.environ["BERTH_AUGMENT_PARITY"])
# Divisible by the 13 tiles of CLAHE or not, in one direction or both; less than a tile per pixel.
SIZES = [(208, 143), (224, 224), (200, 143), (97, 61), (7, 5), (1, 1)]


def picture(size: tuple[int, int]) -> np.ndarray:
    """RGB, rows x columns: soft shapes, an edge, some noise."""
    rows, columns = size
    y, x = np.mgrid[0:rows, 0:columns]
    noise = np.random.default_rng(7).normal(0, 12, (rows, columns, 3))
    planes = [60 + 50 * np.sin(x / 9.0) + y / 3, 90 + 70 * np.cos((x + y) / 17.0), np.where(x > columns / 2, 200, 30)]
    return np.clip(np.stack(planes, axis=-1) + noise, 0, 255).astype(np.uint8)


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[1]}x{size[0]}")
def rgb(request: pytest.FixtureRequest) -> np.ndarray:
    return picture(request.param)


@pytest.fixture
def ours(tmp_path: Path) -> Callable[..., np.ndarray]:
    def run(rgb: np.ndarray, what: str, *parameters: float) -> np.ndarray:
        source, target = tmp_path / "in.png", tmp_path / "out.png"
        cv2.imwrite(str(source), rgb[:, :, ::-1])
        words = [str(PARITY), what, *map(str, parameters), str(source), str(target)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return cv2.imread(str(target))[:, :, ::-1]

    return run


def off(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.abs(a.astype(int) - b.astype(int))


@pytest.mark.parametrize("clip", [1.0, 2.2, 3.0])
def test_clahe_of_one_plane_is_the_same(rgb: np.ndarray, ours: Callable[..., np.ndarray], clip: float) -> None:
    plane = np.ascontiguousarray(rgb[:, :, 0])
    theirs = cv2.createCLAHE(clipLimit=clip, tileGridSize=(13, 13)).apply(plane)
    difference = off(ours(rgb, "equalize", clip)[:, :, 1], theirs)
    assert difference.max() <= 1 and difference.mean() < 0.01  # the last bit of single precision


def all_colours() -> np.ndarray:
    steps = np.arange(0, 256, 5, dtype=np.uint8)
    return np.ascontiguousarray(np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, steps.size, 3))


def test_lab_is_what_the_formula_says_and_near_opencv(ours: Callable[..., np.ndarray]) -> None:
    colours = all_colours()
    value = colours / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    to_xyz = [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]]
    xyz = linear @ np.array(to_xyz).T / [0.950456, 1, 1.088754]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    lightness = np.where(xyz[..., 1] > 0.008856, 116 * f[..., 1] - 16, 903.3 * xyz[..., 1])
    parts = [lightness * 2.55, 500 * (f[..., 0] - f[..., 1]) + 128, 200 * (f[..., 1] - f[..., 2]) + 128]
    exact = np.clip(np.rint(np.stack(parts, axis=-1)), 0, 255)
    result = ours(colours, "lab")
    assert off(result, exact).max() <= 1 and off(result, exact).mean() < 1e-4
    # OpenCV's 8-bit path goes by tables and is off by one now and then.
    assert off(result, cv2.cvtColor(colours, cv2.COLOR_RGB2LAB)).max() <= 2


def test_lab_comes_back_as_with_opencv(ours: Callable[..., np.ndarray]) -> None:
    lab = cv2.cvtColor(all_colours(), cv2.COLOR_RGB2LAB)
    difference = off(ours(lab, "rgb"), cv2.cvtColor(lab, cv2.COLOR_LAB2RGB))
    assert difference.max() <= 2 and difference.mean() < 0.1


@pytest.mark.parametrize(("alpha", "lightness"), [(0.2, 0.5), (0.5, 1.0), (0.33, 0.71)])
def test_sharpen_is_the_same(
    rgb: np.ndarray, ours: Callable[..., np.ndarray], alpha: float, lightness: float
) -> None:
    kernel = np.full((3, 3), -alpha, dtype=np.float32)
    kernel[1, 1] = (1 - alpha) + alpha * (8 + lightness)
    assert off(ours(rgb, "sharpen", alpha, lightness), cv2.filter2D(rgb, -1, kernel)).max() <= 1


@pytest.mark.parametrize("shape", [(7, 7, 13, 0.4, 0.5), (9, 12, 8, -1.2, 1.0), (13, 9, 10, 1.5, 6.0)])
def test_blur_is_the_same(rgb: np.ndarray, ours: Callable[..., np.ndarray], shape: tuple[float, ...]) -> None:
    side, sigma_x, sigma_y, angle, beta = shape
    grid = np.arange(side) - (side - 1) / 2
    points = np.stack(np.meshgrid(grid, grid), axis=-1)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    inverse = np.linalg.inv(turn @ np.diag([sigma_x**2, sigma_y**2]) @ turn.T)
    kernel = np.exp(-0.5 * np.einsum("yxi,ij,yxj->yx", points, inverse, points) ** beta)
    theirs = cv2.filter2D(rgb, -1, (kernel / kernel.sum()).astype(np.float32))
    assert off(ours(rgb, "blur", *shape), theirs).max() <= 1


def test_iso_noise_without_strength_goes_to_hls_and_back(rgb: np.ndarray, ours: Callable[..., np.ndarray]) -> None:
    assert off(ours(rgb, "iso", 0, 0), rgb).max() == 0


def test_iso_noise_is_as_strong_as_its_formula(ours: Callable[..., np.ndarray]) -> None:
    rgb, shift, intensity = picture((224, 224)), 0.05, 0.5
    before = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2HLS)
    after = cv2.cvtColor(ours(rgb, "iso", shift, intensity).astype(np.float32) / 255, cv2.COLOR_RGB2HLS)
    rest = 1 - before[:, :, 1]
    steps = (after[:, :, 1] - before[:, :, 1]) / (intensity * rest)  # how many events per pixel
    expected = float(before[:, :, 1].std()) * intensity
    assert abs(steps.mean() - expected) < 5 * np.sqrt(expected / steps.size) + 0.002
    assert abs(steps.var() - expected) < 0.1 * expected
    vivid = (before[:, :, 2] > 0.5) & (np.abs(before[:, :, 1] - 0.5) < 0.3) & (after[:, :, 1] < 0.9)
    turned = (after[:, :, 0] - before[:, :, 0] + 180) % 360 - 180
    assert abs(turned[vivid].std() - shift * 360 * intensity) < 0.5
