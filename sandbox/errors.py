"""The error of all that a person may set, register, order or write into a seed file."""


class InvalidInput(ValueError):
    """Input that is not valid. The text tells the person why."""
