"""Which block of the accelerator takes up what: cells of a flat netlist by the part they lie in.

A cell lies where its name or its outputs say. LUTs that mapping made up have no name; such a one
belongs to the block that most of what it drives lies in.
"""

import re
from collections import Counter, defaultdict

from zynq_lstm.hw.netlist import TAKES, Netlist

CONTROL = "control"
BLOCKS = {
    "engine": r"accelerator\.datapath\.engine\b",
    "scaling, stored sums": r"accelerator\.datapath\.(lane\d|scales|biases|sums)",
    "element-wise unit": r"accelerator\.datapath\.elementwise",
    "input table": r"accelerator\.datapath\.table",
    "sampler": r"accelerator\.datapath\.sampler",
    "surprisal": r"accelerator\.datapath\.surprisal",
    "streams, loader, state": r"accelerator\.(i_fifo|o_fifo|packer|loader|state_port)",
    CONTROL: r"accelerator\b",
    "registers, bus": r"",
}
"""Blocks by the beginning of an instance's path, the first that fits. Control is what remains of
the accelerator: controller, sequencer, counters, delay lines, resets."""


def block_of(path: str) -> str:
    """Return the block that an instance belongs to, "" being the top."""
    return next(name for name, pattern in BLOCKS.items() if re.match(pattern, path))


def resources_by_block(netlist: Netlist) -> dict[str, dict[str, float]]:
    """Count what each block takes up.

    Returns
    -------
    dict
        Of `BLOCKS`, each with the keys of `synthesis.AVAILABLE`.
    """
    found = {name: {kind: 0.0 for kind, _ in TAKES.values()} for name in BLOCKS}
    for index, block in _blocks(netlist).items():
        if counted := TAKES.get(netlist.cells[index].kind):
            kind, amount = counted
            found[block][kind] += amount
    return found


def _blocks(netlist: Netlist) -> dict[int, str]:
    """The block of each cell, by its index."""
    driven = defaultdict(list)
    for index, cell in enumerate(netlist.cells):
        for _, bit in cell.input_nets():
            driven[bit].append(index)
    blocks: dict[int, str] = {}
    waiting: set[int] = set()
    for index, cell in enumerate(netlist.cells):
        place = netlist.scope(cell)
        blocks[index] = block_of(place)
        outputs = [bit for _, bit in cell.output_nets()]
        if not place and outputs and not any(map(netlist.is_public, outputs)):
            waiting.add(index)
    # Known when all that it drives is; what is left at last drives itself, and stays at the top.
    while waiting:
        known = []
        for index in waiting:
            bits = [bit for _, bit in netlist.cells[index].output_nets()]
            loads = {load for bit in bits for load in driven[bit]}
            if not loads & waiting:
                votes = Counter(blocks[load] for load in loads)
                if votes:
                    blocks[index] = min(votes, key=lambda name: (-votes[name], name))
                known.append(index)
        if not known:
            break
        waiting -= set(known)
    return blocks
