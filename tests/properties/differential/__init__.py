"""The same programs on modelkit and on Django with SQLite: random queries and writes over random rows, and no answer may differ.

Run by hand: `python -m tests.properties.differential --programs 20000 --seed 7`. A program is a list of steps, each a
Python expression over `Author`, `Q`, `F`, `Count` and the like, evaluated in both worlds, so that a difference can be
pasted and tried; it is shrunk before it is shown.

`models` declares the seven models in either world and draws rows. `dice`, `vocabulary`, `expressions`, `aggregates`,
`conditions`, `queries` and `writes` make programs. `worlds` and `compare` run them, `incomparable` says where Django on
SQLite is no referee, `shrink` makes a difference small, `coverage` counts what was asked.
"""
