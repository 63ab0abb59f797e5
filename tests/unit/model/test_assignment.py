import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from limner_model.assignment import assign


@pytest.mark.parametrize(
    ("similarities", "expected"),
    [
        pytest.param({}, [], id="nothing in common"),
        pytest.param({(0, 0): 0.9}, [(0, 0)], id="one pair"),
        pytest.param({(0, 0): 0.4}, [], id="not alike enough"),
        pytest.param({(0, 0): 0.9, (0, 1): 0.8, (1, 0): 0.85}, [(0, 1), (1, 0)], id="the greater sum wins"),
        pytest.param({(0, 0): 0.9, (1, 0): 0.8}, [(0, 0)], id="one is left over"),
        pytest.param({(3, 9): 0.9, (4, 8): 0.7}, [(3, 9), (4, 8)], id="separate groups"),
    ],
)
def test_assignment(similarities: dict[tuple[int, int], float], expected: list[tuple[int, int]]) -> None:
    assert assign(similarities, min_similarity=0.5) == expected


tables = st.dictionaries(st.tuples(st.integers(0, 5), st.integers(0, 5)), st.floats(0.01, 1), max_size=12)


@given(tables)
def test_groups_give_the_same_sum_as_everything_at_once(similarities: dict[tuple[int, int], float]) -> None:
    costs = np.ones((6, 6))
    for (row, column), value in similarities.items():
        costs[row, column] = 1 - value
    rows, columns = linear_sum_assignment(costs)
    best = float((1 - costs[rows, columns]).sum())
    found = sum(similarities[pair] for pair in assign(similarities, min_similarity=0))
    assert found == pytest.approx(best)
