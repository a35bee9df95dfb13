"""Signals without models: who is called, how long receivers are held, what they cost."""

from __future__ import annotations

import gc
import threading

import pytest

from modelkit.signals import ModelSignal, Signal, receiver


class Sender:
    pass


def test_receivers_are_called_in_order_with_what_was_sent():
    signal = Signal()
    seen = []

    def one(**named):
        seen.append(("one", named))
        return 1

    def two(sender, value, **_):
        seen.append(("two", sender, value))

    signal.connect(one)
    signal.connect(two)
    assert signal.send(Sender, value=5) == [(one, 1), (two, None)]
    assert seen == [("one", {"signal": signal, "sender": Sender, "value": 5}), ("two", Sender, 5)]


def test_a_signal_without_receivers_is_falsy():
    signal = Signal()

    def listen(**_):
        pass

    assert not signal.receivers
    assert signal.send(None) == []
    signal.connect(listen)
    assert signal.receivers
    assert signal.disconnect(listen)
    assert not signal.receivers
    assert not signal.disconnect(listen)


def test_a_sender_limits_a_receiver():
    signal = Signal()
    seen = []

    def listen(sender, **_):
        seen.append(sender)

    signal.connect(listen, sender=Sender)
    signal.send(Sender)
    signal.send(int)
    signal.send(None)
    assert seen == [Sender]
    assert signal.has_listeners(Sender)
    assert not signal.has_listeners(int)
    assert not signal.disconnect(listen)
    assert signal.disconnect(listen, sender=Sender)


def test_connecting_twice_is_connecting_once():
    signal = Signal()
    seen = []

    def listen(**_):
        seen.append(1)

    class Holder:
        def listen(self, **_):
            seen.append(2)

    holder = Holder()
    for _ in range(2):
        signal.connect(listen)
        signal.connect(holder.listen)
        signal.connect(lambda **_: seen.append(3), weak=False, dispatch_uid="three")
    signal.send(None)
    assert seen == [1, 2, 3]
    assert signal.disconnect(dispatch_uid="three")
    assert signal.disconnect(holder.listen)


def test_receivers_and_senders_are_held_weakly():
    signal = Signal()

    class Holder:
        def listen(self, **_):
            raise AssertionError("collected receivers are not called")

    def listen(**_):
        raise AssertionError("collected receivers are not called")

    sender = Sender()
    holder = Holder()
    signal.connect(listen)
    signal.connect(holder.listen)
    signal.connect(lambda **_: None, sender=sender, weak=False)
    del listen, holder, sender
    gc.collect()
    assert signal.receivers == []
    signal.send(None)


def test_a_strong_receiver_stays():
    signal = Signal()
    seen = []
    signal.connect(lambda **_: seen.append(1), weak=False)
    gc.collect()
    signal.send(None)
    assert seen == [1]


@pytest.mark.parametrize(("wrong", "error"), [(3, TypeError), (len, ValueError)])
def test_what_cannot_receive_is_refused(wrong, error):
    with pytest.raises(error):
        Signal().connect(wrong)


def test_robust_sending_reaches_everyone(caplog):
    signal = Signal()
    problem = RuntimeError("no")

    def fail(**_):
        raise problem

    def work(**_):
        return "done"

    signal.connect(fail)
    signal.connect(work)
    assert signal.send_robust(None) == [(fail, problem), (work, "done")]
    assert "fail" in caplog.text
    with pytest.raises(RuntimeError):
        signal.send(None)


def test_receivers_may_connect_and_disconnect_while_called():
    signal = Signal()
    seen = []

    def once(**_):
        seen.append("once")
        signal.disconnect(once)
        signal.connect(later)

    def later(**_):
        seen.append("later")

    signal.connect(once)
    signal.send(None)
    signal.send(None)
    assert seen == ["once", "later"]


def test_the_decorator_connects_to_one_or_several():
    one, two = Signal(), Signal()
    seen = []

    @receiver([one, two], sender=Sender)
    def both(signal, **_):
        seen.append(signal)

    @receiver(one)
    def single(**_):
        seen.append("single")

    one.send(Sender)
    two.send(Sender)
    assert seen == [one, "single", two]


def test_a_model_can_be_named_before_it_exists():
    signal = ModelSignal()
    seen = []

    def listen(sender, **_):
        seen.append(sender)

    signal.connect(listen, sender="app.Sender")
    assert not signal.receivers
    signal.connect(listen, sender="app.Later")
    assert signal.disconnect(listen, sender="app.Later") is None
    signal.named_sender("app.later", Sender, registry=signal.home)
    signal.named_sender("app.sender", int, registry=object())
    assert not signal.receivers
    signal.named_sender("app.sender", Sender, registry=signal.home)
    signal.send(Sender)
    assert seen == [Sender]

    class Names:
        def find(self, name):
            return Sender if name == "app.Sender" else None

    assert signal.disconnect(listen, sender="app.Sender", apps=Names()) is None
    assert not signal.receivers
    signal.connect(listen, sender="app.Sender", apps=Names())
    assert signal.has_listeners(Sender)
    with pytest.raises(ValueError, match="app_label"):
        signal.connect(listen, sender="Sender")


def test_threads_may_connect_at_once():
    signal = Signal()
    kept = [lambda number=number, **_: number for number in range(200)]

    def connect(part):
        for each in part:
            signal.connect(each)

    threads = [threading.Thread(target=connect, args=(kept[start::4],)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(result for _, result in signal.send(None)) == list(range(200))
