"""Names of language models, `provider/model`, and what they say about where one is asked and with which key."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from agent.endpoint import Endpoint

SERVERS = {
    "llamacpp": "http://127.0.0.1:8080/v1",
    "lmstudio": "http://127.0.0.1:1234/v1",
    "ollama": "http://127.0.0.1:11434/v1",
    "vllm": "http://127.0.0.1:8000/v1",
}
"""Where the usual local servers listen when nobody says otherwise; they need no key."""
STARTS = {
    "llamacpp": "llama-server -m WEIGHTS.gguf",
    "lmstudio": "lms server start",
    "ollama": "ollama serve",
    "vllm": "vllm serve MODEL",
}
LOCAL = re.compile(r"local[:/]")
"""Weights in a folder, run in this process."""
VARIABLES = {
    "bedrock": "",
    "sagemaker": "",
    "together_ai": "TOGETHERAI_API_KEY",
    "vertex_ai": "",
}
"""Where it is not `<PROVIDER>_API_KEY`; empty where a cloud's own credentials are used."""


def provider(name: str) -> str:
    """Give what stands before the first slash; raises `ValueError` for what is no name of a language model."""
    if LOCAL.match(name):
        return "local"
    before, _, after = name.partition("/")
    if not before or not after:
        raise ValueError(
            f"{name!r} names no language model: write provider/model, e.g. openai/gpt-5, anthropic/claude-opus-4-5, "
            f"ollama/qwen3, or local:FOLDER for weights on this machine."
        )
    return before


def model(name: str) -> str:
    """Give what the provider calls it."""
    return name.removeprefix(f"{provider(name)}/")


def base_url(name: str, endpoint: Endpoint) -> str:
    """Give the server's address; empty for the provider's own."""
    return endpoint.base_url or SERVERS.get(provider(name), "")


def on_loopback(url: str) -> bool:
    return (urlsplit(url).hostname or "") in {"localhost", "127.0.0.1", "::1"}


def key_variable(name: str, endpoint: Endpoint) -> str:
    """Name the environment variable or key-file entry that holds the key; empty where none is needed.

    A server of one's own is sent no provider's key, unless the endpoint names one.
    """
    said = provider(name)
    if endpoint.key or said in {"local", *SERVERS} or on_loopback(base_url(name, endpoint)):
        return endpoint.key
    return VARIABLES.get(said, f"{re.sub(r'[^A-Z0-9]', '_', said.upper())}_API_KEY")
