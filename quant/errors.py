"""The one exception for mistakes that a person or a file can make.

Its text is a whole sentence for that person: what must hold, what was found, what to do.
The command line prints it without a traceback and exits with status 1.
"""


class UserError(ValueError):
    """A wrong input: a file, an argument or a model that cannot be used as it is."""
