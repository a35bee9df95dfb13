"""Relations between models: the fields that declare them, and what they are on instances."""
