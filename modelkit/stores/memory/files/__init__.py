"""A store's file: what is in it, how it is read, and how a commit reaches it."""
