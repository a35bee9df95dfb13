import pytest


class _Meta:
    label = "app.Holder"

    def __init__(self):
        self.added = []

    def add_field(self, field, private=False):
        self.added.append((field, private))


class _State:
    pass


@pytest.fixture
def holder():
    """A class that fields can be put on, as they are on a model."""

    class Holder:
        _meta = _Meta()

        def __init__(self, **values):
            self._state = _State()
            self.__dict__.update(values)

        def _load_deferred(self, attname):
            self.__dict__[attname] = f"loaded {attname}"
            return self.__dict__[attname]

    return Holder


@pytest.fixture
def put(holder):
    """Put a field on the holder and return it."""

    def put(field, name="value"):
        field.contribute_to_class(holder, name)
        return field

    return put
