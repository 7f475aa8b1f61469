"""The picture of a flow: every node once, no box on another, no arrow over a box, nothing that could be run."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.flows.cards import WIDTH
from gateway.flows.drawing import NodeVisits, draw
from gateway.flows.layers import components, layers_of, near
from gateway.flows.layout import Arrangement, Arrow, Box, arrange
from gateway.flows.lettering import fit, markup, width, wrap
from gateway.flows.scene import compose
from tests.conversations.chat import ROOT
from tests.pace import assert_within

DEMO = json.loads((Path(__file__).parents[2] / "gateway" / "demo" / "flow.json").read_text("utf-8"))
SVG = "{http://www.w3.org/2000/svg}"


def node(id: str, *targets: str, **more: Any) -> dict[str, Any]:
    options = [{"text": f"To {target}", "target": target} for target in targets]
    config = {"message": f"Here is {id}.", "options": options}
    return {"id": id, "type": "quick_reply", "config": config, **more}


def flow(*nodes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"start_node": nodes[0]["id"] if nodes else "", "nodes": list(nodes), **more}


def drawn(definition: dict[str, Any], **more: Any) -> ElementTree.Element:
    return ElementTree.fromstring(draw(definition, **more))


def ids(picture: ElementTree.Element) -> list[str]:
    return [group.attrib["data-node"] for group in picture.iter(f"{SVG}g") if "data-node" in group.attrib]


def texts(picture: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in picture.iter(f"{SVG}text")]


def of_node(picture: ElementTree.Element, id: str) -> ElementTree.Element:
    return next(group for group in picture.iter(f"{SVG}g") if group.attrib.get("data-node") == id)


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, Any]:
    """A flow of random ways, with a sub-flow now and then."""

    def nodes(prefix: str, count: int) -> list[dict[str, Any]]:
        targets = st.lists(st.integers(0, count).map(lambda number: f"{prefix}{number}"), max_size=4)
        return [
            node(
                f"{prefix}{number}", *draw(targets), connections=[{"target": each} for each in draw(targets)]
            )
            for number in range(count)
        ]

    made = flow(*nodes("n", draw(st.integers(1, 14))))
    if draw(st.booleans()):
        made["flows"] = {"sub": {"start_node": "s0", "nodes": nodes("s", draw(st.integers(1, 5)))}}
        made["nodes"][0]["config"]["flow"] = "sub"
    return made


@given(graphs())
@settings(max_examples=40, deadline=None)
def test_each_node_is_drawn_once_and_no_two_overlap(definition: dict[str, Any]) -> None:
    expected = [each["id"] for each in definition["nodes"]]
    expected += [f"sub/{each['id']}" for each in definition.get("flows", {}).get("sub", {}).get("nodes", [])]
    assert sorted(ids(drawn(definition))) == sorted(expected)
    scene = compose(definition)
    boxes = [
        (group.corner[0] + each.corner[0], group.corner[1] + each.corner[1], each.card.height)
        for group in scene.groups
        for each in group.nodes
    ]
    for index, (x, y, height) in enumerate(boxes):
        assert 0 <= x <= scene.width - WIDTH
        assert 0 <= y <= scene.height - height
        for other_x, other_y, other_height in boxes[index + 1 :]:
            apart_across = abs(x - other_x) >= WIDTH + 12
            assert apart_across or y >= other_y + other_height + 12 or other_y >= y + height + 12


@given(graphs())
@settings(max_examples=20, deadline=None)
def test_the_same_flow_gives_the_same_picture(definition: dict[str, Any]) -> None:
    assert draw(definition) == draw(json.loads(json.dumps(definition)))


Graph = tuple[list[Box], list[Arrow]]


@st.composite
def boxes_and_arrows(draw: st.DrawFn) -> Graph:
    count = draw(st.integers(1, 12))
    boxes = [Box(200.0, float(draw(st.integers(40, 300)))) for _ in range(count)]
    index = st.integers(0, count - 1)
    arrows = [
        Arrow(source, target, draw(st.integers(4, int(boxes[source].height) - 4)))
        for source, target in draw(st.lists(st.tuples(index, index), max_size=24))
    ]
    return boxes, arrows


def arranged(graph: Graph) -> Arrangement:
    boxes, arrows = graph
    return arrange(boxes, arrows, layers_of(len(boxes), [(arrow.source, arrow.target) for arrow in arrows]))


@given(boxes_and_arrows())
@settings(max_examples=80, deadline=None)
def test_an_arrow_leaves_its_port_and_comes_in_from_the_left(graph: Graph) -> None:
    boxes, arrows = graph
    done = arranged(graph)
    for arrow, path in zip(arrows, done.paths, strict=True):
        (x, y), box = done.corners[arrow.source], boxes[arrow.source]
        assert path[0] == (x + box.width, y + arrow.port)
        (x, y), box = done.corners[arrow.target], boxes[arrow.target]
        assert path[-1][0] == x
        assert y < path[-1][1] < y + box.height
        assert path[-2][0] < x
        assert all(one[0] == two[0] or one[1] == two[1] for one, two in pairwise(path))


@given(boxes_and_arrows())
@settings(max_examples=80, deadline=None)
def test_no_arrow_runs_over_a_box(graph: Graph) -> None:
    boxes, _ = graph
    done = arranged(graph)
    for path in done.paths:
        for (x, y), (to_x, to_y) in pairwise(path):
            left, right, top, bottom = min(x, to_x), max(x, to_x), min(y, to_y), max(y, to_y)
            assert 0 <= left <= right <= done.width
            assert 0 <= top <= bottom <= done.height
            for (box_x, box_y), box in zip(done.corners, boxes, strict=True):
                beside = right <= box_x or left >= box_x + box.width
                assert beside or bottom <= box_y or top >= box_y + box.height


@given(
    st.integers(1, 20).flatmap(
        lambda n: st.tuples(st.just(n), st.lists(st.tuples(*[st.integers(0, n - 1)] * 2)))
    )
)
def test_a_graph_without_loops_only_leads_to_the_right(case: tuple[int, list[tuple[int, int]]]) -> None:
    count, pairs = case
    edges = [(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]]
    layers = layers_of(count, edges)
    assert all(layers[source] < layers[target] for source, target in edges)
    assert min(layers) == 0
    groups = components(count, edges)
    assert sorted(each for group in groups for each in group) == list(range(count))


def test_a_loop_is_opened_at_its_head() -> None:
    # 0 → 1 → 2 → 3 → 1, and 3 → 4: only the way back to 1 leads to the left.
    layers = layers_of(5, [(0, 1), (1, 2), (2, 3), (3, 1), (3, 4)])
    assert layers == [0, 1, 2, 3, 4]


def test_what_the_start_does_not_lead_to_stands_before_what_it_leads_to() -> None:
    assert layers_of(4, [(0, 1), (1, 2), (3, 2)]) == [0, 1, 2, 1]


def test_long_ways_are_told_by_name_instead_of_arrows() -> None:
    edges = [(number, number + 1) for number in range(30)] + [(29, 0), (3, 2)]
    assert near(layers_of(31, edges), edges) == [True] * 30 + [False, True]
    chain = [node(f"n{number}", f"n{number + 1}") for number in range(29)]
    assert "→ n0" in texts(of_node(drawn(flow(*chain, node("n29", "n0"))), "n29"))


HOSTILE = "<script>alert(1)</script>&\"'\u202e\x00\ud800 ]]><![CDATA["


def test_no_text_of_a_flow_is_ever_markup() -> None:
    definition = flow(
        {
            "id": HOSTILE,
            "type": HOSTILE,
            "name": HOSTILE,
            "config": {"message": HOSTILE, "options": [{"text": HOSTILE}]},
        },
        node("b", HOSTILE, "missing"),
        global_actions={HOSTILE: {"keywords": [HOSTILE], "target": HOSTILE, "conditions": [HOSTILE]}},
        flows={HOSTILE: {"start_node": HOSTILE, "nodes": [node(HOSTILE)]}},
    )
    svg = draw(definition, title=HOSTILE, visits={HOSTILE: NodeVisits(entered=1, left_here=0)})
    svg.encode()
    picture = ElementTree.fromstring(svg)
    allowed = {"svg", "g", "rect", "path", "circle", "text", "title", "style", "a"}
    assert {element.tag.removeprefix(SVG) for element in picture.iter()} <= allowed
    assert not [name for element in picture.iter() for name in element.attrib if name.startswith("on")]
    assert all(link.attrib["href"].startswith("#node-") for link in picture.iter(f"{SVG}a"))
    assert "<script" not in svg
    assert "\u202e" not in svg


def test_nothing_is_fetched_from_elsewhere() -> None:
    svg = draw(DEMO, title="Demo").replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert not re.search(r"https?:|url\(|@import|<image|<use|<foreignObject", svg)


def test_links_lead_to_nodes_of_the_picture() -> None:
    picture = drawn(DEMO)
    named = {element.attrib["id"] for element in picture.iter() if "id" in element.attrib}
    links = [link.attrib["href"].removeprefix("#") for link in picture.iter(f"{SVG}a")]
    assert links
    assert named >= set(links)


def test_it_is_made_for_light_and_dark() -> None:
    assert "@media (prefers-color-scheme:dark)" in draw(DEMO)


def test_a_card_shows_what_its_node_is_and_says() -> None:
    shown = " ".join(texts(of_node(drawn(DEMO), "product_flow")))
    for expected in (
        "Product Categories",
        "quick reply · product_flow",
        "Which product category",
        "🚀 AI Tools",
    ):
        assert expected in shown


def test_the_legend_names_the_types_that_occur() -> None:
    shown = texts(drawn(DEMO))
    assert {"ai intent", "quick reply", "human handoff", "end"} <= set(shown)
    assert "http" not in shown


def test_global_actions_stand_beside_the_flow_and_at_their_targets() -> None:
    picture = drawn(DEMO)
    assert "human, agent, representative, speak to…" in texts(picture)
    assert "→ Pass on to a person · when business_hours" in texts(picture)
    assert "⚡ emergency" in texts(of_node(picture, "emergency_protocol"))
    assert "start" in texts(of_node(picture, "welcome"))
    assert "fallback" in texts(of_node(picture, "default_fallback"))


def test_what_cannot_be_reached_is_dimmed() -> None:
    picture = drawn(flow(node("a", "b"), node("b"), node("lost", "b")))
    assert [id for id in ids(picture) if "away" in of_node(picture, id).attrib["class"].split()] == ["lost"]


def test_a_way_to_a_node_that_is_not_there_is_told_in_the_card() -> None:
    assert "no node nowhere" in texts(of_node(drawn(flow(node("a", "nowhere"))), "a"))


def test_a_sub_flow_is_framed_with_its_callers() -> None:
    definition = flow(
        {"id": "a", "type": "call", "name": "Pay now", "config": {"flow": "pay"}},
        flows={
            "pay": {"start_node": "ask", "nodes": [node("ask")]},
            "idle": {"start_node": "x", "nodes": [node("x")]},
        },
    )
    picture = drawn(definition)
    assert [rect for rect in picture.iter(f"{SVG}rect") if rect.attrib["class"] == "frame"]
    assert {"pay", "called by Pay now", "idle", "called by nobody"} <= set(texts(picture))
    assert "→ ask" in texts(of_node(picture, "a"))


def positions(*points: tuple[float, float]) -> dict[str, Any]:
    return flow(*(node(f"n{number}", position={"x": x, "y": y}) for number, (x, y) in enumerate(points)))


def corners(definition: dict[str, Any]) -> list[tuple[float, float]]:
    return [each.corner for each in compose(definition).groups[0].nodes]


def test_positions_are_kept_where_there_is_room() -> None:
    assert corners(positions((100, 100), (500, 50), (900, -150))) == [(0, 250), (400, 200), (800, 0)]


def test_narrow_positions_are_stretched() -> None:
    assert corners(positions((0, 0), (200, 0))) == [(0, 0), (300, 0)]


@pytest.mark.parametrize(
    "points", [[(0, 0), (10, 10)], [(0, 0), (float("inf"), 0)], [(0, 0), (1e12, 0)], [(0, 0), (True, 500)]]
)
def test_positions_that_will_not_do_are_given_up(points: list[tuple[float, float]]) -> None:
    laid_out = flow(*({**each, "position": None} for each in positions(*points)["nodes"]))
    assert corners(positions(*points)) == corners(laid_out)


def test_visits_are_counted_at_each_node() -> None:
    visits = {"a": NodeVisits(entered=1200, left_here=300), "b": NodeVisits(entered=0, left_here=0)}
    picture = drawn(flow(node("a", "b", "c"), node("b"), node("c")), visits=visits)
    assert "1,200 · 25% left" in texts(of_node(picture, "a"))
    assert "0" in texts(of_node(picture, "b"))
    lines = [path.attrib["class"] for path in picture.iter(f"{SVG}path") if "line" in path.attrib["class"]]
    assert "line cold" in lines
    assert "25 to 50 %" in texts(picture)


def test_lines_grow_with_the_visits_that_may_have_gone_along_them() -> None:
    visits = {
        "a": NodeVisits(entered=100, left_here=0),
        "b": NodeVisits(entered=90, left_here=0),
        "c": NodeVisits(entered=10, left_here=0),
    }
    picture = drawn(flow(node("a", "b", "c"), node("b"), node("c")), visits=visits)
    widths = {
        path.findtext(f"{SVG}title"): path.attrib["style"]
        for path in picture.iter(f"{SVG}path")
        if path.find(f"{SVG}title") is not None
    }
    thick, thin = (float(widths[f"a → {id}: To {id}"].split(":")[1]) for id in ("b", "c"))
    assert thick > 2 * thin


@pytest.mark.parametrize(
    "draft",
    [
        {},
        {"nodes": []},
        {"nodes": "x", "flows": 3, "global_actions": [], "start_node": 7},
        {"nodes": [None, {"id": 5}, {"id": "a"}, {"id": "a", "type": ["x"], "config": 3, "connections": {}}]},
        {"nodes": [{"id": "a", "type": "set_variable", "config": {"variable": 3, "value": {"x": [1]}}}]},
        {
            "nodes": [{"id": "a"}],
            "flows": {"f": {"nodes": [{"id": "a"}]}, "g": None},
            "global_actions": {"x": {}},
        },
    ],
)
def test_a_draft_is_drawn_as_far_as_it_can_be_read(draft: dict[str, Any]) -> None:
    drawn(draft, title="Draft", visits={})


@given(st.text(max_size=60), st.floats(20, 400), st.sampled_from([10.0, 12.0, 14.0]))
def test_a_text_that_is_cut_fits(text: str, room: float, size: float) -> None:
    assert width(fit(text, room, size), size) <= room
    lines = wrap(text, room, size, 3)
    assert len(lines) <= 3
    assert all(width(line, size) <= max(room, 2 * size) for line in lines)
    ElementTree.fromstring(f"<a>{markup(text)}</a>")


def test_a_flow_of_two_thousand_nodes_is_drawn_in_three_seconds() -> None:
    nodes = [
        node(f"n{number}", *(f"n{(number * step + 1) % 2_000}" for step in (2, 3)), f"n{number // 40 * 40}")
        for number in range(2_000)
    ]
    svg = assert_within(3.0, lambda: draw(flow(*nodes)))
    assert svg.count("data-node=") == 2_000


def test_the_picture_in_the_readme_is_fresh() -> None:
    definition = json.loads((ROOT / "gateway/demo/flow.json").read_text())
    drawn = (ROOT / "docs/images/flow.svg").read_text(encoding="utf-8")
    assert drawn == draw(definition, title="flow"), "draw it again: gateway flow graph gateway/demo/flow.json"
