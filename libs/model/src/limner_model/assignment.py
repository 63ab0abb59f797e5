"""The best assignment of objects to each other when most pairs have nothing in common."""

from collections import defaultdict

import numpy as np

from limner_model.similarity import Similarities


def assign(similarities: Similarities, *, min_similarity: float) -> list[tuple[int, int]]:
    """Pair firsts with seconds so that the sum of similarities is greatest, then drop pairs that are not alike enough.

    Pairs that are not listed have a similarity of 0. Groups that have nothing in common with each other are solved on
    their own, which gives the same sum as solving all at once.

    Returns:
        Pairs (first, second) with at least the least similarity, sorted.
    """
    pairs: list[tuple[int, int]] = []
    for group in _groups(similarities):
        if len(group) == 1:
            pairs.extend(group)
        else:
            pairs.extend(_best(group))
    return sorted(pair for pair in pairs if similarities[pair] >= min_similarity)


def _groups(similarities: Similarities) -> list[Similarities]:
    """Split the pairs into groups that share no object."""
    parents: dict[tuple[str, int], tuple[str, int]] = {}

    def root(node: tuple[str, int]) -> tuple[str, int]:
        parents.setdefault(node, node)
        while parents[node] != node:
            parents[node] = parents[parents[node]]
            node = parents[node]
        return node

    for first, second in similarities:
        parents[root(("first", first))] = root(("second", second))
    groups: defaultdict[tuple[str, int], Similarities] = defaultdict(dict)
    for (first, second), value in similarities.items():
        groups[root(("first", first))][first, second] = value
    return list(groups.values())


def _best(group: Similarities) -> list[tuple[int, int]]:
    # Imported here because most merges have no group of several objects.
    from scipy.optimize import linear_sum_assignment

    firsts, seconds = sorted({first for first, _ in group}), sorted({second for _, second in group})
    row_of, column_of = {first: row for row, first in enumerate(firsts)}, {second: at for at, second in enumerate(seconds)}
    costs = np.ones((len(firsts), len(seconds)))
    for (first, second), value in group.items():
        costs[row_of[first], column_of[second]] = 1 - value
    rows, columns = linear_sum_assignment(costs)
    best = [(firsts[row], seconds[column]) for row, column in zip(rows.tolist(), columns.tolist(), strict=True)]
    return [pair for pair in best if pair in group]
