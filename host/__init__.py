"""Drives the accelerator, or a model of it: one session class over exchangeable transports."""
