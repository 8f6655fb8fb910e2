"""What a bank, a region or the engine must answer, from weights and hidden states as arrays."""

from dataclasses import dataclass

import numpy as np
from component_simulation import assert_follows, set_ports, simulate

from zynq_lstm.quant.config import BANK_COLUMNS, GATES
from zynq_lstm.quant.formats import HIDDEN, WEIGHT_LIMIT
from zynq_lstm.quant.layout import pack_pairs


@dataclass
class Part:
    """Some columns of the engine, with the timing that its component states.

    Parameters
    ----------
    config : Config
    columns : int
        How many columns this part has.
    latency : int
        Step to sums.
    strobe_latency : int
        Strobe to the cycle in which it acts.
    chain_lead : int
        Strobe to the cycle in which ``h*_in`` is taken.
    hidden_read : int
        Step to the selection of h.
    out_latency : int
        From the end of the chain to ``h*_out``.
    accumulates : bool
    """

    config: object
    columns: int
    latency: int
    strobe_latency: int
    chain_lead: int
    hidden_read: int
    out_latency: int = 0
    accumulates: bool = False

    def random_weights(self, rng):
        """Weights of all steps, (weight_depth, 4, columns)."""
        shape = (self.config.weight_depth, GATES, self.columns)
        weights = rng.integers(-WEIGHT_LIMIT, WEIGHT_LIMIT + 1, shape).astype(np.int8)
        weights[rng.integers(0, shape[0], 8)] = WEIGHT_LIMIT
        weights[rng.integers(0, shape[0], 8)] = -WEIGHT_LIMIT
        return weights

    def words(self, weights):
        """The same as words of the banks, (weight_depth, banks)."""
        banks = weights.reshape(len(weights), GATES, -1, BANK_COLUMNS).transpose(0, 2, 3, 1)
        pairs = np.ascontiguousarray(pack_pairs(banks.reshape(*banks.shape[:2], -1)))
        return pairs.astype("<u2").view("<u8")[..., 0].astype(np.uint64)

    def random_cycles(self, rng, cycles):
        """Inputs for some cycles: any step at any time, chains that move now and then."""
        c = self.config
        columns = {
            "r_addr": rng.integers(0, c.weight_depth, cycles),
            "layer": rng.integers(0, c.layers, cycles),
            "group": rng.integers(0, c.groups, cycles),
        }
        for layer in range(1, c.layers + 1):
            values = rng.integers(HIDDEN.minimum, HIDDEN.maximum + 1, cycles)
            values[rng.random(cycles) < 0.2] = HIDDEN.minimum
            # Whole chains of the extreme now and then: the sums' greatest magnitude.
            values[cycles // 2 : cycles // 2 + 2 * c.hidden] = HIDDEN.minimum
            columns[f"h{layer}_in"] = values & 0xFF
            columns[f"h{layer}_shift"] = rng.random(cycles) < 0.8
        # Often enough that some copy is of a chain in motion, rare enough to tell them apart.
        columns["h1_load"] = rng.random(cycles) < 0.1
        if self.accumulates:
            columns["first"] = np.arange(cycles) % c.groups == 0
            columns["group"] = np.arange(cycles) % c.groups
        return columns

    def expected(self, columns, weights):
        """Sums of each cycle's step, (cycles, 4), and the oldest h of each chain by cycle.

        Sums before all units have been shifted in and copied are None.
        """
        c = self.config
        cycles = len(columns["r_addr"])
        units = self.columns * c.groups
        chains = {layer: np.zeros(units, int) for layer in range(1, c.layers + 1)}
        current = np.zeros(units, int)
        shifts = dict.fromkeys(chains, 0)
        ready = False
        hidden, known, oldest = [], [], {layer: [] for layer in chains}
        for t in range(cycles):
            if ready is False and shifts[1] >= units and self._strobe(columns, "h1_load", t):
                ready = True
            loaded = chains[1].copy() if self._strobe(columns, "h1_load", t) else None
            hidden.append([current.copy(), *(chains[k].copy() for k in chains if k == 2)])
            known.append([ready, *(shifts[k] >= units for k in chains if k == 2)])
            for layer, chain in chains.items():
                oldest[layer].append(int(chain[0]))
                if self._strobe(columns, f"h{layer}_shift", t):
                    taken = t - self.strobe_latency + self.chain_lead
                    value = int(np.int8(np.uint8(columns[f"h{layer}_in"][taken])))
                    chains[layer] = np.append(chain[1:], value)
                    shifts[layer] += 1
            if loaded is not None:
                current = loaded
        sums, held = [], None
        for t in range(cycles - self.hidden_read):
            layer, group = int(columns["layer"][t]), int(columns["group"][t])
            if c.groups == 1:
                group = 0
            # A load that acts in this cycle shows in the next, as ``hidden`` has it.
            h = hidden[t + self.hidden_read][layer].reshape(self.columns, c.groups)[:, group]
            complete = known[t + self.hidden_read][layer]
            total = weights[columns["r_addr"][t]].astype(int) @ h if complete else None
            if self.accumulates and not columns["first"][t]:
                total = None if total is None or held is None else total + held
            held = total
            sums.append(total)
        return sums, oldest

    def _strobe(self, columns, name, t):
        return t >= self.strobe_latency and bool(columns[name][t - self.strobe_latency])

    def check(self, dut, columns, weights, write=None):
        """Play the cycles, after a bench that writes; compare all sums and ends of chains."""
        cycles = len(columns["r_addr"])
        lanes = [f"sum{k}" for k in range(GATES)]
        ends = [f"h{layer}_out" for layer in range(1, self.config.layers + 1)]
        seen = []

        async def bench(ctx):
            if write is not None:
                await write(ctx)
            for t in range(cycles + self.latency):
                if t < cycles:
                    set_ports(ctx, dut, **{n: values[t] for n, values in columns.items()})
                seen.append([ctx.get(getattr(dut, n)) for n in lanes + ends])
                await ctx.tick()

        simulate(dut, bench)
        found = np.array(seen)
        sums, oldest = self.expected(columns, weights)
        compared = [t for t, total in enumerate(sums) if total is not None]
        assert len(compared) > cycles // 2, "too few steps with all units known"
        for k in range(GATES):
            assert_follows(
                found[np.array(compared) + self.latency, k],
                [sums[t][k] for t in compared],
                0,
                cycle=compared,
                step=[{n: int(v[t]) for n, v in columns.items()} for t in compared],
            )
        units = self.columns * self.config.groups
        for layer, values in oldest.items():
            strobes = np.cumsum(columns[f"h{layer}_shift"])
            start = int(np.argmax(strobes >= units)) + self.strobe_latency + 1
            assert_follows(
                found[start + self.out_latency :, GATES - 1 + layer],
                np.array(values[start:]) & 0xFF,
                0,
            )
