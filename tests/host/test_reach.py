"""What a self-test reaches: each word of each copy of a table, and each bit of each sum.

On the golden model, of which `reached_bits` records what stands in the hardware's registers.
"""

import numpy as np
import pytest
from reached_bits import Recorder, watched

from zynq_lstm.host.self_test import checks
from zynq_lstm.quant.activation_probe import ActivationProbe
from zynq_lstm.quant.config import Config
from zynq_lstm.quant.noise_probe import NoiseProbe
from zynq_lstm.quant.surprisal_probe import SurprisalProbe

SMALL = Config(hidden=16, symbols=8, multipliers=64)
GROUPS = Config(hidden=48, symbols=16, multipliers=64)
ONE_LAYER = Config(hidden=32, layers=1, symbols=8, multipliers=64)


def unreachable(config: Config) -> dict[str, list[int]]:
    """Bits that are the same whatever is computed."""
    symbols_bits = (config.symbols - 1).bit_length()
    return {
        "products of exponentials": [37],  # 1 x 1 is 2^36.
        "totals of terms": list(range(21 + symbols_bits, 29)),  # No more terms than symbols.
    }


def reached(config: Config) -> Recorder:
    """A self-test's sums."""
    with watched(config) as (transport, recorder):
        assert all(check.passed for check in checks(transport))
    return recorder


def missing(config: Config, recorder: Recorder) -> dict[str, list[int]]:
    """Bits that some copy has not had both ways, though it could."""
    left = unreachable(config)
    found = {
        name: [bit for bit in node.missing if bit not in left.get(name, [])]
        for name, node in recorder.nodes.items()
    }
    return {name: bits for name, bits in found.items() if bits}


def test_every_bit_of_the_sums_is_met() -> None:
    found = missing(SMALL, reached(SMALL))
    assert found == {"distances": [15]}  # Of so few logits none are so far apart.


def test_without_exercises_bits_are_missing() -> None:
    with watched(SMALL) as (transport, recorder):
        for check in checks(transport):
            if check.name == "bits of output":
                break
    assert len(missing(SMALL, recorder)) > 5


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    "config", [GROUPS, ONE_LAYER, Config(), Config(symbols=256)], ids=Config.describe
)
def test_reach_in_other_sizes(config, capsys) -> None:
    recorder = reached(config)
    with capsys.disabled():
        print(f"\n{config.describe()}")
        for probe in (ActivationProbe(), NoiseProbe(), SurprisalProbe(config)):
            for name, table in probe.tables.items():
                read = len(np.unique(probe.reads(name)[probe.reads(name) >= 0]))
                print(f"{name}: {read:,} of {len(table.words):,} words")
        for name, node in recorder.nodes.items():
            both = sum(bin(mask).count("1") for mask in (node.ones & node.zeros).tolist())
            print(f"{name}: {both:,} of {len(node.ones) * node.bits:,} bits", *node.missing)
    assert missing(config, recorder) == {}
