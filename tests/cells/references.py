"""What cells of the 7 series do, in plain Python integers, from the vendor's user guides.

Each is a class with `step`: pins before an edge of the clock, as a dictionary of integers, to what
the outputs show before it; then the edge. Slow and plain on purpose: bits in lists, no words.
"""

from collections.abc import Mapping

Pins = Mapping[str, int]


def signed(value: int, bits: int) -> int:
    """A two's complement number."""
    return value - (1 << bits) if value >> (bits - 1) else value


class Lut:
    """A truth table."""

    def __init__(self, INIT: int):
        self._table = INIT

    def step(self, pins: Pins) -> dict[str, int]:
        index = sum(bit << int(pin[1:]) for pin, bit in pins.items())
        return {"O": self._table >> index & 1}


class Inverter:
    """INV."""

    def step(self, pins: Pins) -> dict[str, int]:
        return {"O": 1 - pins["I"]}


class Multiplexer:
    """MUXF7 and MUXF8."""

    def step(self, pins: Pins) -> dict[str, int]:
        return {"O": pins["I1"] if pins["S"] else pins["I0"]}


class Carry:
    """CARRY4, as the addition that it is for: DI is one operand, S the exclusive or of both."""

    def step(self, pins: Pins) -> dict[str, int]:
        a, b, carry = pins["DI"], pins["DI"] ^ pins["S"], pins["CI"] or pins["CYINIT"]
        out = 0
        for k in range(4):
            part = (1 << k + 1) - 1
            out |= ((a & part) + (b & part) + carry >> k + 1) << k
        return {"O": a + b + carry & 15, "CO": out}


class FlipFlop:
    """FDRE and FDSE."""

    def __init__(self, pin: str, INIT: int):
        self._pin, self._state = pin, INIT

    def step(self, pins: Pins) -> dict[str, int]:
        before = self._state
        if pins[self._pin]:
            self._state = int(self._pin == "S")
        elif pins["CE"]:
            self._state = pins["D"]
        return {"Q": before}


class ShiftRegister:
    """SRL16E and SRLC32E."""

    def __init__(self, length: int, INIT: int):
        self._bits = [INIT >> k & 1 for k in range(length)]

    def step(self, pins: Pins) -> dict[str, int]:
        address = pins["A"] if "A" in pins else sum(pins[f"A{k}"] << k for k in range(4))
        outputs = {"Q": self._bits[address]}
        if len(self._bits) == 32:
            outputs["Q31"] = self._bits[31]
        if pins["CE"]:
            self._bits = [pins["D"], *self._bits[:-1]]
        return outputs


class LutRam:
    """RAM64M and RAM32M: memories A to D, written at D's address."""

    def __init__(self, width: int, **inits: int):
        mask = (1 << width) - 1
        self._words = {
            name: [inits[f"INIT_{name}"] >> k & mask for k in range(0, 64, width)]
            for name in "ABCD"
        }

    def step(self, pins: Pins) -> dict[str, int]:
        outputs = {f"DO{n}": words[pins[f"ADDR{n}"]] for n, words in self._words.items()}
        if pins["WE"]:
            for name, words in self._words.items():
                words[pins["ADDRD"]] = pins[f"DI{name}"]
        return outputs


class Dsp:
    """DSP48E1 that multiplies, and adds C where OPMODE says so."""

    WIDTHS: Mapping[str, int] = {"A": 25, "B": 18, "M": 43, "P": 48}

    def __init__(self, **present: int):
        self._state = {name: 0 for name in self.WIDTHS if present[f"{name}REG"]}

    def step(self, pins: Pins) -> dict[str, int]:
        values: dict[str, int] = {}
        driven = {
            "A": lambda: pins["A"],
            "B": lambda: pins["B"],
            "M": lambda: signed(values["A"], 25) * signed(values["B"], 18),
            "P": lambda: signed(values["M"], 43) + (pins["C"] if pins["OPMODE"] & 0x30 else 0),
        }
        after = {}
        for name, width in self.WIDTHS.items():
            d = driven[name]() % (1 << width)
            values[name] = self._state.get(name, d)
            enable = {"A": "CEA2", "B": "CEB2"}.get(name, f"CE{name}")
            after[name] = 0 if pins[f"RST{name}"] else d if pins[enable] else values[name]
        self._state = {name: after[name] for name in self._state}
        return {"P": values["P"]}


class BlockRam:
    """RAMB36E1 (4 bytes) and RAMB18E1 (2), read first; an address is that of a bit of data."""

    def __init__(self, size: int, data: int, parity: int, **parameters: int | str):
        self._size = size
        self._data = [data >> k & 1 for k in range(8192 * size)]
        self._parity = [parity >> k & 1 for k in range(1024 * size)]
        self._sdp = parameters["RAM_MODE"] == "SDP"
        self._reads = {"A": parameters["READ_WIDTH_A"], "B": parameters["READ_WIDTH_B"]}
        self._writes = {"A": parameters["WRITE_WIDTH_A"], "B": parameters["WRITE_WIDTH_B"]}
        self._shown = {"A": (0, 0), "B": (0, 0)}

    def step(self, pins: Pins) -> dict[str, int]:
        shown = dict(self._shown)
        size = self._size
        if self._sdp:
            (data, parity), low, some = shown["A"], (1 << 8 * size) - 1, (1 << size) - 1
            shown = {"A": (data & low, parity & some), "B": (data >> 8 * size, parity >> size)}
        address = {"A": pins["ADDRARDADDR"], "B": pins["ADDRBWRADDR"]}
        enable = {"A": pins["ENARDEN"], "B": pins["ENBWREN"]}
        for port in "AB":
            if self._reads[port] and enable[port]:
                self._shown[port] = self._read(address[port], self._reads[port])
        data = {"A": pins["DIADI"], "B": pins["DIBDI"]}
        parity = {"A": pins["DIPADIP"], "B": pins["DIPBDIP"]}
        if self._sdp:
            data["B"] = data["B"] << 8 * size | data["A"]
            parity["B"] = parity["B"] << size | parity["A"]
        for port, strobes in (("A", pins["WEA"]), ("B", pins["WEBWE"])):
            if self._writes[port] and enable[port]:
                width = self._writes[port]
                self._write(address[port], width, strobes, data[port], parity[port])
        return {
            "DOADO": shown["A"][0],
            "DOPADOP": shown["A"][1],
            "DOBDO": shown["B"][0],
            "DOPBDOP": shown["B"][1],
        }

    def _place(self, address: int, width: int) -> tuple[int, int]:
        """The first bit of a word and its number of bits, without parity."""
        bits = width if width < 9 else width // 9 * 8
        return address % (8192 * self._size) // bits * bits, bits

    def _read(self, address: int, width: int) -> tuple[int, int]:
        place, bits = self._place(address, width)
        data = sum(self._data[place + k] << k for k in range(bits))
        lanes = range(bits // 8 if width >= 9 else 0)
        return data, sum(self._parity[place // 8 + k] << k for k in lanes)

    def _write(self, address: int, width: int, strobes: int, data: int, parity: int) -> None:
        place, bits = self._place(address, width)
        for k in range(bits):
            if strobes >> k // 8 & 1:
                self._data[place + k] = data >> k & 1
        for k in range(bits // 8 if width >= 9 else 0):
            if strobes >> k & 1:
                self._parity[place // 8 + k] = parity >> k & 1
