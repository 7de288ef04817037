"""What is wrong with the data, said in one sentence."""


class DataError(ValueError):
    """Data that cannot be used: the message says what was given, what was expected, what to do."""
