"""Several sources and the library as one literature."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from literature_server import ALIKE, COUPLING, OLD, PREPRINT, SERVICES, WORKS, Clock, Fault, LiteratureServer, Work

from agent.literature import reference
from agent.literature.access import literature
from agent.literature.arxiv import Arxiv
from agent.literature.cache import Cache, Cached
from agent.literature.chain import NOT_CHECKED, Chain
from agent.literature.crossref import Crossref
from agent.literature.gate import Gate
from agent.literature.naming import keyed
from agent.literature.openalex import OpenAlex
from agent.literature.publication import Publication
from agent.literature.semantic_scholar import SemanticScholar
from agent.literature.shelf import Shelf
from agent.literature.source import Source
from papers.bibliography import KEY
from templates.template import Template

SHELF = """
@article{Mueller2021, author = {M{\\"u}ller, Ana and van der Berg, Jan},
  title = {Sparse Couplings of Large Distributions},
  journal = {Journal of Invented Results}, year = {2021}, doi = {10.5555/coupling.2021}}
@inproceedings{shelved2018, author = {Ida Shelf}, title = {A sparse library}, booktitle = {Books}, year = {2018}}
"""


@pytest.fixture
def server() -> Iterator[LiteratureServer]:
    with LiteratureServer(WORKS) as running:
        yield running


class Desk:
    """Makes chains over one cache, one set of gates and one clock."""

    def __init__(self, server: LiteratureServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.clock = Clock()
        self.told: list[str] = []

    def chain(self, *, offline: bool = False, bibtex: str = SHELF) -> Chain:
        cache = Cache(self.folder / "cache")
        sources = [Cached(name, cache, None if offline else make()) for name, make in self._makers().items()]
        shelf = Shelf(reference.publications(bibtex), None, self.folder / "cache" / "library")
        return Chain(sources, shelf, cache, self.told.append)

    def _makers(self) -> dict[str, Callable[[], Source]]:
        url = self.server.url
        return {
            "semantic_scholar": lambda: SemanticScholar(
                self._gate("Semantic Scholar"), base_url=url("semantic_scholar")
            ),
            "openalex": lambda: OpenAlex(self._gate("openalex"), base_url=url("openalex")),
            "arxiv": lambda: Arxiv(self._gate("arxiv"), base_url=url("arxiv")),
            "crossref": lambda: Crossref(self._gate("crossref"), base_url=url("crossref")),
        }

    def _gate(self, name: str) -> Gate:
        return Gate(name, self.folder / "gates", 0.0, self.clock, self.clock.sleep)


@pytest.fixture
def desk(server: LiteratureServer, tmp_path: Path) -> Desk:
    return Desk(server, tmp_path)


def titles(found: tuple[Publication, ...]) -> list[str]:
    return [each.title for each in found]


def test_one_source_is_enough_when_it_has_enough(desk: Desk) -> None:
    assert len(desk.chain().search("sparse couplings entropy", 3)) == 3
    assert [asked.service for asked in desk.server.asked] == ["semantic_scholar"]
    assert desk.told == []


def test_what_one_source_lacks_the_next_is_asked_for(desk: Desk) -> None:
    found = desk.chain().search("method of moments", 5)
    assert OLD.title in titles(found)
    assert desk.server.count("semantic_scholar") == desk.server.count("openalex") == 1


def test_a_work_that_several_sources_have_comes_once_and_at_its_fullest(
    server: LiteratureServer, tmp_path: Path
) -> None:
    thin = replace(COUPLING, abstract="", venue="", arxiv="", known=("semantic_scholar",))
    full = replace(COUPLING, known=("arxiv",), doi="")
    other = replace(
        COUPLING, title="Sparse couplings of large distributions!", known=("crossref",), doi="10.5555/OTHER"
    )
    server.works = (thin, full, other)
    found = Desk(server, tmp_path).chain(bibtex="").search("sparse couplings", 10)
    assert len(found) == 1
    assert (found[0].doi, found[0].arxiv, found[0].abstract) != ("", "", "")
    assert found[0].arxiv == COUPLING.arxiv
    assert found[0].doi
    assert found[0].abstract == COUPLING.abstract


def test_two_works_with_one_title_and_different_authors_are_two(server: LiteratureServer, tmp_path: Path) -> None:
    twin = replace(ALIKE, authors=(("Someone", "Else"),), doi="10.5555/twin")
    server.works = (ALIKE, twin)
    assert len(Desk(server, tmp_path).chain(bibtex="").search("sparse methods revisited", 10)) == 2


def test_the_library_always_joins_and_its_keys_are_the_templates(desk: Desk) -> None:
    found = {each.title: each for each in desk.chain().search("sparse couplings library", 10)}
    assert found["A sparse library"].key == "shelved2018"
    assert found["A sparse library"].source == "library"
    assert found[COUPLING.title].key == "Mueller2021"
    assert found[COUPLING.title].abstract == COUPLING.abstract


def test_keys_are_unique_and_can_be_cited_by(desk: Desk) -> None:
    found = desk.chain().search("sparse revisited methods models", 10)
    keys = [each.key for each in found]
    assert {"muller2021sparse", "muller2021sparseb"} <= set(keys)
    assert len({key.lower() for key in keys}) == len(keys)
    assert all(KEY.fullmatch(key) for key in keys)


def test_keys_of_joined_searches_can_be_made_unique_again_and_stay_what_they_were(desk: Desk) -> None:
    chain = desk.chain()
    first, second = chain.search("sparse revisited", 10), chain.search("sparse couplings library", 10)
    unique = {each.id: each for each in (*first, *second)}
    again = keyed(unique.values())
    assert len({each.key.lower() for each in again}) == len(again)
    assert keyed(again) == again
    assert "Mueller2021" in {each.key for each in again}


def test_a_source_that_is_out_is_passed_over_and_said_so_once(desk: Desk) -> None:
    desk.server.fail("semantic_scholar", Fault(status=429, headers=(("Retry-After", "3600"),)))
    chain = desk.chain()
    assert COUPLING.title in titles(chain.search("sparse couplings", 3))
    assert COUPLING.title in titles(chain.search("large distributions", 1))
    assert desk.server.count("semantic_scholar") == 1
    assert len(desk.told) == 1
    assert re.fullmatch(
        r"Semantic Scholar is out until 2027-01-15 13:00 UTC: it asked to wait 3600 s, it answered 429; a key .*\.",
        desk.told[0],
    )


def test_the_library_answers_when_every_source_is_out(desk: Desk) -> None:
    for service in SERVICES:
        desk.server.break_down(service)
    found = desk.chain().search("sparse library", 5)
    assert "A sparse library" in titles(found)
    assert {each.source for each in found} == {"library"}
    assert len(desk.told) == len(SERVICES)


def test_what_is_asked_again_is_not_asked_again(desk: Desk) -> None:
    first = desk.chain().search("Sparse   couplings", 5)
    asked = len(desk.server.asked)
    assert desk.chain().search("sparse COUPLINGS", 5) == first
    assert len(desk.server.asked) == asked


def test_offline_gives_from_the_cache_what_was_found_bit_for_bit(desk: Desk) -> None:
    desk.server.fail("semantic_scholar", Fault(status=429, headers=(("Retry-After", "3600"),)))
    online = desk.chain()
    found = online.search("sparse couplings entropy moments", 10)
    said = [online.resolve(each) for each in found]
    asked = len(desk.server.asked)
    offline = desk.chain(offline=True)
    again = offline.search("sparse couplings entropy moments", 10)
    assert [each.model_dump_json() for each in again] == [each.model_dump_json() for each in found]
    assert [offline.resolve(each) for each in again] == said
    assert len(desk.server.asked) == asked


def test_offline_says_of_an_invention_what_was_said_of_it(desk: Desk) -> None:
    found = desk.chain(bibtex="").search("sparse couplings", 1)[0]
    invented = found.model_copy(update={"id": "arxiv:9901.00001", "arxiv": ""})
    said = desk.chain().resolve(invented)
    assert said.startswith("arxiv:9901.00001 is on no source's record")
    assert desk.chain(offline=True).resolve(invented) == said


def test_each_sources_own_record_is_enough_to_answer_offline(desk: Desk) -> None:
    found = desk.chain().search("sparse couplings", 10)
    for file in (desk.folder / "cache" / "joined").iterdir():
        file.unlink()
    assert desk.chain(offline=True).search("sparse couplings", 10) == found


def test_offline_with_nothing_on_record_answers_from_the_library(desk: Desk) -> None:
    found = desk.chain(offline=True).search("sparse library", 5)
    assert {each.source for each in found} == {"library"}
    assert desk.server.asked == []
    assert desk.told == ["Offline: no source of literature is asked; the record and the library answer."]


def test_an_outage_of_all_is_not_remembered_as_an_answer(desk: Desk) -> None:
    for service in SERVICES:
        desk.server.break_down(service)
    desk.chain().search("sparse couplings", 5)
    for service in SERVICES:
        desk.server.mend(service)
    desk.clock.now += 3600
    assert COUPLING.abstract in {each.abstract for each in desk.chain().search("sparse couplings", 5)}


def test_a_damaged_record_is_set_aside_and_asked_for_again(desk: Desk) -> None:
    found = desk.chain().search("sparse couplings", 3)
    files = list((desk.folder / "cache").rglob("*.json"))
    for file in files:
        file.write_bytes(file.read_bytes()[:40])
    assert desk.chain().search("sparse couplings", 3) == found
    assert desk.server.count("semantic_scholar") == 2
    assert {path.with_suffix(".damaged").exists() for path in files} == {True}


def test_a_record_that_agrees_resolves(desk: Desk) -> None:
    chain = desk.chain()
    for found in chain.search("sparse couplings entropy moments library", 10):
        assert chain.resolve(found) == ""


def test_a_record_is_looked_up_anew_when_it_is_resolved(desk: Desk) -> None:
    chain = desk.chain(bibtex="")
    found = chain.search("sparse couplings", 1)[0]
    desk.server.works = (replace(COUPLING, title="A retracted paper about something else entirely"),)
    said = chain.resolve(found)
    assert "its title is “A retracted paper about something else entirely”, not “Sparse Couplings" in said
    assert said.startswith("doi:10.5555/coupling.2021 at semantic_scholar: ")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"title": "Dense couplings of small distributions"}, "its title is “Sparse Couplings of Large Distributions”"),
        ({"authors": ("Ana Mustermann",)}, "its first author is Ana Müller, not Ana Mustermann"),
        ({"year": 2018}, "its year is 2021, not 2018"),
        ({"year": 2020}, ""),
        ({"title": "Sparse couplings of large distributions."}, ""),
        ({"authors": ("Muller, A.", "Somebody Else")}, ""),
        ({"authors": ("MÜLLER Ana",)}, ""),
    ],
)
def test_title_first_author_and_year_must_agree(desk: Desk, changed: dict[str, object], said: str) -> None:
    chain = desk.chain(bibtex="")
    found = chain.search("sparse couplings", 1)[0].model_copy(update=changed)
    answer = chain.resolve(found)
    assert said in answer
    assert bool(answer) == bool(said)


def test_an_invented_record_does_not_resolve(desk: Desk) -> None:
    invented = (
        desk.chain(bibtex="")
        .search("sparse couplings", 1)[0]
        .model_copy(update={"id": "doi:10.5555/invented", "doi": "10.5555/invented", "arxiv": ""})
    )
    assert "is on no source's record" in desk.chain().resolve(invented)


def test_another_source_that_knows_the_id_can_be_asked(desk: Desk) -> None:
    chain = desk.chain(bibtex="")
    found = chain.search("sparse couplings", 1)[0]
    desk.server.break_down("semantic_scholar")
    assert chain.resolve(found) == ""
    assert desk.server.count("openalex") == 1


def test_what_nobody_could_be_asked_about_is_not_checked_and_says_why(desk: Desk) -> None:
    chain = desk.chain(bibtex="")
    found = chain.search("sparse couplings", 1)[0]
    for service in SERVICES:
        desk.server.break_down(service)
    said = chain.resolve(found)
    assert said.startswith(NOT_CHECKED)
    assert "Semantic Scholar is out until" in said
    for service in SERVICES:
        desk.server.mend(service)
    desk.clock.now += 3600
    assert desk.chain().resolve(found) == ""


def test_a_source_without_the_record_does_not_speak_for_one_that_is_out(desk: Desk) -> None:
    chain = desk.chain(bibtex="")
    found = chain.search("entropy preprint bounds", 1)[0]
    assert found.id == f"arxiv:{PREPRINT.arxiv}"
    desk.server.works = tuple(replace(work, known=("semantic_scholar",)) for work in WORKS)
    desk.server.break_down("semantic_scholar")
    assert chain.resolve(found).startswith(NOT_CHECKED)


def test_a_library_record_resolves_against_the_library(desk: Desk) -> None:
    chain = desk.chain()
    held = next(each for each in chain.search("sparse library", 10) if each.source == "library")
    assert chain.resolve(held) == ""
    assert "its year is 2018, not 1999" in chain.resolve(held.model_copy(update={"year": 1999}))
    assert "is not in the library" in desk.chain(bibtex="").resolve(held)


def test_threads_may_search_at_once(desk: Desk) -> None:
    chain = desk.chain()
    found: list[tuple[Publication, ...]] = []
    threads = [threading.Thread(target=lambda: found.append(chain.search("sparse couplings", 5))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len(set(found)) == 1


def test_a_campaign_offline_has_its_templates_references(toy: Template, tmp_path: Path) -> None:
    told: list[str] = []
    found = literature(
        [toy], tmp_path / "cache", papers=None, offline=True, keys=lambda _: None, report=told.append
    ).search("stochastic approximation")
    assert [each.key for each in found] == ["robbins1951", "polyak1992"]
    assert found[0].authors == ("Herbert Robbins", "Sutton Monro")


def test_a_query_of_signs_alone_asks_nobody(desk: Desk) -> None:
    assert desk.chain().search("?!* -- ()", 5) == ()
    assert desk.server.asked == []


def test_operators_in_a_query_reach_no_service(desk: Desk) -> None:
    desk.chain().search('"sparse" AND (couplings* | -entropy) well-known', 5)
    assert desk.server.asked[0].query["query"] == ["sparse and couplings entropy well known"]


def test_nothing_is_asked_or_written_before_the_first_search(toy: Template, tmp_path: Path) -> None:
    literature(
        [toy], tmp_path / "cache", papers=tmp_path / "none", offline=False, keys=lambda _: None, report=print,
        gates=tmp_path / "gates",
    )  # fmt: skip
    assert not (tmp_path / "cache").exists()
    assert not (tmp_path / "gates").exists()


def test_a_work_of_no_source_is_an_invention(desk: Desk) -> None:
    chain = desk.chain(bibtex="")
    desk.server.works = (Work(title="Sparse", authors=(("A", "B"),), year=2020, doi="10.5555/one"),)
    found = chain.search("sparse", 1)[0]
    desk.server.works = ()
    assert "is on no source's record" in chain.resolve(found)
