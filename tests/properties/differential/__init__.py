"""The same programs on modelkit and on Django with SQLite: random queries and writes over random rows, and no answer may differ.

Run by hand: `python -m tests.properties.differential --programs 20000 --seed 7`, or in parts with `--skip`. A program is a list of steps, each a
Python expression over `Author`, `Q`, `F`, `Count` and the like, evaluated in both worlds, so that a difference can be
pasted and tried; it is shrunk before it is shown.

`models` declares the models in either world and draws rows. `dice`, `vocabulary`, `scope`, `expressions`, `conditions`,
`inner`, `chains`, `readings`, `writes` and `composite` make programs, `grammar` brings them together. `worlds` and `compare`
run them, `incomparable` says where Django on SQLite is no referee, `rewritings` and `coincidence` put that to the proof,
`shrink` makes a difference small, `coverage` counts what was asked.
"""
