from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from llm_server import Answer, LLMServer

from templates import scaffold, template
from templates.template import Template


@pytest.fixture
def toy(tmp_path: Path) -> Template:
    """The template that `ratchet template new` makes."""
    return template.load(scaffold.new("toy", tmp_path / "templates"))


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], LLMServer]]:
    """Start servers that answer as they are told; all are closed when the test ends."""
    with ExitStack() as open_servers:
        yield lambda answer: open_servers.enter_context(LLMServer(answer))
