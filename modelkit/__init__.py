"""Declare models the Django way; every query is compiled into the Python loop you would have written by hand."""
