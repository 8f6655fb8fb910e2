"""The plan of a soak and its slices."""

import pytest
from soak.plan import CHARACTERS, LONGEST_PROMPT, SHIPPED, SMALL, plan, slice_of

from zynq_lstm.quant.config import Config
from zynq_lstm.quant.errors import UserError

FULL_SIZE = {Config(), Config(symbols=256)}


def test_a_million_characters() -> None:
    runs = plan()
    assert sum(run.length for run in runs) == 1_000_000
    assert sum(run.length for run in runs if run.model.config in FULL_SIZE) == 700_000
    assert {run.model.shipped for run in runs} == {"", *SHIPPED}
    assert [run.number for run in runs] == list(range(1, len(runs) + 1))


def test_runs_differ_and_follow_from_their_numbers() -> None:
    runs = plan()
    assert len({run.seed for run in runs}) == len(runs)
    assert len({run.temperature for run in runs}) > len(runs) // 2
    for run, again in zip(runs, plan(), strict=True):
        assert (run.seed, run.temperature) == (again.seed, again.temperature)
        prompt = run.prompt(9)
        assert 1 <= len(prompt) <= LONGEST_PROMPT and prompt.max() < 9
        assert prompt.tolist() == again.prompt(9).tolist()


@pytest.mark.parametrize("of", [1, 2, 3, 7, 20, 199, 1000])
def test_each_run_is_in_one_slice(of) -> None:
    runs = plan()
    found = [run for which in range(1, of + 1) for run in slice_of(runs, which, of)]
    assert found == runs


def test_slices_take_about_the_same_time() -> None:
    runs = plan()
    costs = [sum(run.cost for run in slice_of(runs, which, 20)) for which in range(1, 21)]
    assert max(costs) < 1.2 * min(costs)


def test_slices_share_few_simulators() -> None:
    """Each of 20 needs one, and those in which a configuration begins one more."""
    configs = [{run.model.config for run in slice_of(plan(), which, 20)} for which in range(1, 21)]
    assert sum(map(len, configs)) <= 20 + len(SMALL) + 1


@pytest.mark.parametrize(("which", "of"), [(0, 3), (4, 3), (1, 0)])
def test_other_slices_are_refused(which, of) -> None:
    with pytest.raises(UserError, match=f"^Slice must be one of .*, not {which}/{of}$"):
        slice_of(plan(), which, of)


def test_a_run_says_what_it_is() -> None:
    text = str(plan()[2])
    assert text.startswith("run 3, models/shakespeare.zlstm, seed 3, temperature ")
    assert f"of {CHARACTERS}" not in text
    assert "random model (extreme, " in str(plan()[81])
