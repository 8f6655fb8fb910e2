"""ONNX graphs: those of exporters give their weights; what the accelerator cannot do is refused."""

import json

import numpy as np
import pytest
from foreign_models import Foreign, OnnxBuilder, foreign, keras_onnx, plain_onnx

from zynq_lstm.importers.reader import read_model

onnx = pytest.importorskip("onnx")

SIZES = [(7, 8, 1, 5), (7, 8, 2, 5), (7, 8, 2, None), (8, 8, 2, 8), (2, 128, 2, 3)]


def evaluated(model, symbols: np.ndarray) -> np.ndarray:
    """What ONNX's own reference computes."""
    from onnx.reference import ReferenceEvaluator

    return ReferenceEvaluator(model).run(None, {"x": symbols})[0]


@pytest.mark.parametrize("sizes", SIZES)
def test_reads_the_graphs_of_keras(same, write, sizes) -> None:
    symbols, hidden, layers, width = sizes
    model = foreign(symbols, hidden, layers, width=width, one_bias=True)
    same(read_model(write(keras_onnx(model)), model.vocabulary), model)


@pytest.mark.parametrize("sizes", SIZES)
def test_reads_plain_graphs(same, write, sizes) -> None:
    symbols, hidden, layers, width = sizes
    model = foreign(symbols, hidden, layers, width=width)
    same(read_model(write(plain_onnx(model)), model.vocabulary), model)


@pytest.mark.parametrize("width", [5, None])
def test_computes_what_the_reference_of_onnx_computes(write, width) -> None:
    model = foreign(width=width)
    graph = keras_onnx(model)
    symbols = np.random.default_rng(3).integers(0, 7, 20)
    probabilities = evaluated(graph, symbols[None].astype(np.float32))[0]
    logits = read_model(write(graph), model.vocabulary).logits(symbols)
    e = np.exp(logits - logits.max(-1, keepdims=True))
    assert np.abs(e / e.sum(-1, keepdims=True) - probabilities).max() < 1e-5


def test_reads_the_vocabulary_of_its_metadata(same, write) -> None:
    model = foreign()
    graph = plain_onnx(model)
    onnx.helper.set_model_props(
        graph, {"vocabulary": json.dumps(list(model.vocabulary.characters))}
    )
    same(read_model(write(graph)), model)


def finished(b: OnnxBuilder, model: Foreign, hidden: str, **options):
    """A graph with an output layer."""
    product = b.node("MatMul", hidden, b.constant(model.head.T))
    return b.model(b.node("Add", product, b.constant(model.bias)), **options)


def test_folds_linear_layers(write) -> None:
    model = foreign(layers=1)
    random = np.random.default_rng(2)
    before, shift, after, bias = (
        random.uniform(-1, 1, shape).astype(np.float32) for shape in ((5, 5), 5, (8, 8), 8)
    )
    b = OnnxBuilder()
    x = b.node("Gather", b.constant(model.embedding), "x")
    x = b.node("Add", b.constant(shift), b.node("MatMul", x, b.constant(before)))
    y = b.node("Squeeze", b.lstm(x, model.layers[0]), b.constant([1], np.int64))
    y = b.node("Reshape", y, b.constant([-1, 8], np.int64))
    y = b.node("Gemm", y, b.constant(after), b.constant(bias), transB=1)
    graph = finished(b, model, y)
    found = read_model(write(graph), model.vocabulary)
    symbols = random.integers(0, 7, (15, 1))
    assert np.abs(found.logits(symbols[:, 0]) - evaluated(graph, symbols)).max() < 1e-5


@pytest.mark.parametrize("layout", [0, 1])
def test_the_last_state_may_be_the_output(same, write, layout) -> None:
    model = foreign(layers=1)
    b = OnnxBuilder()
    x = b.node("Gather", b.constant(model.embedding), "x")
    lstm = b.lstm(x, model.layers[0], layout=layout).removesuffix("_0")
    last = b.node("Squeeze", f"{lstm}_1", b.constant([layout], np.int64))
    same(read_model(write(finished(b, model, last)), model.vocabulary), model)


def test_logits_may_lie_on_any_axis(same, write) -> None:
    model = foreign(layers=1)
    b = OnnxBuilder()
    x = b.node("Gather", b.constant(model.embedding), "x")
    y = b.node("Squeeze", b.lstm(x, model.layers[0]), b.constant([1], np.int64))
    finished(b, model, y)
    graph = b.model(b.node("Transpose", b.nodes[-1].output[0], perm=[1, 2, 0]))
    same(read_model(write(graph), model.vocabulary), model)


def test_initial_states_may_be_inputs(same, write) -> None:
    model = foreign(layers=1)
    b = OnnxBuilder()
    x = b.node("Gather", b.constant(model.embedding), "x")
    ends = [b.constant([k], np.int64) for k in (0, 1, 0)]
    h, c = b.node("Slice", "h", *ends), b.node("Slice", "c", *ends)
    y = b.node("Squeeze", b.lstm(x, model.layers[0], "", h, c), b.constant([1], np.int64))
    graph = finished(b, model, y)
    for name in ("h", "c"):
        graph.graph.input.append(onnx.helper.make_tensor_value_info(name, 1, (1, "b", 8)))
    same(read_model(write(graph), model.vocabulary), model)


