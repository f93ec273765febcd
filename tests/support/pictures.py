"""What tests of pictures and pages share: scenes of the cases, hostile names, parsed SVG."""

from __future__ import annotations

import dataclasses
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

from orchestrator.drawing import Layout, Scene, Selection, arrange, groups_of, scene_of
from orchestrator.model.plan import Plan
from orchestrator.model.state import State
from orchestrator.model.topology import Pool, PoolId, Protocol, Server, Site, Topology
from orchestrator.planner import make_plan
from orchestrator.planner.schedule import schedule
from orchestrator.shipped import catalogue
from support.cases import FOLDER, Case, load_case
from support.timetables import Draw, farm

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "a]]></style></svg><script>alert(2)</script>",
    "{{ 7*7 }}{% raw %}",
    "\u202eetfel\u202c\u2066",
    "😀 \u0627\u0644\u0642\u0627\u0647\u0631\u0629 東京",
    "nul\x00\x1b[31m\ud800",
    "&amp; javascript:alert(3) \\ %0a\n",
)


def case(name: str = "03-pair-one-capable") -> Case:
    """A case by its file name."""
    return load_case(FOLDER / f"{name}.yml")


def planned(found: Case) -> Plan:
    """Its plan."""
    return make_plan(found.topology, found.start, found.end, found.book, catalogue())


def picture(
    found: Case, state: State | None = None, selection: Selection | None = None
) -> tuple[Scene, Layout]:
    """Scene and layout of a state of a case for OWA."""
    drawn = groups_of(
        found.topology,
        [found.start],
        found.book,
        Protocol.OWA,
        selection or Selection(),
    )
    scene = scene_of(found.topology, state or found.start, found.book, drawn, catalogue())
    return scene, arrange(found.topology, drawn)


def timed_plan(seed: int = 1, pools: int = 4) -> tuple[Topology, Plan]:
    """A plan with windows, drawn at random."""
    drawn = farm(seed, Draw(pools=pools))
    return drawn.topology, schedule(drawn.topology, drawn.plan, drawn.calendar, drawn.policy)


def hostile(found: Case) -> Case:
    """The same case with names nobody would choose: of sites, servers, URLs and organisation."""
    sites = {
        name: f"{name} {HOSTILE[n % len(HOSTILE)]}" for n, name in enumerate(found.topology.sites)
    }
    servers = {
        name: f"{name} {HOSTILE[n % len(HOSTILE)]}" for n, name in enumerate(found.topology.servers)
    }

    def pool_id(old: PoolId) -> PoolId:
        return PoolId(sites[old.site], old.product_line)

    def pool(old: Pool) -> Pool:
        return dataclasses.replace(
            old,
            id=pool_id(old.id),
            servers=tuple(servers[name] for name in old.servers),
            redirect_url=old.redirect_url and f"https://x/{HOSTILE[1]}",
            hold=old.hold and HOSTILE[0],
        )

    def server(old: Server) -> Server:
        return dataclasses.replace(old, name=servers[old.name], pool=pool_id(old.pool))

    topology = dataclasses.replace(
        found.topology,
        organization=HOSTILE[0],
        sites={
            sites[s.name]: Site(sites[s.name], s.internet_facing, s.domain_controller)
            for s in found.topology.sites.values()
        },
        servers={servers[s.name]: server(s) for s in found.topology.servers.values()},
        pools={pool_id(p.id): pool(p) for p in found.topology.pools.values()},
        paths=tuple(
            path._replace(source=pool_id(path.source), target=pool_id(path.target))
            for path in found.topology.paths
        ),
    )

    def state(old: State) -> State:
        return State(
            {servers[name]: build for name, build in old.builds.items()},
            {
                (servers[name], protocol): f"https://x/{HOSTILE[2]}"
                for name, protocol in old.external_urls
            },
        )

    return dataclasses.replace(
        found, topology=topology, start=state(found.start), given_end=state(found.end)
    )


def parsed(svg: str) -> ElementTree.Element:
    """The picture as a tree; fails unless it is well-formed."""
    return ElementTree.fromstring(svg)  # noqa: S314 - what we made ourselves


def assert_inert(root: ElementTree.Element) -> None:
    """No element that runs or loads anything, whatever the names hold."""
    ids = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    assert len(ids) == len(set(ids))
    for element in root.iter():
        tag = element.tag.removeprefix(SVG)
        assert tag in {
            *("svg", "title", "style", "defs", "marker", "pattern", "path", "rect", "line"),
            *("g", "text"),
        }, tag
        for name, value in element.attrib.items():
            assert not name.startswith("on"), name
            assert name not in {"href", "src", "{http://www.w3.org/1999/xlink}href"}
            assert name == "fill" or "url(" not in value or name.startswith(("marker", "data-"))


class Page(HTMLParser):
    """What a page holds, as a browser would see it: elements, attributes, text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember it."""
        self.elements.append((tag, dict(attrs)))
        self.text += " " if tag in {"td", "th", "tr", "li", "p", "br", "span", "div"} else ""

    def handle_data(self, data: str) -> None:
        """Remember it."""
        if self.elements and self.elements[-1][0] != "style":
            self.text += data

    @property
    def words(self) -> str:
        """The text with single blanks."""
        return " ".join(self.text.split())

    def assert_inert(self) -> None:
        """Nothing runs, nothing is loaded, every id is there once, every link leads somewhere."""
        ids = [a["id"] for _, a in self.elements if "id" in a]
        assert len(ids) == len(set(ids))
        for tag, attributes in self.elements:
            assert tag not in {"script", "iframe", "object", "embed", "img", "link", "base", "form"}
            for name, value in attributes.items():
                assert not name.startswith("on"), (tag, name)
                assert name not in {"src", "srcset", "action", "style", "xlink:href"}, (tag, name)
                if name == "href":
                    assert value is not None
                    assert value.startswith("#")
                    assert value[1:] in ids
