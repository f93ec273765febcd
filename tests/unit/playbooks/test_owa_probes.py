"""Probes side by side: bounds that hold, repetitions, and mailboxes that are not locked out."""

from __future__ import annotations

import importlib
import threading
import time
from collections import Counter

import pytest

PASSED = {"as_expected": True, "outcome": "proxied", "why": "as expected", "tries": []}


@pytest.fixture(scope="module")
def side_by_side(owa_probes):
    return importlib.import_module("ansible.module_utils.owa_turns").side_by_side


class Gauge:
    """How many were at work at the same time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.now: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.order: list[str] = []

    def __call__(self, source: str) -> str:
        with self._lock:
            self.order.append(source)
            for name in ("all", source):
                self.now[name] += 1
                self.most[name] = max(self.most[name], self.now[name])
        time.sleep(0.002)
        with self._lock:
            for name in ("all", source):
                self.now[name] -= 1
        return source


@pytest.mark.parametrize(
    ("at_once", "each", "all_most", "one_most"), [(6, 2, 6, 2), (6, 1, 3, 1), (1, 5, 1, 1)]
)
def test_no_source_gets_more_than_its_share(side_by_side, at_once, each, all_most, one_most):
    gauge = Gauge()
    tasks = [(name, name) for name in "abc" for _ in range(12)]
    assert side_by_side(tasks, gauge, at_once=at_once, each=each) == [name for name, _ in tasks]
    assert gauge.most["all"] == all_most
    assert max(gauge.most[name] for name in "abc") == one_most


def test_sources_take_turns(side_by_side):
    gauge = Gauge()
    side_by_side([(name, name) for name in "aaabbb"], gauge, at_once=1, each=1)
    assert "".join(gauge.order) == "ababab"


def test_what_goes_wrong_comes_out_when_all_have_ended(side_by_side):
    done = []

    def work(number):
        if number == 1:
            raise ValueError("one")
        done.append(number)

    with pytest.raises(ValueError, match="one"):
        side_by_side([("a", n) for n in range(5)], work, at_once=2, each=2)
    assert sorted(done) == [0, 2, 3, 4]
    assert side_by_side([], work, at_once=2, each=2) == []


@pytest.fixture
def look(owa_probes, monkeypatch):
    """Looks with answers by source and try; the last one repeats. Also what was sent."""

    def run(answers, **changes):
        sent: Counter[str] = Counter()

        def one(arguments, context):
            source = arguments["source"]
            sent[source] += 1
            given = answers[source]
            return {"changed": False, **given[min(sent[source], len(given)) - 1]}

        monkeypatch.setattr(owa_probes, "run", one)
        params = {name: value.get("default") for name, value in owa_probes.ARGUMENTS.items()}
        probe = {"sources": list(answers), "mailbox": "m@x", "password_host": "t",
                 "expect": ["proxied"], "path": "a -> b", "target_site": "b"}  # fmt: skip
        ways = {name: {"url": f"https://{name}/owa/"} for name in answers}
        params |= {"probes": [probe], "sources": ways, "passwords": {"t": "secret"}, "delay": 0}
        params |= changes
        assert owa_probes.check(params) is None
        return owa_probes.Round(params).all(), sent

    return run


def answer(outcome):
    return {**PASSED, "as_expected": outcome == "proxied", "outcome": outcome, "tries": [1]}


def test_a_result_names_its_probe_and_no_password(look):
    (result,), _ = look({"s1": [answer("proxied")]})
    assert result["item"] == [{"path": "a -> b", "target_site": "b", "mailbox": "m@x"}, "s1"]
    assert (result["as_expected"], result["attempts"]) == (True, 1)
    assert "tries" not in result
    assert "secret" not in str(result)


def test_only_silence_is_repeated_unless_a_path_settles(look):
    answers = {
        "well": [answer("proxied")],
        "silent": [answer("unavailable"), answer("proxied")],
        "former": [answer("served"), answer("proxied")],
        "broken": [answer("broken"), answer("proxied")],
    }
    results, sent = look(answers, times=4)
    assert sent == {"well": 1, "silent": 2, "former": 1, "broken": 1}
    assert [r["as_expected"] for r in results] == [True, True, False, False]
    results, sent = look(answers, times=4, settles=True)
    assert sent == {"well": 1, "silent": 2, "former": 2, "broken": 1}
    assert [r["attempts"] for r in results] == [1, 2, 2, 1]
    assert results[3]["tries"] == [1]


def test_it_gives_up_after_so_many_times(look):
    (result,), sent = look({"silent": [answer("unavailable")]}, times=3)
    assert sent == {"silent": 3}
    assert result["outcome"] == "unavailable"


def test_a_refused_mailbox_is_not_tried_through_every_source(look):
    answers = {f"s{n}": [answer("denied")] for n in range(9)}
    results, sent = look(answers, at_once=1)
    assert sum(sent.values()) == 1
    assert results[0]["outcome"] == "denied"
    for result in results[1:]:
        assert "as_expected" not in result
        assert result["msg"].startswith("not tried, so that the mailbox is not locked out: s0")


def test_certificates_that_cannot_be_read_are_told_by_source(look):
    ways = {"s1": {"url": "https://s1/owa/", "ca_path": "/nowhere"}, "s2": {"url": "http://s2/owa"}}
    results, sent = look({"s1": [answer("proxied")], "s2": [answer("proxied")]}, sources=ways)
    assert not sent
    assert results[0]["msg"].startswith("ca_path: cannot read certificates from /nowhere: ")
    assert "never sent in clear" in results[1]["msg"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"per_source": 0}, "per_source: 0 is less than 1"),
        ({"passwords": {}}, "passwords: none for t"),
        ({"sources": {}}, "sources: no url for s1"),
        ({"probes": [{"sources": []}]}, "probes: one has no mailbox"),
    ],
)
def test_bad_arguments_are_told(owa_probes, change, complaint):
    params = {name: value.get("default") for name, value in owa_probes.ARGUMENTS.items()}
    probe = {"sources": ["s1"], "mailbox": "m", "password_host": "t", "expect": ["served"]}
    params |= {"probes": [probe], "sources": {"s1": {"url": "x"}}, "passwords": {"t": "p"}}
    assert owa_probes.check({**params, **change}) == complaint
