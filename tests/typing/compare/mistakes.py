"""The mistakes that are compared: a key, and what the table says of it.

In the files of a library a line marked `# wrong: key` makes the mistake, and the line marked `# right: key` is the same without it. A
library whose files do not have a key has no idiom for it.
"""

from __future__ import annotations

GROUPS: dict[str, dict[str, str]] = {
    "Instances": {
        "attribute": "an attribute that the model lacks: `author.nmae`",
        "attribute-type": "a number used as text: `author.age.upper()`",
        "attribute-null": "a value that may be NULL used as one that is not: `author.nick.upper()`",
        "hop": "an attribute that a related model lacks: `book.author.nmae`",
        "hop-null": "a relation that may be NULL used as one that is not: `book.publisher.name`",
        "key-type": "the key of a relation used as another type: `book.author_id.upper()`",
        "far-side": "the far side of a relation by a name that it lacks: `author.boks`",
        "far-rows": "an attribute that rows of the far side lack",
        "far-add": "a row of another model added to a many-to-many relation",
    },
    "Values": {
        "set-type": '`author.age = "x"`',
        "set-null": "`author.name = None`, which may not be NULL",
        "set-relation": "`book.author = publisher`",
        "new-name": "a constructor's argument that the model lacks: `Author(nmae=...)`",
        "new-type": 'a constructor\'s argument of another type: `Author(age="x")`',
        "new-missing": "a constructor without a value that every row needs",
        "create-name": "the same as a query: `create(nmae=...)`",
    },
    "Conditions": {
        "where-name": "a field that the model lacks",
        "where-type": "equal to a value of another type",
        "where-compare": "greater than a value of another type",
        "where-in": "among values of another type",
        "where-lookup": "a lookup that no field has: `age__gtt`",
        "where-kind": "a lookup of text on a number: `age__icontains`",
        "where-part": "a date's year equal to text",
        "where-hop-name": "a field that a related model lacks",
        "where-hop-type": "a related field equal to a value of another type",
        "where-relation": "a relation equal to a row of another model",
        "where-many": "a field that the rows of a many-to-many relation lack",
        "q-name": "a field that the model lacks, in one of two alternatives",
        "f-name": "a comparison with a field that the model lacks",
        "f-type": "a comparison with a field of another type",
        "where-model": "a condition on another model",
    },
    "Order, columns, loading": {
        "order-name": "ordered by a field that the model lacks",
        "order-model": "ordered by a field of another model",
        "load-name": "a relation to load along that the model lacks",
        "only-name": "a field to load that the model lacks",
        "columns-name": "a column that the model lacks",
        "columns-key": "a column of a row that was not asked for",
        "columns-type": "a column of a row used as another type",
        "first-null": "the first row, used though there may be none",
        "get-attribute": "an attribute that a row lacks",
    },
    "Writes": {
        "update-name": "a field that the model lacks",
        "update-type": "a value of another type",
        "update-null": "NULL for a field that may not be NULL",
        "update-f": "a value made of a field that the model lacks",
        "defaults-name": "a field that the model lacks among the defaults of get_or_create()",
        "save-name": "a field that the model lacks among those to save",
    },
    "Aggregates and functions": {
        "count-name": "a count of a relation that the model lacks",
        "avg-name": "an average of a field that the model lacks",
        "sum-kind": "a sum of text",
        "max-type": "the largest number, used as text",
        "annotated-name": "an annotation by another name",
        "annotated-type": "an annotation used as another type",
        "having-name": "a condition on an annotation that the query lacks",
        "function-name": "a function of a field that the model lacks",
    },
}

MISTAKES = {key: says for group in GROUPS.values() for key, says in group.items()}
