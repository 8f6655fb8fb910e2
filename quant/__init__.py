"""Formats, integer operators, quantizer, images and the golden model; needs numpy only."""
