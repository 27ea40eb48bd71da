from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pydantic
import pytest

from agent.endpoint import Endpoint
from agent.llms import doors, names
from agent.llms.anthropic import AnthropicDoor
from agent.llms.litellm import LiteLLMDoor
from agent.llms.local import LocalDoor
from agent.llms.openai import OpenAIDoor

ROOT = Path(__file__).parents[2]
HEAVY = {"anthropic", "litellm", "openai", "torch", "transformers", "langgraph", "semanticscholar"}


@pytest.mark.parametrize(
    ("name", "base_url", "kind"),
    [
        ("openai/gpt-5", "", OpenAIDoor),
        ("anthropic/claude-opus-4-5", "", AnthropicDoor),
        ("anthropic/claude-opus-4-5", "http://127.0.0.1:9", AnthropicDoor),
        ("ollama/qwen3", "", OpenAIDoor),
        ("vllm/meta-llama/Llama-3.1-8B", "", OpenAIDoor),
        ("gemini/gemini-2.5-pro", "", LiteLLMDoor),
        ("openrouter/deepseek/deepseek-chat", "", LiteLLMDoor),
        ("openrouter/deepseek/deepseek-chat", "https://openrouter.ai/api/v1", OpenAIDoor),
        ("local:/weights", "", LocalDoor),
        ("local/weights", "", LocalDoor),
    ],
)
def test_a_name_leads_to_its_door(name: str, base_url: str, kind: type) -> None:
    door = doors.door(name, Endpoint(base_url=base_url), "sk-anything")
    assert type(door) is kind
    assert door.name == name


@pytest.mark.parametrize("name", ["gpt-5", "", "/gpt-5", "openai/"])
def test_what_is_no_name_is_answered_with_how_names_are_written(name: str) -> None:
    with pytest.raises(ValueError, match=r"write provider/model, e\.g\. openai/gpt-5"):
        doors.door(name, Endpoint(), None)


@pytest.mark.parametrize(
    ("name", "endpoint", "variable"),
    [
        ("openai/gpt-5", Endpoint(), "OPENAI_API_KEY"),
        ("anthropic/claude-opus-4-5", Endpoint(), "ANTHROPIC_API_KEY"),
        ("gemini/gemini-2.5-pro", Endpoint(), "GEMINI_API_KEY"),
        ("openrouter/deepseek/deepseek-chat", Endpoint(), "OPENROUTER_API_KEY"),
        ("deepseek/deepseek-chat", Endpoint(base_url="https://api.deepseek.com/v1"), "DEEPSEEK_API_KEY"),
        ("my-lab/tiny", Endpoint(base_url="https://llm.example.org/v1"), "MY_LAB_API_KEY"),
        ("openai/tiny", Endpoint(base_url="http://localhost:8000/v1"), ""),
        ("openai/tiny", Endpoint(base_url="http://localhost:8000/v1", key="LAB_KEY"), "LAB_KEY"),
        ("ollama/qwen3", Endpoint(), ""),
        ("vllm/tiny", Endpoint(base_url="https://gpu.example.org/v1"), ""),
        ("local:/weights", Endpoint(), ""),
        ("bedrock/anthropic.claude", Endpoint(), ""),
    ],
)
def test_each_language_model_has_its_key_variable_and_servers_of_ones_own_have_none(
    name: str, endpoint: Endpoint, variable: str
) -> None:
    assert doors.key_variable(name, endpoint) == variable


def test_the_usual_local_servers_are_found_where_they_listen() -> None:
    assert names.base_url("ollama/qwen3", Endpoint()) == "http://127.0.0.1:11434/v1"
    assert names.base_url("ollama/qwen3", Endpoint(base_url="http://gpu:11434/v1")) == "http://gpu:11434/v1"
    assert names.model("vllm/meta-llama/Llama-3.1-8B") == "meta-llama/Llama-3.1-8B"


def test_a_library_that_is_not_installed_is_answered_with_the_command_that_installs_it(tmp_path: Path) -> None:
    for library in ("annotated_types", "pydantic", "pydantic_core", "typing_extensions.py", "typing_inspection"):
        (tmp_path / library).symlink_to(Path(pydantic.__file__).parents[1] / library)
    script = (
        "from agent.endpoint import Endpoint\n"
        "from agent.llms import doors\n"
        "print(doors.lacking('gemini/pro', Endpoint()), doors.lacking('local:/w', Endpoint()))\n"
        "doors.door('ollama/qwen3', Endpoint(), None)\n"
    )
    run = subprocess.run(
        [sys.executable, "-S", "-c", script],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": f"{tmp_path}:{ROOT}"},
        check=False,
    )
    assert run.stdout == "Run: pip install 'ratchet-lab[litellm]' Run: pip install 'ratchet-lab[local]'\n"
    assert "MissingExtraError: ollama/qwen3" in run.stderr
    assert "pip install 'ratchet-lab[llm]'" in run.stderr


def modules() -> list[str]:
    """Name every module of the agent but the doors themselves."""
    doors_of_theirs = {"agent.llms.anthropic", "agent.llms.litellm", "agent.llms.openai"}
    files = (ROOT / "agent").rglob("*.py")
    found = (".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for file in files)
    return sorted(set(found) - doors_of_theirs)


@pytest.mark.parametrize("imported", [["agent.cli"], modules()], ids=["the command line", "all but the doors"])
def test_no_providers_library_is_imported_before_it_is_used(imported: list[str]) -> None:
    heavy = HEAVY if imported == ["agent.cli"] else HEAVY - {"langgraph"}
    script = (
        f"import importlib, sys\nfor name in {imported!r}: importlib.import_module(name)\n"
        f"print(sorted({heavy!r} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False)
    assert run.stdout == "[]\n", run.stderr
