"""Cells of each kind, with random contents, and the references that go with them."""

import numpy as np
from cells.bench import Instance
from cells.references import (
    BlockRam,
    Carry,
    Dsp,
    FlipFlop,
    Inverter,
    Lut,
    LutRam,
    Multiplexer,
    ShiftRegister,
)

PLACES = 5
"""Different addresses of a memory: few, so that words are written, read and met by both ports."""


def logic(rng: np.random.Generator) -> list[Instance]:
    """Cells of slices."""

    def random(bits: int) -> int:
        return int.from_bytes(rng.bytes(-(-bits // 8)), "little") % (1 << bits)

    out = {"O": 1}
    made = [
        Instance("INV", Inverter, {"I": 1}, out),
        Instance(
            "CARRY4", Carry, {"CI": 1, "DI": 4, "S": 4}, {"O": 4, "CO": 4}, tied={"CYINIT": 0}
        ),
        Instance(
            "CARRY4", Carry, {"CYINIT": 1, "DI": 4, "S": 4}, {"O": 4, "CO": 4}, tied={"CI": 0}
        ),
    ]
    for kind in ("MUXF7", "MUXF8"):
        made.append(Instance(kind, Multiplexer, {"I0": 1, "I1": 1, "S": 1}, out))
    for n in range(1, 7):
        for _ in range(3):
            table = {"INIT": random(1 << n)}
            pins = {f"I{k}": 1 for k in range(n)}
            made.append(Instance(f"LUT{n}", lambda t=table: Lut(**t), pins, out, table))
    for kind, pin in (("FDRE", "R"), ("FDSE", "S")):
        for start in ({"INIT": 0}, {"INIT": 1}):
            pins = {"CE": 1, "D": 1, pin: 1}
            reference = lambda p=pin, s=start: FlipFlop(p, **s)  # noqa: E731
            made.append(Instance(kind, reference, pins, {"Q": 1}, start, ("C",)))
    for kind, length, address, outputs in (
        ("SRL16E", 16, {f"A{k}": 1 for k in range(4)}, {"Q": 1}),
        ("SRLC32E", 32, {"A": 5}, {"Q": 1, "Q31": 1}),
    ):
        start = {"INIT": random(length)}
        reference = lambda n=length, s=start: ShiftRegister(n, **s)  # noqa: E731
        pins = {"CE": 1, "D": 1, **address}
        made.append(Instance(kind, reference, pins, outputs, start, ("CLK",)))
    for kind, width, bits in (("RAM64M", 1, 6), ("RAM32M", 2, 5)):
        start = {f"INIT_{name}": random(64) for name in "ABCD"}
        addresses = {f"ADDR{name}": [random(bits) for _ in range(PLACES)] for name in "ABCD"}
        addresses["ADDRD"] = [few[0] for few in addresses.values()]
        pins = {"WE": 1, **{f"DI{n}": width for n in "ABCD"}, **dict.fromkeys(addresses, bits)}
        outputs = {f"DO{n}": width for n in "ABCD"}
        reference = lambda w=width, s=start: LutRam(w, **s)  # noqa: E731
        made.append(Instance(kind, reference, pins, outputs, start, ("WCLK",), addresses=addresses))
    return made


def dsps() -> list[Instance]:
    """DSP48E1 with registers everywhere, in some places, nowhere."""
    unused = dict.fromkeys(
        ("D", "ACIN", "BCIN", "PCIN", "CARRYIN", "CARRYINSEL", "ALUMODE", "INMODE"), 0
    )
    none = ("ADREG", "ALUMODEREG", "CARRYINREG", "CARRYINSELREG", "CREG", "DREG", "INMODEREG")
    pins = {"A": 30, "B": 18, "C": 48}
    pins |= dict.fromkeys(("CEA2", "CEB2", "CEM", "CEP", "RSTA", "RSTB", "RSTM", "RSTP"), 1)
    made = []
    for opmode in (0b0110101, 0b0000101):
        for registers in ("ABMP", "AP", "M", ""):
            present = {f"{name}REG": int(name in registers) for name in "ABMP"}
            cascade = {"ACASCREG": present["AREG"], "BCASCREG": present["BREG"]}
            parameters = {**present, **cascade, **dict.fromkeys((*none, "OPMODEREG"), 0)}
            made.append(
                Instance(
                    "DSP48E1",
                    lambda p=present: Dsp(**p),
                    pins,
                    {"P": 48},
                    parameters,
                    ("CLK",),
                    tied={**unused, "OPMODE": opmode},
                )
            )
    return made


def block_ram(
    rng: np.random.Generator, size: int, mode: str, widths: tuple[int, int, int, int]
) -> Instance:
    """A block memory with random contents; widths of reading and writing at A and B."""
    kind = {4: "RAMB36E1", 2: "RAMB18E1"}[size]
    rows = {
        "INIT": [int.from_bytes(rng.bytes(32), "little") for _ in range(32 * size)],
        "INITP": [int.from_bytes(rng.bytes(32), "little") for _ in range(4 * size)],
    }
    names = ("READ_WIDTH_A", "READ_WIDTH_B", "WRITE_WIDTH_A", "WRITE_WIDTH_B")
    parameters: dict[str, int | str] = {
        "RAM_MODE": mode,
        "WRITE_MODE_A": "READ_FIRST",
        "WRITE_MODE_B": "READ_FIRST",
        **dict(zip(names, widths, strict=True)),
    }
    contents = {f"{n}_{k:02X}": row for n, given in rows.items() for k, row in enumerate(given)}
    data, parity = (sum(row << 256 * k for k, row in enumerate(given)) for given in rows.values())
    bits = 14 if size == 2 else 16
    # Bit 15 of RAMB36E1 counts in a cascade only. Both ports may not write one word at once.
    few = [int(v) for v in rng.integers(0, 1 << bits, PLACES)]
    other = [v ^ (1 << 13) if widths[2] and widths[3] else v for v in few]
    if widths[2] and widths[3]:
        few, other = [v & ~(1 << 13) for v in few], [v | 1 << 13 for v in other]
    word = {"DIADI": 8 * size, "DIBDI": 8 * size, "DIPADIP": size, "DIPBDIP": size}
    return Instance(
        kind,
        lambda: BlockRam(size, data, parity, **parameters),
        {
            "ENARDEN": 1,
            "ENBWREN": 1,
            "ADDRARDADDR": bits,
            "ADDRBWRADDR": bits,
            "WEA": size,
            "WEBWE": 2 * size,
            **word,
        },
        {"DOADO": 8 * size, "DOBDO": 8 * size, "DOPADOP": size, "DOPBDOP": size},
        {**parameters, **contents},
        ("CLKARDCLK", "CLKBWRCLK"),
        dict.fromkeys(
            ("REGCEAREGCE", "REGCEB", "RSTRAMARSTRAM", "RSTRAMB", "RSTREGARSTREG", "RSTREGB"), 0
        ),
        {"ADDRARDADDR": few, "ADDRBWRADDR": other},
    )


def block_rams(rng: np.random.Generator) -> list[Instance]:
    """Block memories of each width, reading and writing at either port and at both."""
    made = [block_ram(rng, 4, "SDP", (72, 0, 0, 72)), block_ram(rng, 2, "SDP", (36, 0, 0, 36))]
    for width in (1, 2, 4, 9, 18, 36):
        made.append(block_ram(rng, 4, "TDP", (0, width, width, 0)))
        made.append(block_ram(rng, 4, "TDP", (width, width, width, width)))
        if width < 36:
            made.append(block_ram(rng, 2, "TDP", (width, 0, 0, width)))
    made.append(block_ram(rng, 4, "TDP", (18, 18, 0, 0)))
    return made
