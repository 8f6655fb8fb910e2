"""The tables, entry by entry, against decimal arithmetic of 40 digits."""

import math

import numpy as np
import slow_reference as slow

from zynq_lstm.quant.formats import GUMBEL
from zynq_lstm.quant.sampling import gumbel_address
from zynq_lstm.quant.tables import gumbel_table, tanh_table


def test_tanh_entries():
    assert tanh_table().tolist() == [slow.tanh_entry(k) for k in range(2048)]


def test_tanh_ends():
    table = tanh_table()
    assert table.shape == (2048,)
    assert table[0] == 32
    assert table[-1] == round(math.tanh(4 - 2**-10) * 2**15) < 32767


def test_gumbel_entries_by_random_number():
    table, u = gumbel_table(), np.arange(0, 2**15, 7)
    assert table[gumbel_address(u)].tolist() == [slow.gumbel(k) for k in u.tolist()]


def test_gumbel_tail_is_fine_and_meets_the_coarse_half():
    u = np.arange(2**15)
    address = gumbel_address(u)
    assert (address[u < 31 << 10] == u[u < 31 << 10] >> 5).all()
    assert (address[u >= 31 << 10] == 1024 + (u[u >= 31 << 10] & 1023)).all()
    assert (np.diff(gumbel_table()[address]) >= 0).all()


def test_gumbel_is_within_its_format():
    table = gumbel_table()
    assert table.shape == (2048,)
    assert GUMBEL.minimum <= table.min() and table.max() <= GUMBEL.maximum


def test_gumbel_moments():
    """Mean: Euler's constant; variance: pi^2 / 6."""
    noise = gumbel_table()[gumbel_address(np.arange(2**15))] / 2**13
    assert abs(noise.mean() - 0.577216) < 0.002
    assert abs(noise.var() - math.pi**2 / 6) < 0.01