@pytest.mark.parametrize("swapped", [False, True])
def test_one_hot_may_be_a_comparison(same, write, swapped) -> None:
    model = foreign(layers=1, width=None)
    b = OnnxBuilder()
    pair = [b.node("Unsqueeze", "x", b.constant([-1], np.int64)), b.constant(np.arange(7))]
    x = b.node("Cast", b.node("Equal", *(pair[::-1] if swapped else pair)), to=1)
    y = b.node("Squeeze", b.lstm(x, model.layers[0]), b.constant([1], np.int64))
    same(read_model(write(finished(b, model, y)), model.vocabulary), model)


def test_a_comparison_in_another_order_is_refused(refused, write) -> None:
    model = foreign(layers=1, width=None)
    b = OnnxBuilder()
    column = b.node("Unsqueeze", "x", b.constant([-1], np.int64))
    x = b.node("Cast", b.node("Equal", column, b.constant(np.arange(7)[::-1])), to=1)
    y = b.node("Squeeze", b.lstm(x, model.layers[0]), b.constant([1], np.int64))
    reason = "no one-hot encoding"
    refused(write(finished(b, model, y)), reason, vocabulary=model.vocabulary)


def broken(change) -> object:
    """A sound graph with one change."""
    graph = plain_onnx(foreign())
    change(graph)
    return graph


def attribute(**values):
    def change(model) -> None:
        node = next(n for n in model.graph.node if n.op_type == "LSTM")
        node.attribute.extend(onnx.helper.make_attribute(k, v) for k, v in values.items())

    return change


def inputs(*shapes: tuple[int, ...], fill: float = 1.0):
    """Give the first LSTM more inputs: sequence_lens, initial_h, initial_c, peepholes."""

    def change(model) -> None:
        node = next(n for n in model.graph.node if n.op_type == "LSTM")
        for shape in shapes:
            name = f"more_{len(node.input)}"
            if shape:
                value = np.full(shape, fill, np.int32 if len(shape) == 1 else np.float32)
                model.graph.initializer.append(onnx.numpy_helper.from_array(value, name))
            node.input.append(name if shape else "")

    return change


def kind(old: str, new: str):
    def change(model) -> None:
        next(n for n in model.graph.node if n.op_type == old).op_type = new

    return change


def after(position: int, name: str, **attributes):
    """Put an operator behind another one."""

    def change(model) -> None:
        node = model.graph.node[position]
        added = onnx.helper.make_node(name, ["inner"], [node.output[0]], **attributes)
        node.output[0] = "inner"
        model.graph.node.insert(list(model.graph.node).index(node) + 1, added)

    return change


