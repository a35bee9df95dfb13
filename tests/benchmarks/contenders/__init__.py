"""One module per contender, each imported only when it takes part."""
