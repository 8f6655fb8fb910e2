"""What is wrong with a block design that `vivado_recorder` has noted.

It tells what Vivado's validation would, and what it would not: inputs that nothing drives or two
things drive, clocks and resets from the wrong place, addresses that collide, pins of the PS that
are used twice.
"""

import re
from collections import Counter

from vivado_ip import IN, MASTER, OUT, SLAVE
from vivado_recorder import Address, Vivado


def problems(vivado: Vivado) -> list[str]:
    """What is wrong with the block design that a script has drawn, in sentences."""
    return [
        *_wrong_buses(vivado),
        *_wrong_nets(vivado),
        *_wrong_clocks_and_resets(vivado),
        *_wrong_addresses(vivado),
        *_wrong_mio(vivado),
    ]


def _every(vivado: Vivado, attribute: str):
    for cell in vivado.cells:
        for name in getattr(vivado.pins(cell), attribute):
            yield f"{cell}/{name}"


def _bus(vivado: Vivado, end: str) -> tuple[str, str]:
    kind, _, name = end.partition(":")
    if kind == "port":
        return vivado.external[name], SLAVE
    cell, _, bus = name.partition("/")
    return vivado.pins(cell).buses[bus]


def _wrong_buses(vivado: Vivado):
    uses = Counter(end for pair in vivado.buses for end in pair)
    for end, count in uses.items():
        if count > 1:
            yield f"{end} is connected {count} times"
    for name in _every(vivado, "buses"):
        if not uses[f"bus:{name}"]:
            yield f"bus:{name} is not connected"
    for first, second in vivado.buses:
        (kind, side), (other_kind, other_side) = _bus(vivado, first), _bus(vivado, second)
        if kind != other_kind or {side, other_side} != {MASTER, SLAVE}:
            yield f"{first} cannot be connected to {second}"


def _wrong_nets(vivado: Vivado):
    drivers: dict[str, set[str]] = {}
    direction = {
        f"{cell}/{pin}": way
        for cell in vivado.cells
        for pin, way in vivado.pins(cell).scalars.items()
    }
    for first, second in vivado.nets:
        ways = {direction[first], direction[second]}
        if ways != {IN, OUT}:
            yield f"{first} and {second} are both {ways.pop()}puts"
            continue
        driver, driven = (first, second) if direction[first] == OUT else (second, first)
        drivers.setdefault(driven, set()).add(driver)
    for driven, by in drivers.items():
        if len(by) > 1:
            yield f"{driven} is driven by {' and '.join(sorted(by))}"
    for name in _every(vivado, "required"):
        if name not in drivers:
            yield f"{name} is driven by nothing"


def _wrong_clocks_and_resets(vivado: Vivado):
    driver = {}
    for first, second in vivado.nets:
        driver.setdefault(second, first)
    clocks = {driver[name] for name in _every(vivado, "clocks") if name in driver}
    for name in sorted(clocks):
        if not re.search(r"/FCLK_CLK\d$", name):
            yield f"{name} drives clocks but is none"
    if len(clocks) > 1:
        yield f"there are {len(clocks)} clocks"
    for name in _every(vivado, "resets"):
        if name in driver and not driver[name].endswith("aresetn"):
            yield f"{name} is not reset by a reset of its clock, low when active"


def _wrong_addresses(vivado: Vivado):
    for one in vivado.addresses:
        cell, _, segment = one.segment.partition("/")
        largest = vivado.pins(cell).segments[segment]
        if one.size & (one.size - 1) or one.base % one.size:
            yield f"{one.segment}: range is no power of two or not aligned"
        if not 4096 <= one.size <= largest:
            yield f"{one.segment}: range {one.size:#x} does not fit {largest:#x}"
        if one.space.endswith("/Data") and not 0x4000_0000 <= one.base < 0x8000_0000:
            yield f"{one.segment}: {one.base:#x} is not behind M_AXI_GP0"
        for other in vivado.addresses:
            if one is not other and one.space == other.space and overlap(one, other):
                yield f"{one.segment} and {other.segment} overlap"
    assigned = {(a.space, a.segment) for a in vivado.addresses}
    for name in _every(vivado, "spaces"):
        if not any(space == name for space, _ in assigned):
            yield f"{name} sees nothing"
    for name in _every(vivado, "segments"):
        if not any(segment == name for _, segment in assigned):
            yield f"{name} has no address"


def _wrong_mio(vivado: Vivado):
    """Yield what uses a pin of the PS that something else uses."""
    users: dict[int, str] = {}
    for name, value in vivado.cells["processing_system7_0"].parameters.items():
        found = re.fullmatch(r"MIO (\d+)(?: \.\. (\d+))?", value)
        if found:
            for pin in range(int(found[1]), int(found[2] or found[1]) + 1):
                if pin in users:
                    yield f"MIO {pin} is used by {users[pin]} and {name}"
                users[pin] = name


def overlap(one: Address, other: Address) -> bool:
    return one.base < other.base + other.size and other.base < one.base + one.size
