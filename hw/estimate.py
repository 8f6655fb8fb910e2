"""What an engine of 1,024 multipliers for 4-bit weights would take of the XC7Z020, from Yosys.

    python -m zynq_lstm.hw.estimate [--dsp-pairs 192]

There is no such engine yet. What would change in it are the multipliers and the adder trees, so
these are built and mapped as a probe: a region (eight banks' words and hidden states in registers,
their products, the sums of sixteen columns) with weights of 8 bits as it is, and with weights of
4 bits, and the tree that sums eight regions. Two units come out of such an engine in each cycle, so
it needs the scaling and the element-wise unit twice. The difference is added to what the whole
accelerator takes (`zynq-lstm synth`). docs/four-bit.md holds the figures and what follows from
them.
"""

import argparse
import json

from amaranth.back import verilog
from amaranth.hdl import Module, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from zynq_lstm.hw.bank import WORD_BITS
from zynq_lstm.hw.elementwise import Elementwise
from zynq_lstm.hw.multiplier import DspPair, LutPair
from zynq_lstm.hw.nibble_multiplier import PRODUCT_BITS, DspNibbles, LutNibble
from zynq_lstm.hw.primitives import register
from zynq_lstm.hw.region import adder_tree
from zynq_lstm.hw.requantizer import Lane
from zynq_lstm.hw.synthesis import synthesize
from zynq_lstm.quant.config import BANK_COLUMNS, BANKS_PER_REGION, GATES, Config
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.files import temporary_folder

REGIONS = Config().regions
COLUMNS = BANK_COLUMNS * BANKS_PER_REGION
LEVELS = (COLUMNS - 1).bit_length()


