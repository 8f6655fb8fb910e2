"""Drives the accelerator, or a model of it: one session class over exchangeable transports.

import zynq_lstm.host as host

with host.open("shakespeare.zlstm") as session:
    print(session.generate("ROMEO:", 200, temperature=0.8, seed=1))
"""

from zynq_lstm.host.backends import open
from zynq_lstm.host.checks import Check, Report
from zynq_lstm.host.results import Score, TextState
from zynq_lstm.host.session import Session
from zynq_lstm.host.transport import Counters, Transport
from zynq_lstm.quant.errors import AcceleratorError

__all__ = [
    "AcceleratorError",
    "Check",
    "Counters",
    "Report",
    "Score",
    "Session",
    "TextState",
    "Transport",
    "open",
]
