"""Text from both models with the same random numbers.

The float model's logits are rounded to the sampler's format and nothing else, so that both draw
with the same noise: the texts are the same until the models' difference decides a draw.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from zynq_lstm.quant.float_model import FloatModel, FloatRun
from zynq_lstm.quant.formats import LOGIT
from zynq_lstm.quant.golden import GoldenModel
from zynq_lstm.quant.image import Image
from zynq_lstm.quant.operators import saturate
from zynq_lstm.quant.sampling import Sampler, encode_temperature, seed_state


@dataclass(frozen=True)
class Sample:
    """Two texts of one seed.

    Parameters
    ----------
    seed : int
    temperature : float
    prompt : str
    float_text, golden_text : str
        What follows the prompt.
    length : int
        Symbols that were drawn.
    common : int
        Symbols until the texts part.
    """

    seed: int
    temperature: float
    prompt: str
    float_text: str
    golden_text: str
    length: int
    common: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "seed": self.seed,
            "temperature": self.temperature,
            "prompt": self.prompt,
            "float": self.float_text,
            "golden": self.golden_text,
            "length": self.length,
            "common": self.common,
        }


def draw_sample(
    model: FloatModel, image: Image, prompt: str, length: int, temperature: float, seed: int
) -> Sample:
    """Let both models write a text.

    Parameters
    ----------
    model : FloatModel
    image : Image
        Made of the model.
    prompt : str
        At least one symbol of the vocabulary.
    length : int
        Symbols to draw, at least 1.
    temperature : float
    seed : int

    Raises
    ------
    UserError
        When the prompt, the temperature or the seed cannot be used.
    """
    symbols = model.vocabulary.encode(prompt)
    code, state = encode_temperature(temperature), seed_state(seed)
    golden = GoldenModel(image).generate(symbols, length, code, state)
    run, sampler = FloatRun(model), Sampler(state, code, len(model.vocabulary))
    drawn: list[int] = []
    for symbol in symbols:
        logits = run.step(symbol)
    for _ in range(length):
        integers = saturate(np.rint(logits / np.float32(LOGIT.lsb)).astype(np.int64), LOGIT)
        drawn.append(int(sampler.draw(integers[None])[0]))
        logits = run.step(drawn[-1])
    common = next((k for k in range(length) if drawn[k] != golden[k]), length)
    decode = model.vocabulary.decode
    return Sample(seed, temperature, prompt, decode(drawn), decode(golden), length, common)
