"""Random programs over a model whose primary key is two columns side by side: copies of books, by book and number."""

from __future__ import annotations

from tests.properties.differential.dice import Dice
from tests.properties.differential.models import NAMES
from tests.properties.differential.vocabulary import shown

__all__ = ["Composite"]


class Composite:
    """Draws readings and writes of `Copy`."""

    def __init__(self, dice: Dice) -> None:
        self.dice = dice

    # -- readings

    def reading(self) -> str:
        """A query over copies, or over books by their copies."""
        dice = self.dice
        found = self._found()
        key, keys = self._key(), self._keys()
        ways = (
            f"unordered({found})",
            f"{found}.order_by('{dice.choice(('', '-'))}pk')",
            f"{found}.order_by('note', '-pk'){dice.choice(('', '[1:4]', '.reverse()'))}",
            f"{found}.{dice.choice(('count', 'exists', 'first', 'last'))}()",
            f"unordered({found}.values('pk', 'note'))",
            f"unordered({found}.values_list('pk', flat=True).distinct())",
            f"{found}.order_by('number', 'pk').values_list('number', 'pk')",
            f"{found}.get(pk={key})",
            f"{found}.contains(Copy.objects.get(pk={key}))",
            f"Copy.objects.in_bulk({keys})",
            f"unordered({found}.select_related('book').only('note', 'book__name'))",
            f"unordered({found}.values('book').annotate(n=Count('number'), m=Max('note')))",
            f"{found}.aggregate(x=Sum('number'), y=Count('book', distinct=True, filter=Q(pk__gt={key})))",
            f"unordered({found}.annotate(a0=F('number') + 1).filter(a0__gt=1))",
            f"unordered({found}.annotate(a0=Case(When(pk={key}, then=1), default=2)))",
            f"unordered({found}.annotate(a0=Exists(Copy.objects.filter(book=OuterRef('book'), pk__gt=OuterRef('pk')))))",
            f"unordered({found}.annotate(a0=Window(RowNumber(), partition_by='book', order_by='-pk')))",
            f"unordered({found}.union({self._found()}))",
            f"unordered({found} {dice.choice('&|')} {self._found()})",
            f"unordered(Book.objects.{self._verb()}(copies__{self._condition()}))",
            f"unordered(Book.objects.{self._verb()}(copies__in={found}))",
            f"unordered(Book.objects.annotate(a0=Count('copies__number', filter=Q(copies__pk__in={keys}))))",
            f"unordered(Book.objects.filter(Exists(Copy.objects.filter(book=OuterRef('pk'), {self._condition()}))))",
            f"unordered(prefetched(Book.objects.all(), [Prefetch('copies', queryset={found}.order_by('-pk'))], dict(copies=True)))",
            f"unordered(prefetched({found}, ['book__copies'], dict(book__copies=False)))",
        )
        return dice.choice(ways)

    def _found(self) -> str:
        steps = self.dice.some(0, 2, lambda: f".{self._verb()}({self._conditions()})")
        return f"Copy.objects{''.join(steps) or '.all()'}"

    def _verb(self) -> str:
        return self.dice.choice(("filter", "filter", "exclude"))

    def _conditions(self) -> str:
        dice = self.dice
        if dice.chance(50):
            return self._condition()
        sign = "~" if dice.chance(30) else ""
        return f"{sign}(Q({self._condition()}) {dice.choice('&|')} Q({self._condition()}))"

    def _condition(self) -> str:
        dice = self.dice
        lookup = dice.choice(("gt", "gte", "lt", "lte"))
        inner = f"Copy.objects.filter(number__{lookup}={dice.randint(1, 3)})"
        ways = (
            f"pk={self._key()}",
            f"pk__{lookup}={self._key()}",
            f"pk__in={self._keys()}",
            f"pk__in={inner}.values('pk')",
            f"pk__in={inner}",
            f"number__{lookup}={dice.randint(1, 3)}",
            f"note={shown(dice.choice(NAMES))}",
            f"book={dice.randint(1, 10)}",
            f"book__rating__{lookup}={dice.randint(0, 2)}",
            f"book__copies__pk={self._key()}",
            f"book__author__in=[{dice.randint(1, 5)}]",
        )
        return dice.choice(ways)

    def _key(self) -> str:
        return f"({self.dice.randint(1, 5)}, {self.dice.randint(1, 3)})"

    def _keys(self) -> str:
        return f"[{', '.join(self.dice.some(1, 3, self._key))}]"

    # -- writes

    def write(self) -> str:
        """A write to copies."""
        dice = self.dice
        key, note, found = self._key(), shown(dice.choice(NAMES)), self._found()
        book, number = key.strip("()").split(", ")
        columns = f"book_id={book}, number={number}"
        fresh = f"book_id={dice.randint(1, 10)}, number={dice.randint(1, 5)}, note={note}"
        ways = (
            f"{found}.update(note={note})",
            f"{found}.update(note=Concat('note', Value('x')))",
            f"{found}.delete()",
            f"Copy.objects.get(pk={key}).delete()",
            f"Copy.objects.create({fresh})",
            f"Book.objects.get(pk={book}).copies.create(number={dice.randint(1, 5)}, note={note})",
            f"Book.objects.get(pk={book}).copies.all().delete()",
            f"saved(Copy.objects.get(pk={key}), dict(note={note}))",
            f"saved(Copy({columns}, note={note}), dict())",
            f"Copy.objects.get_or_create({columns}, defaults=dict(note={note}))",
            f"Copy.objects.get_or_create(pk={key}, defaults=dict(note={note}))",
            f"Copy.objects.update_or_create({columns}, defaults=dict(note={note}))",
            f"bulk_updated({found}.order_by('pk'), 'note', [{note}, 'new'])",
            f"len(Copy.objects.bulk_create([Copy({fresh}), Copy({columns}, note={note})]))",
            f"len(Copy.objects.bulk_create([Copy({fresh}), Copy({columns}, note={note})], ignore_conflicts=True))",
            f"len(Copy.objects.bulk_create([Copy({columns}, note={note})], update_conflicts=True, update_fields=['note'], unique_fields=['book', 'number']))",
        )
        return dice.choice(ways)
