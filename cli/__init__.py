"""The command `zynq-lstm`: one module for each of its commands, put together in ``app``.

What a command computes goes to standard output; what it says meanwhile goes to standard error.
Whatever takes long to import (PyTorch, Amaranth, Yosys, the simulator) is imported by the command
that needs it, when it runs.
"""
