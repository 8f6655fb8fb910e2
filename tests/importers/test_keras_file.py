"""Keras files: both formats give the weights; what the accelerator cannot do is refused."""

import io
import json
import zipfile

import numpy as np
import pytest
from foreign_models import foreign, keras_archive, keras_h5, keras_layers, state_dict
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from zynq_lstm.importers.keras_layers import layers_of
from zynq_lstm.importers.reader import read_model
from zynq_lstm.quant.errors import UserError
from zynq_lstm.quant.quantizer import quantize

h5py = pytest.importorskip("h5py")


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the process that reads HDF5 files; `test_hdf5` and `test_reader` start it."""
    from zynq_lstm.importers.hdf5_worker import RefusedError, convert

    def converted(data: bytes, name: str) -> bytes:
        try:
            return convert(data)
        except RefusedError as refusal:
            raise UserError(f"{name} {refusal}") from None
        except Exception as error:
            raise UserError(f"{name} is damaged: {error}") from None

    monkeypatch.setattr("zynq_lstm.importers.hdf5._converted", converted)


WRITERS = {"model.h5": keras_h5, "model.keras": keras_archive}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("sizes", [(7, 8, 1, 5), (7, 8, 2, None), (8, 8, 2, 8)])
def test_reads(same, write, name, sizes) -> None:
    symbols, hidden, layers, width = sizes
    model = foreign(symbols, hidden, layers, width=width, one_bias=True)
    same(read_model(write(WRITERS[name](model), name), model.vocabulary), model)


def test_reads_the_archives_of_keras_2(same, write) -> None:
    model = foreign(one_bias=True)
    data = keras_archive(model, top="_layer_checkpoint_dependencies")
    same(read_model(write(data, "model.keras"), model.vocabulary), model)


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("width", [5, 8, None])
def test_gives_the_image_of_the_same_weights_in_pytorch(write, name, width) -> None:
    model = foreign(width=width, one_bias=True)
    keras = read_model(write(WRITERS[name](model), name), model.vocabulary)
    torch = read_model(write(save(state_dict(model)), "m.safetensors"), model.vocabulary)
    assert quantize(keras).to_bytes() == quantize(torch).to_bytes()


def layers(**changes) -> list[dict]:
    """Descriptions with a change to one layer's settings: class name = settings."""
    found = keras_layers(foreign())
    for kind, changed in changes.items():
        layer = next(layer for layer in found if layer["class_name"] == kind)
        layer["config"] = layer["config"] | changed
    return found


def added(position: int, kind: str, **settings) -> list[dict]:
    found = keras_layers(foreign())
    found.insert(position, {"class_name": kind, "config": {"name": "added", **settings}})
    return found


ACCEPTED = {
    "dropout": added(2, "Dropout", rate=0.5),
    "softmax": added(5, "Softmax"),
    "activation": added(5, "Activation", activation="softmax"),
    "linear": layers(Dense={"activation": None}),
    "irrelevant": layers(LSTM={"stateful": True, "unroll": True, "dropout": 0.5}),
    "object": layers(LSTM={"activation": {"class_name": "function", "config": "tanh"}}),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_what_does_nothing_in_use_is_skipped(case) -> None:
    kinds = [layer.kind for layer in layers_of(described(ACCEPTED[case]), "Model x")]
    assert kinds == ["Embedding", "LSTM", "LSTM", "Dense"]


REFUSED = {
    "hard sigmoid": (layers(LSTM={"recurrent_activation": "hard_sigmoid"}), "'hard_sigmoid'"),
    "old default": (
        layers(LSTM={"recurrent_activation": "relu"}),
        "recurrent_activation 'sigmoid'",
    ),
    "relu": (layers(LSTM={"activation": "relu"}), "activation 'tanh' in the LSTM layer lstm_0"),
    "backwards": (layers(LSTM={"go_backwards": True}), "go_backwards=True"),
    "mask": (layers(Embedding={"mask_zero": True}), "mask_zero=True"),
    "output": (layers(Dense={"activation": "relu"}), "activation 'relu'"),
    "GRU": (added(2, "GRU"), "the layer GRU added"),
    "Bidirectional": (added(2, "Bidirectional"), "the layer Bidirectional"),
    "Lambda": (added(2, "Lambda", function=["4wEAAAA="]), "the layer Lambda"),
    "Masking": (added(1, "Masking"), "the layer Masking"),
    "normalization": (added(3, "LayerNormalization"), "the layer LayerNormalization"),
    "custom": (added(3, "Mine>Evil"), "the layer Mine>Evil"),
    "after": (added(5, "Dense"), "the layer Dense added"),
    "before": (added(1, "Dense", activation="linear"), "the layer Embedding embedding"),
    "between": (
        added(3, "Dense", activation="linear"),
        "one Dense layer, the last, for that is what the accelerator computes; after added comes "
        "the layer LSTM lstm",
    ),
    "softmax inside": (added(3, "Softmax"), "the layer Softmax"),
    "relu outside": (added(5, "Activation", activation="relu"), "a softmax or nothing"),
    "no LSTM": ([layers()[1], layers()[-1]], "found Embedding, Dense"),
    "no Dense": (layers()[:-1], "found Embedding, LSTM, LSTM"),
    "three": (added(2, "LSTM", recurrent_activation="sigmoid"), ""),
    "many": (layers() * 20, "at most 64 layers"),
}


def described(entries: list[dict]) -> str:
    return json.dumps({"class_name": "Sequential", "config": {"layers": entries}})


@pytest.mark.parametrize("case", [case for case in REFUSED if case not in ("no LSTM", "no Dense")])
def test_refuses_layers(case) -> None:
    entries, reason = REFUSED[case]
    if case == "three":
        assert len(layers_of(described(entries), "Model x")) == 5
        return
    with pytest.raises(UserError, match=r"^Model x must ") as caught:
        layers_of(described(entries), "Model x")
    assert reason in str(caught.value)


@pytest.mark.parametrize("case", ["no LSTM", "no Dense", "three", "Lambda"])
@pytest.mark.parametrize("name", WRITERS)
def test_refuses_files(refused, write, case, name) -> None:
    entries, reason = REFUSED[case]
    data = WRITERS[name](foreign(), entries)
    refused(write(data, name), reason, vocabulary=foreign().vocabulary)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "3",
        "{}",
        "[" * 10_000,
        '{"class_name": "Sequential"}',
        '{"class_name": "Sequential", "config": {"layers": [3]}}',
        '{"class_name": "Sequential", "config": {"layers": [{"class_name": "LSTM"}]}}',
        '{"class_name": "Functional", "config": {"layers": [], "output_layers": []}}',
        '{"class_name": "Functional", "config": {"layers": [], "output_layers": [["a", 0, 0]]}}',
    ],
)
def test_refuses_other_descriptions(text) -> None:
    with pytest.raises(UserError, match="its description is none of Keras"):
        layers_of(text, "Model x")


