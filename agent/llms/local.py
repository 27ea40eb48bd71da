"""The door to weights in a folder: a language model that runs in this process, through transformers."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from agent.endpoint import Endpoint
from agent.llm import Finish, LLMError, Reply, Request, TooLongError, UnknownLLMError, Usage
from agent.llms import asking, chat, layout
from agent.llms.door import Feature, Features

SWITCHES = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
"""Of the environment, set before transformers is imported: nothing is fetched and nothing told."""
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")
END_OF_THOUGHTS = "</think>"


class Weights(NamedTuple):
    """What was loaded from a folder, in types that transformers leaves open."""

    tokenizer: Any
    network: Any
    window: int | None
    """Tokens of question and answer together; None where there is no end."""
    stops: tuple[int, ...]
    """Tokens that end an answer."""


class LocalDoor:
    """Answers one request at a time, the same request the same way.

    Without a temperature, or at 0, it takes the likeliest token; otherwise it draws, from a seed that is the request's
    digest. The folder's own code is never run, and weights are read as safetensors alone, since a pickle can run any.
    """

    def __init__(self, name: str, folder: Path, endpoint: Endpoint = Endpoint()) -> None:  # noqa: B008 (frozen)
        self.name = name
        self._folder = folder.expanduser()
        self._endpoint = endpoint
        self._lock = threading.Lock()
        self._weights: Weights | None = None

    def uses(self, request: Request, without: Features) -> frozenset[Feature]:
        """Say which features are sent: a layout may know no system, or want a user's word at the end."""
        system = {Feature.system} if asking.system(request) else set()
        opening = {Feature.prefill} if asking.opening(request) else set()
        return frozenset((system | opening) - without)

    def complete(self, request: Request, without: Features = frozenset()) -> Reply:
        """Answer.

        Raises `UnknownLLMError` for a folder that cannot be used, `TooLongError` for a request that does not fit,
        `RejectedError` for one that the weights' layout does not take, and `LLMError` when memory runs out.
        """
        with self._lock:
            weights = self._weights = self._weights or load(self.name, stock(self._folder), self._endpoint)
            question = encode(weights, self.name, request, self.uses(request, without))
            return self._reply(weights, request, question)

    def _reply(self, weights: Weights, request: Request, question: Any) -> Reply:  # noqa: ANN401 (a tensor)
        asked = question.shape[1]
        plan = self._plan(weights, request, asked)
        with seeded(self.name, request):
            whole = weights.network.generate(
                question, attention_mask=question.new_ones(question.shape), generation_config=plan
            )
        said = spoken(weights, whole[0, asked:].tolist())
        text = asking.continued(request, said.text)
        usage = Usage(input_tokens=asked, output_tokens=said.tokens, reasoning_tokens=said.thoughts)
        return Reply(text=text, finish=finish(text, ended=said.ended), usage=usage, served=self._folder.name)

    def _plan(self, weights: Weights, request: Request, asked: int) -> Any:  # noqa: ANN401 (of transformers)
        """Plan the answer's length and how tokens are chosen; raises `TooLongError` when no room is left for one."""
        window = weights.window
        if window is not None and asked >= window:
            raise TooLongError(
                f"{self.name}: the request has {asked:,} tokens, and the context window of the weights has {window:,}. "
                f"Choose a language model with a longer context window."
            )
        wanted = asking.longest(request, self._endpoint)
        temperature = asking.temperature(request, self._endpoint)
        drawn = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0} if temperature else {}
        return library().GenerationConfig(
            max_new_tokens=wanted if window is None else min(wanted, window - asked),
            eos_token_id=list(weights.stops) or None,
            pad_token_id=weights.stops[0] if weights.stops else 0,
            **drawn,
        )


def library() -> Any:  # noqa: ANN401 (its own types are partial)
    """Import transformers, offline and silent."""
    os.environ.update(SWITCHES)
    import torch
    import transformers

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or 1))
    return transformers


class Stock(NamedTuple):
    """A folder of weights as it is now: once a file in it is written anew, it is another one."""

    folder: Path
    written: tuple[tuple[str, int], ...]
    """Each file, and when."""


def stock(folder: Path) -> Stock:
    files = (path for path in folder.glob("*") if path.is_file())
    return Stock(folder, tuple(sorted((path.name, path.stat().st_mtime_ns) for path in files)))


