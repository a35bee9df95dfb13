"""How fast modelkit is beside hand-written code, raw sqlite3, Django, SQLAlchemy and peewee.

`python -m tests.benchmarks` runs every operation for every contender in one process and prints a table of ratios.
"""
