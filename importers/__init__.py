"""Reading of models that were trained elsewhere: PyTorch, ONNX and Keras files.

Each reader gives the same `Parts`: an embedding or none, one or two LSTM cells with PyTorch's
order of the gates, and a linear output layer. One function puts them together into the float model
that the quantizer takes. So a model gives the same image whichever file it came in.

- ``parts``: what a foreign model consists of, its checks, and the float model made of it
- ``vocabularies``: the characters of its symbols, from a JSON file, the model's file, or bytes
- ``reader``: what kind a file is, by its content, and `read_model`
- ``state_dict``: the parts from PyTorch's names of weights
- ``safetensors_file``, ``torch_file``: state dicts from files
- ``onnx_file``, ``onnx_graph``, ``onnx_trace``, ``onnx_operators``: the parts from an ONNX graph
- ``keras_file``, ``keras_layers``, ``hdf5``: the parts from a Keras model

A file may be damaged or hostile. Nothing of it is ever executed, all that is read is bounded before
it is read, and whatever cannot be used is a `UserError` that says why. PyTorch, onnx and h5py are
imported only when a file of that kind is read.
"""
