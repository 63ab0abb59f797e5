import pytest

from limner_model.colors import hex_from_rgb, label_color, rgb_from_hex, voc_color


@pytest.mark.parametrize(
    ("index", "color"),
    [
        (0, (0, 0, 0)),
        (1, (128, 0, 0)),
        (2, (0, 128, 0)),
        (3, (128, 128, 0)),
        (15, (192, 128, 128)),
        (20, (0, 64, 128)),
        (255, (224, 224, 192)),
    ],
)
def test_voc_palette(index: int, color: tuple[int, int, int]) -> None:
    assert voc_color(index) == color


def test_names_that_differ_in_case_and_dashes_get_the_same_color() -> None:
    assert label_color("Traffic-Light") == label_color("traffic light")


def test_names_without_ascii_letters_are_told_apart() -> None:
    assert label_color("猫") != label_color("犬")


def test_a_hundred_siblings_of_one_name_get_different_colors() -> None:
    taken: list[str] = []
    for _ in range(100):
        taken.append(label_color("car", taken))
    assert len(set(taken)) == len(taken)


def test_taken_colors_are_recognised_in_any_case() -> None:
    first = label_color("car")
    assert label_color("car", [first.upper()]) != first


def test_hex_round_trip() -> None:
    assert hex_from_rgb(rgb_from_hex("#0aFf10")) == "#0aff10"


@pytest.mark.parametrize("text", ["red", "#12345", "#12345g", ""])
def test_other_colors_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="#rrggbb"):
        rgb_from_hex(text)
