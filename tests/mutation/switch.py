"""How a simulated chip learns which fault it has: C++ that reads an environment variable."""

from pathlib import Path

SWITCH = Path(__file__).with_suffix(".cpp")
"""To be compiled with the chip; its Verilog asks `zl_fault` when it is powered on."""
FAULT = "ZYNQ_LSTM_FAULT"
"""Environment variable: the fault's number, 0 for none."""
