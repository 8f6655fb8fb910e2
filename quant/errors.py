"""The exceptions that are told to people: each text is a whole sentence.

The command line prints it without a traceback and exits with status 1.
"""


class UserError(ValueError):
    """A wrong input: a file, an argument or a model that cannot be used as it is.

    The sentence says what must hold, what was found and what to do.
    """


class AcceleratorError(RuntimeError):
    """The accelerator failed, or what leads to it; nobody's input is wrong.

    The sentence says what failed, how it was found and what has been done about it.
    """