REFUSED = {
    "reverse": (attribute(direction="reverse"), "the direction reverse"),
    "both directions": (attribute(direction="bidirectional"), "the direction bidirectional"),
    "activations": (attribute(activations=["HardSigmoid", "Tanh", "Tanh"]), "hardsigmoid"),
    "relu": (attribute(activations=["Sigmoid", "Relu", "Tanh"]), "sigmoid, relu, tanh"),
    "clip": (attribute(clip=1.0), "a clip"),
    "coupled": (attribute(input_forget=1), "coupled input and forget"),
    "lengths": (inputs((3,)), "masks (sequence_lens)"),
    "initial state": (inputs((), (1, 2, 8), fill=0.5), "an initial state other than zero"),
    "peepholes": (inputs((), (), (), (1, 24)), "peepholes"),
    "GRU": (lambda m: [kind("LSTM", "GRU")(m), kind("LSTM", "GRU")(m)], "a GRU and no LSTM"),
    "RNN": (lambda m: [kind("LSTM", "RNN")(m), kind("LSTM", "RNN")(m)], "a plain RNN and no LSTM"),
    "relu after": (after(2, "Relu"), "the operator Relu"),
    "tanh between": (after(1, "Tanh"), "the operator Tanh"),
    "normalization": (after(4, "LayerNormalization"), "the operator LayerNormalization"),
    "other domain": (after(4, "Fused", domain="com.microsoft"), "Fused of com.microsoft"),
    "no output layer": (
        lambda m: m.graph.output[0].__setattr__("name", "Squeeze_4_0"),
        "no linear",
    ),
    "only the cell": (lambda m: m.graph.output[0].__setattr__("name", "LSTM_3_2"), "no linear"),
    "unknown output": (lambda m: m.graph.output[0].__setattr__("name", "?"), "nothing computes"),
    "no nodes": (lambda m: m.graph.ClearField("node"), "a graph; it has none"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refuses(refused, write, case) -> None:
    change, reason = REFUSED[case]
    refused(write(broken(change)), reason, vocabulary=foreign().vocabulary)


def test_refuses_single_operators_instead_of_an_lstm(refused, write) -> None:
    model = foreign()
    b = OnnxBuilder()
    x = b.node("Sigmoid", b.node("Gather", b.constant(model.embedding), "x"))
    refused(write(b.model(x)), "no LSTM", "import the state dict instead")


def moved(*operators):
    """Two layers with operators between them that move numbers."""
    model = foreign()
    b = OnnxBuilder()
    x = b.node("Gather", b.constant(model.embedding), "x")
    y = b.node("Squeeze", b.lstm(x, model.layers[0]), b.constant([1], np.int64))
    for name, constants, attributes in operators:
        y = b.node(name, y, *(b.constant(c, np.int64) for c in constants), **attributes)
    y = b.node("Squeeze", b.lstm(y, model.layers[1]), b.constant([1], np.int64))
    return finished(b, model, y)


SWAPPED = ("Transpose", (), {"perm": [1, 0, 2]})
BACKWARD = ("Slice", ([-1], [-99], [0], [-1]), {})


@pytest.mark.parametrize(
    "operators", [(), (SWAPPED, SWAPPED), (BACKWARD, BACKWARD), (("Identity", (), {}),)]
)
def test_moves_that_undo_each_other_change_nothing(same, write, operators) -> None:
    model = foreign()
    same(read_model(write(moved(*operators)), model.vocabulary), model)


@pytest.mark.parametrize(
    "operators",
    [
        (SWAPPED,),
        (BACKWARD,),
        (("Slice", ([0], [1], [0]), {}),),
        (("Slice", ([-1], [-99], [2], [-1]), {}),),
        (("Reshape", ([3, 2, 8],), {}),),
        (("Gather", ([0, 0],), {"axis": 0}),),
        (("Tile", ([1, 2, 1],), {}),),
    ],
)
def test_moves_that_mix_up_time_batch_or_units_are_refused(refused, write, operators) -> None:
    refused(write(moved(*operators)), "found an", vocabulary=foreign().vocabulary)


def test_refuses_the_input_in_another_order(refused, write) -> None:
    model = foreign(layers=1)
    b = OnnxBuilder()
    x = b.node("Gather", b.constant(model.embedding), "x")
    ends = [b.constant([k], np.int64) for k in (-1, -99, 0, -1)]
    x = b.node("Add", b.node("Slice", x, *ends), b.constant(np.ones(5, np.float32)))
    y = b.node("Squeeze", b.lstm(x, model.layers[0]), b.constant([1], np.int64))
    reason = "the whole sequence in its order"
    refused(write(finished(b, model, y)), reason, vocabulary=model.vocabulary)


def test_refuses_a_residual_connection(refused, write) -> None:
    model = foreign(width=8)
    b = OnnxBuilder()
    x = b.node("Gather", b.constant(model.embedding), "x")
    y = b.node("Squeeze", b.lstm(x, model.layers[0]), b.constant([1], np.int64))
    graph = finished(b, model, b.node("Add", x, y))
    refused(write(graph), "the operator Add on what depends", vocabulary=model.vocabulary)


def tensor(change):
    def on(model) -> None:
        change(model.graph.initializer[-1])

    return on


def set_dims(*dims: int):
    def change(t) -> None:
        del t.dims[:]
        t.dims.extend(dims)

    return change


def external(t) -> None:
    t.ClearField("raw_data")
    t.data_location = onnx.TensorProto.EXTERNAL
    t.external_data.add(key="location", value="/etc/passwd")


HOSTILE = {
    "external data": (tensor(external), "with external_data=False"),
    "negative size": (tensor(set_dims(-7)), "the shape [-7]"),
    "huge": (tensor(set_dims(1 << 40, 1 << 40)), "at most 4,194,304 numbers"),
    "too few bytes": (tensor(set_dims(8)), "does not fit its shape [8]"),
    "too many bytes": (tensor(set_dims(6)), "does not fit its shape [6]"),
    "no data": (tensor(lambda t: t.ClearField("raw_data")), "does not fit its shape"),
    "text": (tensor(lambda t: t.__setattr__("data_type", 8)), "data type 8"),
    "unknown type": (tensor(lambda t: t.__setattr__("data_type", 999)), "data type 999"),
    "fixed input": (
        lambda m: [
            d.__setattr__("dim_value", 1 << 40) for d in m.graph.input[0].type.tensor_type.shape.dim
        ],
        "too large to trace",
    ),
    "many operators": (
        lambda m: m.graph.node.extend([m.graph.node[0]] * 5001),
        "at most 5000 operators",
    ),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_refuses_hostile_graphs(refused, write, case) -> None:
    change, reason = HOSTILE[case]
    refused(write(broken(change)), reason, vocabulary=foreign().vocabulary)


def test_refuses_a_large_file(refused, write) -> None:
    refused(write(b"\x08\x08" + bytes(8 << 20)), "at most 8 MB")


def test_a_graph_that_makes_much_of_little_is_refused(refused, write) -> None:
    b = OnnxBuilder()
    value = b.constant(np.zeros(1024, np.float32))
    for _ in range(30):
        value = b.node("Concat", value, value, axis=0)
    refused(write(b.model(value)), "found")
    b = OnnxBuilder()
    size = b.constant([1 << 21], np.int64)
    for _ in range(200):
        b.node("ConstantOfShape", size)
    refused(write(b.model(b.nodes[-1].output[0])), "small enough to trace")
