"""What goes wrong, as exceptions: their text is the sentence that the runtime or the compiler says."""


class Error(RuntimeError):
    """A call failed. `kind` says how: argument, file, format, unsupported, memory, busy, cancelled, step_limit,
    internal; of attnc.compile also import and compile."""

    def __init__(self, message: str, kind: str):
        super().__init__(message)
        self.kind = kind
