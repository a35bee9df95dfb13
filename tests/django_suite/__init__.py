"""Django's own test suite, run over modelkit: `python -m tests.django_suite [APP ...] [--json FILE]`.

Django's source distribution is downloaded into an ignored cache; nothing of it is in this repository.
"""
