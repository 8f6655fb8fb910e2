"""The command `zynq-lstm`."""
