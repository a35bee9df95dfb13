"""The same mistakes in modelkit and in other libraries: which of them the type checkers find."""
