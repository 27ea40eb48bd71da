from __future__ import annotations

from literature_server import COUPLING

from agent.literature import reference
from agent.literature.publication import Publication
from agent.literature.record import record
from papers import bibliography


def made(**fields: object) -> Publication:
    given: dict[str, object] = {
        "title": COUPLING.title,
        "authors": ("Ana Müller", "Jan van der Berg"),
        "year": 2021,
        "venue": "Journal of Invented Results",
        "doi": COUPLING.doi,
        "kind": "article",
        **fields,
    }
    publication = record("crossref", "x", **given)  # type: ignore[arg-type]
    assert publication is not None
    return publication


def test_a_record_becomes_an_entry_that_can_be_cited() -> None:
    entry = reference.entry(made())
    assert bibliography.lacks(entry) == ()
    assert bibliography.oddities(entry) == ()
    written = bibliography.write([entry])
    assert written.startswith("@article{muller2021sparse,")
    assert "journal = {Journal of Invented Results}" in written
    assert "doi = {10.5555/coupling.2021}" in written


def test_an_entry_read_again_is_the_same_publication() -> None:
    publication = made()
    again = reference.publications(bibliography.write([reference.entry(publication)]))[0]
    compared = {"title", "authors", "year", "venue", "doi", "kind", "key", "id"}
    assert again.model_dump(include=compared) == publication.model_dump(include=compared)


def test_hostile_fields_stay_text() -> None:
    hostile = made(
        title=r"} @article{x, \input{/etc/passwd} $\write18{rm}$ 100% {",
        authors=(r"Evil \and Twin", "Sonder and Sons", "A}B{C", "王伟"),
        venue="\\csname}",
    )
    written = bibliography.write([reference.entry(hostile)])
    assert written.startswith("@article{twin2021article,")
    assert "\\input" not in written
    assert "\\write" not in written
    assert "\\csname" not in written
    assert len(bibliography.read(written)) == 1
    assert (
        bibliography.read(written)[0].fields["author"].startswith("{Evil and Twin} and {Sonder and Sons} and ABC and ")
    )


def test_an_author_list_of_a_collaboration_is_cut_with_others() -> None:
    entry = reference.entry(made(authors=tuple(f"Author Number{n}" for n in range(150))))
    assert entry.fields["author"].endswith(" and others")
    assert entry.fields["author"].count(" and ") == 25


def test_a_preprint_is_cited_by_its_number() -> None:
    preprint = made(venue="", doi="", arxiv="2101.01234v3", kind="article")
    written = bibliography.write([reference.entry(preprint)])
    assert "arXiv preprint arXiv:2101.01234" in written
    assert written.startswith("@misc{")


def test_what_a_record_lacks_its_entry_lacks() -> None:
    assert bibliography.lacks(reference.entry(made(year=None, authors=()))) == ("author", "year")


def test_tex_in_a_bibliography_is_read_as_letters() -> None:
    bibtex = r"""@inproceedings{key, title = {Communicating via {Markov} Decision Processes \& more},
      author = {M{\"u}ller, J{\o}rgen and Erd{\H{o}}s, Paul}, year = 2022, eprint = {2107.08295}}"""
    found = reference.publications(bibtex)[0]
    assert found.title == "Communicating via Markov Decision Processes & more"
    assert found.authors == ("Müller, Jørgen", "Erdős, Paul")
    assert (found.id, found.key, found.year) == ("arxiv:2107.08295", "key", 2022)
