"""The Django application that the benchmark's models belong to."""
