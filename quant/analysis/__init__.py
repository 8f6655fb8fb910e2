"""What quantization does to a model, measured on a text; needs numpy only.

- ``run``: a float model and its golden model read the same text, each with its own state
- ``prediction``: how far their predictions and states are apart at each character
- ``interval``: confidence intervals of means over a text
- ``datapath``: every integer of the golden model before it is saturated
- ``ranges``: how much of each format's range is used, and how often it ends
- ``gates``: errors of the pre-activations
- ``weights``: errors of the weights themselves, by tensor and by row
- ``samples``: text from both models with the same random numbers
- ``measurement``: all of these, in one pass over the text
"""
