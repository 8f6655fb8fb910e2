"""The accelerator's RTL, in Amaranth; sizes and formats come from `quant`."""
