"""`zynq-lstm rtl`: the Verilog of any size, with and without a model in it."""

import pytest

pytest.importorskip("amaranth")

RECORD = "zynq_lstm.rtl.sha256"
SIZES = ("--hidden", 16, "--symbols", 16, "--multipliers", 64)


def test_writes_the_verilog(run, tmp_path) -> None:
    folder = tmp_path / "new" / "rtl"
    result = run("rtl", "-o", folder, *SIZES)
    assert result.status == 0
    assert result.out == ""
    files = sorted(folder.iterdir())
    suffixes = {path.suffix for path in files}
    assert suffixes == {".v", ".core", ".xdc", ".tcl", ".sha256"}
    for path in files:
        assert f"  {path}\n" in result.err
    assert "2 x 16 units, up to 16 symbols, 64 multipliers" in result.err


def test_the_same_sizes_give_the_same_verilog(run, tmp_path) -> None:
    for name in ("a", "b"):
        run("rtl", "-o", tmp_path / name, *SIZES)
    first, second = (sorted((tmp_path / name).iterdir()) for name in ("a", "b"))
    assert [path.name for path in first] == [path.name for path in second]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_bakes_an_image_in(run, image_path, tmp_path) -> None:
    folder = tmp_path / "rtl"
    assert run("rtl", "-o", folder, "--image", image_path).status == 0
    contents = list(folder.glob("*.hex"))
    assert contents
    text = "".join(path.read_text() for path in folder.glob("*.v"))
    assert all(path.name in text for path in contents)


def test_replaces_an_earlier_run(run, image_path, tmp_path) -> None:
    """What that one had, and this one has not, goes; a person's files stay."""
    folder, fresh = tmp_path / "rtl", tmp_path / "fresh"
    run("rtl", "-o", fresh, *SIZES)
    run("rtl", "-o", folder, "--image", image_path)
    gone = {path.name for path in folder.iterdir()} - {path.name for path in fresh.iterdir()}
    assert {"bank_00.hex", "header.json", "scales.hex"} < gone
    (folder / "scales.hex").write_text("by hand")
    (folder / "bench.v").write_text("module bench; endmodule")
    (folder / "notes.txt").write_text("mine")
    result = run("rtl", "-o", folder, *SIZES)
    assert result.status == 0
    removed, note, *_ = result.err.splitlines()
    assert removed.startswith(f"Removed {len(gone) - 1} files of an earlier run: ")
    assert note == f"Note: {folder} also has Verilog that is not of this run: bench.v"
    kept = {"scales.hex", "bench.v", "notes.txt"}
    assert {path.name for path in folder.iterdir()} - kept == {
        path.name for path in fresh.iterdir()
    }
    assert (folder / RECORD).read_bytes() == (fresh / RECORD).read_bytes()


@pytest.mark.parametrize("there", [False, True])
def test_an_interruption_leaves_the_folder_as_it_was(
    run, image_path, tmp_path, monkeypatch, there
) -> None:
    folder = tmp_path / "rtl"
    if there:
        folder.mkdir()
        (folder / "bench.v").write_text("module bench; endmodule")

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("zynq_lstm.hw.verilog.convert", interrupted)  # Memories are written.
    result = run("rtl", "-o", folder, "--image", image_path)
    assert (result.status, result.err) == (130, "Interrupted.\n")
    assert [path.name for path in tmp_path.rglob("*")] == (["rtl", "bench.v"] if there else [])


@pytest.mark.parametrize("name", ["zynq_lstm.v", "zynq_lstm.core"])
def test_a_person_s_file_is_seen_before_the_work(run, tmp_path, monkeypatch, name) -> None:
    def work(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr("zynq_lstm.hw.verilog.write_verilog", work)
    (tmp_path / name).write_text("mine")
    run("rtl", "-o", tmp_path).refused(
        f"Output {tmp_path / name} must be as zynq-lstm rtl has written it, but it is another file "
        "or has been changed; move it away or choose another folder"
    )
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (("--multipliers", 96), "Number of multipliers must be"),
        (("--hidden", 20), "Hidden size must be a multiple"),
        (("--layers", 3), "Number of layers must be"),
        (("--symbols", 100), "Symbol capacity must be a power of two"),
        (("--dsp-pairs", 7000), "Number of DSP pairs must be"),
    ],
)
def test_refuses_sizes(run, tmp_path, options, part) -> None:
    run("rtl", "-o", tmp_path / "rtl", *options).refused(part)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("options", [("--hidden", 32), ("--layers", 1), ("--symbols", 8)])
def test_refuses_an_image_of_another_size(run, image_path, tmp_path, options) -> None:
    run("rtl", "-o", tmp_path / "rtl", "--image", image_path, *options).refused(
        "Image must fit the accelerator"
    )
    assert list(tmp_path.iterdir()) == []


def test_refuses_a_folder_that_cannot_be_made(run, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    run("rtl", "-o", tmp_path / "file", *SIZES).refused("must be writable")
    run("rtl", "-o", tmp_path / "file" / "rtl", *SIZES).refused("must be writable")


def test_says_when_there_are_too_many_dsps(run, tmp_path, monkeypatch) -> None:
    told = {}
    for pairs in (200, 208):
        monkeypatch.setattr("zynq_lstm.hw.verilog.convert", lambda *_, **__: {"zynq_lstm.v": ""})
        result = run("rtl", "-o", tmp_path / str(pairs), "--dsp-pairs", pairs)
        assert result.status == 0
        told[pairs] = [line for line in result.err.splitlines() if line.startswith("Note: ")]
    assert told[200] == []
    assert len(told[208]) == 1 and "more than 204 DSP pairs" in told[208][0]
    assert "take up to 16 of the 220 DSP48E1" in told[208][0]


def test_refuses_a_missing_image(run, tmp_path) -> None:
    run("rtl", "-o", tmp_path / "rtl", "--image", tmp_path / "none").refused("none")
    assert list(tmp_path.iterdir()) == []


def test_says_what_the_translator_lacks(run, tmp_path, monkeypatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    run("rtl", "-o", tmp_path / "rtl", *SIZES).refused("set XDG_CACHE_HOME")
