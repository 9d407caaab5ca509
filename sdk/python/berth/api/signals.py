# SPDX-License-Identifier: Apache-2.0
"""Recordings of radio signals drawn, measured, and noise added. Each is a task of preprocessing."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from ..transport import Transport
from ..types import PreprocessingResponse

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ..types import AwgnRequest, IqDatasetRequest, SnrRequest, SpectrogramRequest, WaterfallRequest


class Signals:
    """`client.signals`. `client.preprocessing.get` has the statistics when it is done."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def spectrogram(self, **request: Unpack[SpectrogramRequest]) -> PreprocessingResponse:
        """Draws each slice of a recording, or of each one of a folder: time to the right, frequency upwards."""
        return self._start("spectrogram", request)

    def waterfall(self, **request: Unpack[WaterfallRequest]) -> PreprocessingResponse:
        """Makes a film of a recording's spectrum."""
        return self._start("waterfall", request)

    def iq_dataset(self, **request: Unpack[IqDatasetRequest]) -> PreprocessingResponse:
        """Makes a data set of spectrograms out of one folder of recordings per class."""
        return self._start("iq-dataset", request)

    def snr(self, **request: Unpack[SnrRequest]) -> PreprocessingResponse:
        """Measures signal-to-noise ratio (dB), bandwidth and place (Hz) of the strongest signal. Writes nothing."""
        return self._start("snr", request)

    def awgn(self, **request: Unpack[AwgnRequest]) -> PreprocessingResponse:
        """Writes copies of a recording with white noise added, one per ratio from `snr_min` to `snr_max` (dB)."""
        return self._start("awgn", request)

    def _start(self, what: str, request: object) -> PreprocessingResponse:
        return cast(PreprocessingResponse, self._transport.json("POST", f"/api/v2/preprocessing/{what}", body=request))