def test_refuses_a_class_of_its_own() -> None:
    with pytest.raises(UserError, match=r"Sequential or Functional.*of the class CharModel"):
        layers_of('{"class_name": "CharModel", "config": {}}', "Model x")


def functional(*, keras: int, names=("in", "e", "l", "d"), extra: str | None = None) -> str:
    """A description of a chain; `extra` is a second input of the layer before the last."""
    kinds = ("InputLayer", "Embedding", "LSTM", "Dense")
    entries = []
    for k, (kind, name) in enumerate(zip(kinds, names, strict=True)):
        sources = [] if k == 0 else [names[k - 1]]
        if extra is not None and k == 2:
            sources.append(extra)
        if keras == 2:
            nodes = [[[source, 0, 0, {}] for source in sources]] if sources else []
        else:
            tensors = [{"config": {"keras_history": [source, 0, 0]}} for source in sources]
            nodes = [{"args": tensors, "kwargs": {"mask": None}}] if sources else []
        config = {"name": name, "recurrent_activation": "sigmoid", "activation": None}
        if kind == "LSTM":
            config["activation"] = "tanh"
        entries.append({"class_name": kind, "config": config, "inbound_nodes": nodes})
    entries.reverse()  # The order of the list says nothing.
    config = {"layers": entries, "output_layers": [[names[-1], 0, 0]]}
    return json.dumps({"class_name": "Functional", "config": config})


@pytest.mark.parametrize("keras", [2, 3])
def test_reads_functional_models(keras) -> None:
    found = layers_of(functional(keras=keras), "Model x")
    assert [layer.kind for layer in found] == ["Embedding", "LSTM", "Dense"]
    with pytest.raises(UserError, match=r"a chain of layers.*l has the inputs e, in"):
        layers_of(functional(keras=keras, extra="in"), "Model x")
    with pytest.raises(UserError, match="a chain of layers"):
        layers_of(functional(keras=keras, extra="d"), "Model x")


