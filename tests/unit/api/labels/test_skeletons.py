import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner_api.labels.skeletons import (
    MAX_SVG_LENGTH,
    check_template,
    generate_template,
    parse_svg,
    render_svg,
    with_label_ids,
    with_label_names,
)
from limner_common.errors import Invalid

EDGE = (
    '<line x1="85.00" y1="50.00" x2="50.00" y2="85.00" stroke="black" data-type="edge" data-node-from="1" '
    'stroke-width="0.5" data-node-to="2"></line>'
)
WRIST = (
    '<circle r="1.5" stroke="black" fill="#b3b3b3" cx="85.00" cy="50.00" stroke-width="0.1" data-type="element node" '
    'data-element-id="1" data-node-id="1" data-label-{0}></circle>'
)
THUMB = WRIST.replace('"85.00" cy="50.00"', '"50.00" cy="85.00"').replace('-id="1"', '-id="2"')
SENT = EDGE + WRIST.format('name="wrist"') + THUMB.format('name="thumb"')
STORED = EDGE + WRIST.format('id="11"') + THUMB.format('id="12"')
NAMES = ["wrist", "thumb"]
IDS = {"wrist": 11, "thumb": 12}
BY_ID = {11: "wrist", 12: "thumb"}


def problem(svg: str, names: list[str] = NAMES, by_id: dict[int, str] | None = None) -> str:
    with pytest.raises(Invalid) as caught:
        check_template(svg, names, by_id)
    assert caught.value.fields is not None
    return caught.value.fields["svg"][0]


def test_a_template_as_browsers_send_it_is_kept_letter_by_letter():
    assert check_template(SENT, NAMES) == SENT


def test_names_become_ids_and_names_again():
    assert with_label_ids(SENT, IDS) == STORED
    assert with_label_names(STORED, BY_ID) == SENT


def test_a_template_may_name_existing_sublabels_by_id():
    assert check_template(STORED, NAMES, BY_ID) == SENT


def test_ids_follow_renamed_sublabels():
    renamed = check_template(STORED, ["palm", "thumb"], {11: "palm", 12: "thumb"})
    assert 'data-label-name="palm"' in renamed


@pytest.mark.parametrize("svg", ["", "  ", "<svg></svg>", EDGE, "not svg at all", '<circle cx="1" cy="1"></circle>'])
def test_a_template_without_nodes_is_made_anew(svg):
    assert check_template(svg, NAMES) == generate_template(NAMES)


@pytest.mark.parametrize(
    ("svg", "names"),
    [
        pytest.param(SENT, ["wrist"], id="node-too-many"),
        pytest.param(SENT, ["wrist", "thumb", "index"], id="node-missing"),
        pytest.param(SENT, ["wrist", "palm"], id="unknown-name"),
        pytest.param(SENT.replace("thumb", "wrist"), NAMES, id="name-twice"),
        pytest.param(SENT.replace(' data-label-name="thumb"', ""), NAMES, id="no-name"),
        pytest.param(STORED, NAMES, id="ids-of-nobody"),
    ],
)
def test_nodes_and_sublabels_must_agree(svg, names):
    assert problem(svg, names) == "The template must have exactly one node for each sublabel."


@pytest.mark.parametrize("broken", ['cx="85.00" ', 'cy="50.00" '])
def test_a_node_needs_a_place(broken):
    assert problem(SENT.replace(broken, "")) == "Each node of the template needs cx and cy."


def test_a_template_has_a_limit():
    assert "no more than" in problem("x" * (MAX_SVG_LENGTH + 1))


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        pytest.param('<circle cx="1" onclick="x()"></circle>', '<circle cx="1"></circle>', id="handler"),
        pytest.param("<script>alert(1)</script>", "", id="script"),
        pytest.param('<svg><g transform="x"><line x1="1"/></g></svg>', '<line x1="1"></line>', id="group"),
        pytest.param('<image href="http://x/y.png"></image>', "", id="image"),
        pytest.param('<a href="javascript:x()"><circle r="1"/></a>', '<circle r="1"></circle>', id="link"),
        pytest.param('<circle fill="url(#x)"></circle>', "<circle></circle>", id="paint-server"),
        pytest.param('<circle style="background:url(x)"></circle>', "<circle></circle>", id="style"),
        pytest.param('<circle fill="rgb(1, 2, 3)"></circle>', '<circle fill="rgb(1, 2, 3)"></circle>', id="rgb"),
        pytest.param('<circle cx="1e3" r="a"></circle>', "<circle></circle>", id="no-numbers"),
        pytest.param('<circle data-type="other"></circle>', "<circle></circle>", id="unknown-kind"),
        pytest.param('<polyline points="1,2 3,4"/>', '<polyline points="1,2 3,4"></polyline>', id="polyline"),
        pytest.param('<circle r="1" r="2"></circle>', '<circle r="1"></circle>', id="attribute-twice"),
        pytest.param('<!DOCTYPE x [<!ENTITY y "z">]><circle r="1"/>&y;', '<circle r="1"></circle>', id="entity"),
        pytest.param("<!-- <circle r='1'/> -->", "", id="comment"),
        pytest.param(
            '<circle data-label-name="a&quot;&gt;<b"></circle>',
            '<circle data-label-name="a&quot;&gt;&lt;b"></circle>',
            id="escaped-name",
        ),
        pytest.param("<circle", "", id="unfinished"),
    ],
)
def test_only_known_elements_and_attributes_survive(dirty, clean):
    assert render_svg(parse_svg(dirty)) == clean


@given(st.text(alphabet=st.sampled_from("<>/=\"' acdiklnorstu-1!&;#[]")) | st.text())
def test_cleaning_is_safe_and_changes_nothing_the_second_time(text):
    once = render_svg(parse_svg(text))
    assert render_svg(parse_svg(once)) == once
    assert "script" not in once and "on" not in {name[:2] for e in parse_svg(once) for name, _ in e.attributes}


LABEL_NAMES = st.lists(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=64), unique=True, min_size=1, max_size=8
)


@given(LABEL_NAMES)
def test_generated_templates_keep_the_rules_for_any_names(names):
    svg = generate_template(names)
    assert check_template(svg, names) == svg
    ids = {name: index + 100 for index, name in enumerate(names)}
    stored = with_label_ids(svg, ids)
    assert "data-label-name" not in "".join(name for e in parse_svg(stored) for name, _ in e.attributes)
    assert with_label_names(stored, {id_: name for name, id_ in ids.items()}) == svg


def test_generated_nodes_stand_on_a_circle_and_are_joined():
    svg = generate_template(["a", "b", "c", "d"])
    nodes = [element for element in parse_svg(svg) if element.is_node]
    places = [(node.get("cx"), node.get("cy")) for node in nodes]
    assert places == [("85.00", "50.00"), ("50.00", "85.00"), ("15.00", "50.00"), ("50.00", "15.00")]
    assert svg.count("<line") == 3


def test_a_single_node_stands_in_the_middle():
    (node,) = parse_svg(generate_template(["a"]))
    assert (node.get("cx"), node.get("cy")) == ("50.00", "50.00")
