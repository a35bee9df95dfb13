"""From names to IR: the only place that knows what `team__name__icontains` means."""