def archive_with(member: str, content: bytes, **options) -> bytes:
    """A sound archive with one member replaced."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(keras_archive(foreign()))) as source,
        zipfile.ZipFile(buffer, "w", **options) as target,
    ):
        for name in source.namelist():
            target.writestr(name, content if name == member else source.read(name))
    return buffer.getvalue()


def test_refuses_a_zip_bomb(refused, write) -> None:
    data = archive_with("config.json", bytes(65 << 20), compression=zipfile.ZIP_DEFLATED)
    assert len(data) < 200_000
    refused(write(data, "model.keras"), "must unpack to at most 64 MB")


def test_refuses_a_zip_that_says_less_than_it_holds(refused, write) -> None:
    data = archive_with("config.json", bytes(30 << 20), compression=zipfile.ZIP_DEFLATED)
    short = data.replace((30 << 20).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    assert short != data
    refused(write(short, "model.keras"), "model.keras")


@pytest.mark.parametrize("member", ["config.json", "model.weights.h5"])
def test_refuses_other_members(refused, write, member) -> None:
    refused(write(archive_with(member, b"nothing"), "model.keras"), "damaged")


def h5_with(change) -> bytes:
    """A sound legacy file with one change."""
    buffer = io.BytesIO(keras_h5(foreign()))
    with h5py.File(buffer, "r+") as file:
        change(file)
    return buffer.getvalue()


KERNEL = "model_weights/out/out/kernel:0"


def replace(value) -> object:
    def change(file) -> None:
        del file[KERNEL]
        if value is not None:
            file[KERNEL] = value

    return change


def huge(file) -> None:
    del file[KERNEL]
    file.create_dataset(KERNEL, (1 << 20, 1 << 20), "f4", chunks=(64, 64), compression="gzip")


def stored_elsewhere(file) -> None:
    del file[KERNEL]
    file.create_dataset(KERNEL, (8, 7), "f4", external=[("/etc/passwd", 0, 224)])


def virtual(file) -> None:
    del file[KERNEL]
    layout = h5py.VirtualLayout((8, 7), "f4")
    layout[...] = h5py.VirtualSource("/tmp/other.h5", "x", (8, 7))
    file.create_virtual_dataset(KERNEL, layout)


def many(file) -> None:
    for k in range(2100):
        file.create_group(f"model_weights/{k}")


def deep(file) -> None:
    file["model_weights" + "/x" * 20] = 1.0


def cyclic(file) -> None:
    file["model_weights/cycle"] = file["model_weights"]


HOSTILE = {
    "soft link": (replace(h5py.SoftLink("/other")), "a link to elsewhere"),
    "external link": (replace(h5py.ExternalLink("/etc/passwd", "/x")), "a link to elsewhere"),
    "external data": (stored_elsewhere, "lies in another file"),
    "virtual": (virtual, "lies in another file"),
    "huge": (huge, "at most 16,777,216 numbers"),
    "missing": (replace(None), "hold kernel of its layer out"),
    "integers": (replace(np.zeros((8, 7), np.int32)), "hold kernel of its layer out"),
    "text": (replace("text"), "hold kernel of its layer out"),
    "vector": (replace(np.zeros(56, np.float32)), "with 2 dimensions; found (56,)"),
    "shape": (replace(np.zeros((9, 7), np.float32)), "of the shape (7, 8)"),
    "NaN": (replace(np.full((8, 7), np.nan, np.float32)), "have NaN"),
    "many": (many, "at most 2000 objects"),
    "deep": (deep, "levels deep"),
    "cycle": (cyclic, "levels deep"),
    "no description": (lambda f: f.attrs.pop("model_config"), "weights only"),
    "description": (lambda f: f.attrs.__setitem__("model_config", [1, 2]), "one string"),
    "twice": (lambda f: f.__setitem__("model_weights/out/x/kernel:0", [1.0]), "one kernel"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_refuses_hostile_files(refused, write, case) -> None:
    change, reason = HOSTILE[case]
    refused(write(h5_with(change), "model.h5"), reason, vocabulary=foreign().vocabulary)


def test_gzip_is_read(same, write) -> None:
    model = foreign(one_bias=True)

    def change(file) -> None:
        del file[KERNEL]
        file.create_dataset(KERNEL, data=model.head.T, compression="gzip", shuffle=True)

    buffer = io.BytesIO(keras_h5(model))
    with h5py.File(buffer, "r+") as file:
        change(file)
    same(read_model(write(buffer.getvalue(), "m.h5"), model.vocabulary), model)


SCALARS = st.none() | st.booleans() | st.integers(-2, 9) | st.text(max_size=4)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@st.composite
def descriptions(draw: st.DrawFn) -> str:
    """A description of Keras with some values replaced by others."""
    found = json.loads(functional(keras=draw(st.sampled_from([2, 3]))))

    def changed(value: object) -> object:
        if draw(st.integers(0, 30)) == 0:
            return draw(VALUES)
        if isinstance(value, dict):
            return {key: changed(inner) for key, inner in value.items()}
        return [changed(inner) for inner in value] if isinstance(value, list) else value

    return json.dumps(changed(found))


@settings(max_examples=100)
@given(text=descriptions())
def test_descriptions_with_other_values(text) -> None:
    try:
        layers_of(text, "Model x")
    except UserError as error:
        assert str(error).startswith("Model x ") and len(str(error)) < 500


def test_names_with_line_ends_stay_in_one_sentence(refused, write) -> None:
    data = keras_h5(foreign(), added(2, "GRU\nnew\x1bline"))
    refused(write(data, "model.h5"), "the layer GRU new line added")