@cache
def load(name: str, found: Stock, endpoint: Endpoint) -> Weights:
    """Load tokenizer and weights from a folder and nowhere else, once in a process; raises `UnknownLLMError`."""
    folder = found.folder
    refuse_unusable(name, folder)
    transformers = library()
    import torch
    from safetensors import SafetensorError

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    own = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **own)
        network = transformers.AutoModelForCausalLM.from_pretrained(folder, use_safetensors=True, dtype="auto", **own)
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
        raise UnknownLLMError(
            f"{name}: the weights in {folder} cannot be loaded: {layout.first_line(error)}"
        ) from error
    network = network.to("cuda" if torch.cuda.is_available() else "cpu").eval()
    return Weights(tokenizer, network, window(network, endpoint), stops(tokenizer, network))


def refuse_unusable(name: str, folder: Path) -> None:
    """Say what is wrong with a folder before anything in it is opened; raises `UnknownLLMError`."""
    if not folder.is_dir():
        raise UnknownLLMError(f"{name}: there is no folder {folder}. Name the one that holds config.json.")
    if not (folder / "config.json").is_file():
        raise UnknownLLMError(
            f"{name}: {folder} holds no language model, as it has no config.json. Name the folder that "
            f"save_pretrained, or a download of the whole repository, made."
        )
    if any(folder.glob("*.safetensors")):
        return
    pickles = sorted(path.name for pattern in PICKLES for path in folder.glob(pattern))
    if pickles:
        raise UnknownLLMError(
            f"{name}: the weights in {folder} are pickled ({', '.join(pickles[:3])}), and reading a pickle can run any "
            f"code. Get them as safetensors, or, where you trust their origin, load them with transformers elsewhere "
            f"and write them with save_pretrained(FOLDER, safe_serialization=True)."
        )
    raise UnknownLLMError(f"{name}: {folder} has a config.json and no weights (*.safetensors). Put them there.")


def window(network: Any, endpoint: Endpoint) -> int | None:  # noqa: ANN401
    """Give the context window: the endpoint's where it is the smaller one, for memory that does not last for more."""
    known = (getattr(network.config.get_text_config(), "max_position_embeddings", None), endpoint.context_tokens)
    return min((each for each in known if each), default=None)


def stops(tokenizer: Any, network: Any) -> tuple[int, ...]:  # noqa: ANN401
    """List the tokens that end an answer: the tokenizer's and the weights' own, which may be several."""
    said = network.generation_config.eos_token_id
    listed = said if isinstance(said, list) else [said]
    return tuple(dict.fromkeys(each for each in (tokenizer.eos_token_id, *listed) if each is not None))


def encode(weights: Weights, name: str, request: Request, used: Features) -> Any:  # noqa: ANN401 (a tensor)
    """Lay the request out and count it in tokens: `[1, tokens]`."""
    tokenizer = weights.tokenizer
    text = layout.text(tokenizer, name, chat.messages(request, used), going_on=Feature.prefill in used)
    # A layout that came with the weights brings the special tokens itself.
    encoded = tokenizer(text, add_special_tokens=not tokenizer.chat_template, return_tensors="pt")
    return encoded.input_ids.to(weights.network.device)


@contextmanager
def seeded(name: str, request: Request) -> Iterator[None]:
    """Generate from the request's own seed, and leave everybody else's random numbers as they were."""
    import torch

    with torch.random.fork_rng(), torch.inference_mode():
        torch.manual_seed(int(request.digest[:15], 16))
        try:
            yield
        except torch.OutOfMemoryError as error:
            raise LLMError(
                f"{name} ran out of GPU memory on a request of {len(request.text):,} characters. Use smaller weights, "
                f"or lower its context window with --context."
            ) from error


class Spoken(NamedTuple):
    """What an answer's tokens say."""

    text: str
    tokens: int
    thoughts: int
    """How many of the tokens came before the answer proper."""
    ended: bool


def spoken(weights: Weights, answer: list[int]) -> Spoken:
    """Read an answer; where the weights have no layout of their own, it ends where the next speaker begins."""
    text = str(weights.tokenizer.decode(answer, skip_special_tokens=True))
    ended = bool(answer) and answer[-1] in weights.stops
    if not weights.tokenizer.chat_template:
        text, found, _ = text.partition(layout.NEXT)
        ended = ended or bool(found)
    thoughts, found, said = text.rpartition(END_OF_THOUGHTS)
    if not found:
        thinking = text.lstrip().startswith("<think>")
        return Spoken("" if thinking else text, len(answer), len(answer) if thinking else 0, ended)
    thought = len(weights.tokenizer(thoughts + found, add_special_tokens=False).input_ids)
    return Spoken(said.lstrip(), len(answer), min(thought, len(answer)), ended)


def finish(text: str, *, ended: bool) -> Finish:
    if not ended:
        return Finish.truncated
    return Finish.finished if text.strip() else Finish.empty
