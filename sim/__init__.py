"""The emitted Verilog, running: a compiled simulator, the transport over it, and benchmarks."""
