"""The golden model: the accelerator's integers, in numpy.

Matrix products run in float32 BLAS: every sum is an integer below 2^24 (`prove_no_overflow`), so
they are exact. All else is `operators`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zynq_lstm.quant import operators as op
from zynq_lstm.quant import surprisal
from zynq_lstm.quant.config import GATES
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.sampling import Sampler
from zynq_lstm.quant.state import State

Integers = NDArray[np.int64]

PIECE_COLUMNS = 32
"""Columns of one call of BLAS."""


class _Matrix(NamedTuple):
    """Rows as one matrix of lanes: lane-major, so that a gate is a contiguous block."""

    weights: NDArray[np.float32]  # (hidden, 4 * rows)
    scales: Integers  # (4 * rows,)
    biases: Integers  # (4 * rows,)

    def scaled(self, h: NDArray[np.float32]) -> Integers:
        """Requantized products with h (hidden,) or (batch, hidden)."""
        return op.requantize(self._product(h).astype(np.int64), self.scales)

    def _product(self, h: NDArray[np.float32]) -> NDArray[np.float32]:
        """h @ weights, in pieces that BLAS does not hand to threads.

        Products of this size gain nothing from threads, and lose a tenfold where another process
        has a core.
        """
        if h.ndim == 1:
            return np.asarray(h @ self.weights)
        out = np.empty((len(h), self.weights.shape[1]), np.float32)
        for start in range(0, out.shape[1], PIECE_COLUMNS):
            piece = slice(start, start + PIECE_COLUMNS)
            np.matmul(h, self.weights[:, piece], out=out[:, piece])
        return out


class GoldenModel:
    """One sequence, or a batch of independent ones, on the golden model.

    Parameters
    ----------
    image : Image
    batch : int, optional
        Sequences side by side; without it, arrays have no batch axis.
    """

    def __init__(self, image: Image, batch: int | None = None) -> None:
        if batch is not None and batch < 1:
            raise UserError(f"Batch size must be at least 1, not {batch}")
        p = image.parameters
        self.image = image
        self.symbols = p.symbols
        self.batch = batch
        self._layers = p.config.layers
        self._hh1 = self._matrix("hh1")
        self._out = self._matrix("out")
        if self._layers == 2:
            self._ih2, self._hh2 = self._matrix("ih2"), self._matrix("hh2")
        hidden = p.config.hidden
        self._table = np.ascontiguousarray(p.table.transpose(0, 2, 1)).reshape(-1, GATES * hidden)
        self._table = self._table.astype(np.int64)
        self.reset()

    def _matrix(self, name: str) -> _Matrix:
        p = self.image.parameters
        rows = p.matrix(name)
        order = (0, 1) if name == "out" else (1, 0)  # logits by symbol, gates by gate
        w = p.weights[rows].transpose(*order, 2).reshape(-1, p.config.hidden)
        scales = p.scales[rows].transpose(order).reshape(-1)
        biases = p.biases[rows].transpose(order).reshape(-1)
        lanes = p.symbols if name == "out" else len(w)  # without the last row's padding
        return _Matrix(
            np.ascontiguousarray(w[:lanes].T.astype(np.float32)),
            scales[:lanes].astype(np.int64),
            biases[:lanes].astype(np.int64),
        )

    def reset(self) -> None:
        """Back to the zero state."""
        hidden = self.image.config.hidden
        self.state = State.zeros(self._layers, hidden, self.batch)

    @property
    def state(self) -> State:
        """The recurrent state; a copy, also when set."""
        return State(
            np.stack(self._h).astype(np.int8),
            np.stack(self._c).astype(np.int16),
        )

    @state.setter
    def state(self, state: State) -> None:
        expected = State.zeros(self._layers, self.image.config.hidden, self.batch)
        if state.h.shape != expected.h.shape or state.c.shape != expected.c.shape:
            raise UserError(
                f"State must have h and c of the shape {expected.h.shape}, "
                f"not {state.h.shape} and {state.c.shape}"
            )
        self._h = [h.astype(np.float32) for h in state.h]
        self._c = [c.astype(np.int64) for c in state.c]

    def step(self, symbols: NDArray[np.integer] | int) -> Integers:
        """Feed one symbol to each sequence.

        Parameters
        ----------
        symbols : int, or array of int, shape (batch,)

        Returns
        -------
        ndarray of int64, shape (V,) or (batch, V)
            Logits of the next symbol, `LOGIT` format.
        """
        recurrent = self._hh1.scaled(self._h[0])
        self._update(0, op.preactivation(recurrent, self._table[symbols]))
        if self._layers == 2:
            partial = self._hh2.scaled(self._h[1]) + self._hh2.biases
            self._update(1, op.preactivation(self._ih2.scaled(self._h[0]), partial))
        return op.logit(self._out.scaled(self._h[-1]), self._out.biases)

    def _update(self, layer: int, z: Integers) -> None:
        """The element-wise pass of one layer; z holds the gates i, f, g, o one after the other."""
        hidden = self.image.config.hidden
        i, f = op.sigmoid(z[..., :hidden]), op.sigmoid(z[..., hidden : 2 * hidden])
        g = op.tanh(z[..., 2 * hidden : 3 * hidden])
        o = op.sigmoid(z[..., 3 * hidden :])
        c = op.cell_update(i, f, g, self._c[layer])
        self._c[layer] = c
        self._h[layer] = op.hidden_output(o, op.tanh(c)).astype(np.float32)

    def logits(self, symbols: NDArray[np.integer]) -> NDArray[np.int16]:
        """Feed symbols (n,) or (batch, n); logits after each, (n, V) or (batch, n, V)."""
        symbols = self._checked(symbols)
        out = np.empty((*symbols.shape, self.symbols), np.int16)
        for t in range(symbols.shape[-1]):
            out[..., t, :] = self.step(symbols[..., t])
        return out

    def score(self, symbols: NDArray[np.integer]) -> NDArray[np.uint16]:
        """Surprisal of each symbol but the first, given those before it.

        All but the last are fed: feed that first to go on.

        Parameters
        ----------
        symbols : array of int, shape (n,) or (batch, n), n >= 2

        Returns
        -------
        ndarray of uint16, shape (n - 1,) or (batch, n - 1)
            `surprisal.SURPRISAL` format, in bits.

        Raises
        ------
        UserError
            When there are fewer than two symbols, or one is out of range.
        """
        symbols = self._checked(symbols)
        if symbols.shape[-1] < 2:
            raise UserError("There must be at least two symbols to score; there is one")
        out = np.empty((*symbols.shape[:-1], symbols.shape[-1] - 1), np.uint16)
        for t in range(out.shape[-1]):
            logits = self.step(symbols[..., t])
            out[..., t] = surprisal.surprisal(logits, symbols[..., t + 1])
        return out

    def generate(
        self,
        prompt: NDArray[np.integer],
        length: int,
        temperature: int,
        seeds: int | NDArray[np.uint64],
    ) -> NDArray[np.uint8]:
        """Feed a prompt and sample; see `stream`.

        Returns
        -------
        ndarray of uint8, shape (length,) or (batch, length)
        """
        pieces = list(self.stream(prompt, length, temperature, seeds))
        return np.stack(pieces, axis=-1)

    def stream(
        self,
        prompt: NDArray[np.integer],
        length: int,
        temperature: int,
        seeds: int | NDArray[np.uint64],
    ) -> Iterator[NDArray[np.uint8]]:
        """Feed a prompt, then yield ``length`` sampled symbols as they come.

        The last symbol is sampled but not fed: feed it first to go on.

        Parameters
        ----------
        prompt : array of int, shape (n,) or (batch, n), n >= 1
        length : int
            At least 1.
        temperature : int
            `TEMPERATURE` format.
        seeds : int, or array of uint64, shape (batch,)
            States of the generators (`sampling.seed_state`).

        Raises
        ------
        UserError
            When the prompt is empty, the length below 1 or a symbol out of range.
        """
        prompt = self._checked(prompt)
        if length < 1:
            raise UserError(f"Length must be at least 1, not {length}")
        sampler = Sampler(seeds, temperature, self.symbols)
        if len(sampler.states) != (self.batch or 1):
            raise UserError(
                f"There must be one seed a sequence, {self.batch or 1}, not {len(sampler.states)}"
            )
        for t in range(prompt.shape[-1]):
            logits = self.step(prompt[..., t])
        for k in range(length):
            drawn = sampler.draw(logits.reshape(-1, self.symbols))
            symbols = drawn if self.batch is not None else drawn[0]
            yield np.asarray(symbols)
            if k + 1 < length:
                logits = self.step(symbols)

    def _checked(self, symbols: NDArray[np.integer]) -> NDArray[np.integer]:
        symbols = np.asarray(symbols)
        axes = 1 if self.batch is None else 2
        if symbols.ndim != axes or (self.batch is not None and symbols.shape[0] != self.batch):
            shape = "(n,)" if self.batch is None else f"({self.batch}, n)"
            raise UserError(f"Symbols must have the shape {shape}, not {symbols.shape}")
        if symbols.shape[-1] == 0:
            raise UserError("There must be at least one symbol to feed; the text is empty")
        if symbols.min() < 0 or symbols.max() >= self.symbols:
            worst = int(symbols.max()) if symbols.max() >= self.symbols else int(symbols.min())
            raise UserError(f"Symbols must be from 0 to {self.symbols - 1}, not {worst}")
        return symbols
