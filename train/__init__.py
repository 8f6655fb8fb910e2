"""Training of character models: from a text file to a checkpoint for the quantizer.

- ``settings``: everything that a run depends on; needs no PyTorch
- ``defaults``: the settings that follow from a text's length and symbols; needs no PyTorch
- ``log``: the losses of each epoch as a CSV file; needs no PyTorch
- ``saving``: a file that finds no room waits for the next epoch; needs no PyTorch
- ``progress``: what a run tells while it runs and at its end; needs no PyTorch
- ``corpus``: text file, vocabulary, split, streams
- ``finetuning``: going on from a checkpoint, also with more symbols
- ``network``: the LSTM as it is trained, and its weights as they are stored
- ``schedule``: the learning rate of each update
- ``averaging``: the moving average of the weights
- ``fake_quantization``, ``integer_lstm``, ``quantized_network``: the same in the accelerator's own
  arithmetic, for quantization-aware training
- ``trainer``: the training loop, `train`
- ``evaluation``: loss of a network or of a checkpoint on a text, `evaluate`
- ``checkpoint``: the files

Only this package needs PyTorch. It imports nothing here, so that the settings can be shown and
checked where PyTorch is not installed.
"""
