"""The memory store: heaps of versioned tuples, indexes, a planner, and a compiler from queries to Python loops."""
