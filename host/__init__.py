"""Drives the accelerator, or a model of it: one session class over exchangeable transports.

import zynq_lstm.host as host

with host.open("shakespeare.zlstm") as session:
    print(session.generate("ROMEO:", 200, temperature=0.8, seed=1))
"""

from zynq_lstm.host.session import Score, Session, open
from zynq_lstm.host.transport import Counters, Transport

__all__ = ["Counters", "Score", "Session", "Transport", "open"]