class RegionArithmetic(wiring.Component):
    """The arithmetic of a region.

    Parameters
    ----------
    weight_bits : int
        8 or 4.
    dsp_pairs : int
        Pairs of multipliers that are a DSP48E1; the others are LUTs.

    Members
    -------
    word0 … word7 : In(64)
        Of the weight memories (`quant.layout`, `quant.nibbles`).
    h0 … h15 : In(signed(8))
        Of the columns.
    sum0 … : Out
        Of each lane, four with 8 bits and eight with 4.
    """

    def __init__(self, weight_bits, dsp_pairs):
        self._four, self._dsp_pairs = weight_bits == 4, dsp_pairs
        self.lanes = 2 * GATES if self._four else GATES
        self.bits = (PRODUCT_BITS if self._four else 16) + LEVELS
        super().__init__(
            {
                **{f"word{k}": In(WORD_BITS) for k in range(BANKS_PER_REGION)},
                **{f"h{c}": In(signed(8)) for c in range(COLUMNS)},
                **{f"sum{k}": Out(signed(self.bits)) for k in range(self.lanes)},
            }
        )

    def elaborate(self, platform):
        m = Module()
        products = [[] for _ in range(self.lanes)]
        pairs = COLUMNS * self.lanes // 2
        for column in range(COLUMNS):
            bank, half = divmod(column, BANK_COLUMNS)
            word = register(m, getattr(self, f"word{bank}"), f"word{bank}_{half}")
            h = register(m, getattr(self, f"h{column}"), f"h{column}_q", keep=True)
            for k in range(self.lanes // 2):
                n = column * self.lanes // 2 + k
                # Evenly spread, as the chip's DSP columns are.
                dsp = (n + 1) * self._dsp_pairs // pairs > n * self._dsp_pairs // pairs
                part = word.word_select(half * self.lanes // 2 + k, 8 if self._four else 16)
                pair = self._four_bits if self._four else self._eight_bits
                low, high = pair(m, f"{column}_{k}", part, h, dsp)
                products[2 * k].append(low)
                products[2 * k + 1].append(high)
        for lane, values in enumerate(products):
            m.d.comb += getattr(self, f"sum{lane}").eq(adder_tree(m, values, f"sum{lane}"))
        return m

    @staticmethod
    def _eight_bits(m, name, part, h, dsp):
        pair = DspPair() if dsp else LutPair()
        m.submodules[f"pair{name}"] = pair
        m.d.comb += [pair.pair.eq(part), pair.h.eq(h)]
        return pair.p0, pair.p1

    @staticmethod
    def _four_bits(m, name, part, h, dsp):
        if dsp:
            pair = DspNibbles()
            m.submodules[f"pair{name}"] = pair
            m.d.comb += [pair.w0.eq(part[:4]), pair.w1.eq(part[4:]), pair.h.eq(h)]
            return pair.p0, pair.p1
        each = [LutNibble() for _ in range(2)]
        for k, product in enumerate(each):
            m.submodules[f"product{name}_{k}"] = product
            m.d.comb += [product.w.eq(part[4 * k : 4 * k + 4]), product.h.eq(h)]
        return [product.p for product in each]


class RegionTree(wiring.Component):
    """Sums of the regions, for each lane.

    Parameters
    ----------
    lanes, bits : int
        Lanes; width of a region's sum.

    Members
    -------
    i{region}_{lane} : In
    o{lane} : Out
    """

    def __init__(self, lanes, bits):
        self._lanes, self._bits = lanes, bits
        wide = bits + (REGIONS - 1).bit_length()
        super().__init__(
            {
                **{f"i{r}_{k}": In(signed(bits)) for r in range(REGIONS) for k in range(lanes)},
                **{f"o{k}": Out(signed(wide)) for k in range(lanes)},
            }
        )

    def elaborate(self, platform):
        m = Module()
        for k in range(self._lanes):
            sums = [register(m, getattr(self, f"i{r}_{k}"), f"i{r}_{k}_q") for r in range(REGIONS)]
            m.d.comb += getattr(self, f"o{k}").eq(adder_tree(m, sums, f"o{k}"))
        return m


def measure(component, name):
    """Resources of a component, with the keys of `synthesis.AVAILABLE`."""
    text = verilog.convert(component, name=name, emit_src=False, strip_internal_attrs=True)
    with temporary_folder() as folder:
        path = folder / f"{name}.v"
        path.write_text(text, encoding="utf-8")
        return synthesize([path], name).used


def estimate(weight_bits, dsp_pairs):
    """Resources of the multipliers and adder trees of an engine of 64 weight memories.

    Parameters
    ----------
    weight_bits : int
        8 (512 multipliers) or 4 (1,024).
    dsp_pairs : int
        As in `Config`, of the whole engine.

    Returns
    -------
    dict
        Of a region, of the tree of the regions, and of the engine.
    """
    if dsp_pairs % REGIONS:
        raise UserError(
            f"Number of DSP pairs must be a multiple of the {REGIONS} regions, not {dsp_pairs}"
        )
    region = RegionArithmetic(weight_bits, dsp_pairs // REGIONS)
    tree = measure(RegionTree(region.lanes, region.bits), "region_tree")
    each = measure(region, "region_arithmetic")
    engine = {kind: REGIONS * each[kind] + tree[kind] for kind in each}
    return {"region": each, "tree": tree, "engine": engine}


def second_unit():
    """Resources of what four more lanes need behind the engine: scaling, element-wise unit."""
    lane, unit = measure(Lane(), "lane"), measure(Elementwise(Config()), "elementwise")
    return {kind: GATES * lane[kind] + unit[kind] for kind in lane}


def main(arguments=None):
    """Measure both engines and the second unit, and write one JSON object."""
    parser = argparse.ArgumentParser(
        prog="python -m zynq_lstm.hw.estimate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--dsp-pairs", type=int, default=192, help="of the engine for 4 bits")
    options = parser.parse_args(arguments)
    try:
        values = {
            "8 bits": estimate(8, Config().dsp_pairs),
            "4 bits": estimate(4, options.dsp_pairs),
            "second unit": second_unit(),
        }
    except UserError as error:
        parser.exit(1, f"{error}\n")
    print(json.dumps(values, indent=2))


if __name__ == "__main__":
    main()
