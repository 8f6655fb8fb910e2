"""Going on from a checkpoint: its weights as a network's first ones, also for more symbols.

The old symbols keep their numbers; characters of the text that the checkpoint does not know come
behind them. A new symbol begins as an average one in the input and in the output layer, and as
unlikely as the least likely old one: nothing else is known of it.

A checkpoint holds the product of embedding and projection. It is taken apart by its singular value
decomposition, each factor with the square root of the singular values, which is exact where the
embedding is as wide as there are symbols.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zynq_lstm.quant.float_model import FloatModel
from zynq_lstm.quant.vocabulary import BYTES, Vocabulary
from zynq_lstm.train.network import Network
from zynq_lstm.train.settings import TrainingSettings


def settings_from(
    model: FloatModel, settings: TrainingSettings, vocabulary: Vocabulary
) -> TrainingSettings:
    """The settings with the model's layers and units, and an embedding that is wide enough.

    Raises
    ------
    UserError
        If such a model cannot be trained.
    """
    return dataclasses.replace(
        settings,
        layers=len(model.layers),
        hidden=model.hidden,
        embedding=max(settings.embedding, len(vocabulary)),
        symbols="bytes" if vocabulary is BYTES else "characters",
    )


@torch.no_grad()
def begin_from(network: Network, model: FloatModel) -> None:
    """Give a network the weights of a model, which may have fewer symbols.

    Parameters
    ----------
    network : Network
        Made with the settings of `settings_from`; its random weights are replaced.
    model : FloatModel
    """
    symbols = len(network.embedding)
    first = model.layers[0]
    u, s, vh = torch.linalg.svd(_with_average(first.weight_ih.T, symbols), full_matrices=False)
    network.embedding.zero_()
    network.embedding[:, : len(s)] = u * s.sqrt()
    # Columns without an embedding yet keep their random weights, so that they can learn.
    network.lstm[0][:, : len(s)] = (s.sqrt()[:, None] * vh).T
    for k, layer in enumerate(model.layers):
        if k > 0:
            network.lstm[3 * k].copy_(torch.from_numpy(layer.weight_ih))
        network.lstm[3 * k + 1].copy_(torch.from_numpy(layer.weight_hh))
        network.lstm[3 * k + 2].copy_(torch.from_numpy(layer.bias))
    network.head_weight.copy_(_with_average(model.head_weight, symbols))
    network.head_bias.fill_(float(model.head_bias.min()))
    network.head_bias[: len(model.head_bias)] = torch.from_numpy(model.head_bias)


def _with_average(rows: NDArray[np.float32], count: int) -> Tensor:
    """The rows and, behind them, their mean as often as makes so many; float64."""
    known = torch.from_numpy(rows.astype(np.float64))
    return torch.cat([known, known.mean(dim=0).expand(count - len(known), -1)])
