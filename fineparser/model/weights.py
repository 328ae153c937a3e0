"""Weights on disk: model.safetensors and config.json in one folder, or in a Hugging Face repository."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from fineparser.model.config import FineParserConfig

WEIGHTS_FILE = "model.safetensors"
CONFIG_FILE = "config.json"


class CheckpointError(ValueError):
    """A checkpoint is missing, broken or of another layout."""


@dataclass(frozen=True)
class Provenance:
    """Where weights come from: reports name it, so that a score is never mistaken for more than it is."""

    name: str = "untrained"
    """What the weights are called."""
    trained_on: tuple[str, ...] = ()
    """Sources that they learnt from, such as "SynDive"; empty for weights that have learnt nothing."""

    @property
    def trained(self) -> bool:
        """Whether they have learnt from anything."""
        return bool(self.trained_on)


def save_pretrained(model: nn.Module, folder: str | Path, half: bool = False) -> None:
    """Writes a network's weights, configuration and provenance; each file is whole or not there.

    Args:
        model: a `FineParser`.
        folder: made where absent.
        half: store floating point weights in 16 bits, half the size on disk.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    if half:
        state = {name: t.half() if t.is_floating_point() else t for name, t in state.items()}
    contents = {"architecture": model.config.to_json(), "weights": asdict(model.provenance)}
    text = json.dumps(contents, indent=2) + "\n"
    _replace(folder / WEIGHTS_FILE, lambda path: save_file(state, path, metadata={"format": "pt"}))
    _replace(folder / CONFIG_FILE, lambda path: path.write_text(text))


def _replace(target: Path, write) -> None:
    part = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        write(part)
        part.chmod(0o644)  # safetensors makes files that only their owner reads
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


def load_pretrained(
    source: str | Path, revision: str | None = None
) -> tuple[FineParserConfig, Provenance, dict[str, Tensor]]:
    """Configuration, provenance and 32-bit weights of a checkpoint.

    Args:
        source: a folder, or the id of a Hugging Face repository ("name/model").
        revision: branch, tag or commit of the repository; pin one.

    Raises:
        CheckpointError: where a file is missing or broken.
    """
    folder = Path(source)
    if not folder.is_dir():
        folder = _download(str(source), revision)
    paths = [folder / CONFIG_FILE, folder / WEIGHTS_FILE]
    if absent := [path.name for path in paths if not path.is_file()]:
        raise CheckpointError(f"{folder} holds no {' and no '.join(absent)}; a checkpoint folder needs both")
    try:
        contents = json.loads(paths[0].read_text())
        config = FineParserConfig.from_json(contents["architecture"])
        weights = contents.get("weights", {})
        provenance = Provenance(weights.get("name", folder.name), tuple(weights.get("trained_on", ())))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{paths[0]} is not the configuration of a FineParser: {error!r}") from error
    try:
        state = load_file(paths[1])
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{paths[1]} is not a whole safetensors file: {error}") from error
    return config, provenance, {n: t.float() if t.is_floating_point() else t for n, t in state.items()}


def _download(repository: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(repository, revision=revision, allow_patterns=[WEIGHTS_FILE, CONFIG_FILE]))
    except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise CheckpointError(
            f"{repository!r} is neither a folder here nor a model repository that can be reached: {error}"
        ) from error


def fingerprint(model: nn.Module) -> str:
    """Twelve hex digits that differ between any two sets of weights: an encoding is of use only to its own."""
    digest = hashlib.blake2b(digest_size=6)
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def check_state(state: dict[str, Tensor], model: nn.Module, source: str) -> None:
    """Refuses weights that do not fit a network, naming the first missing, unexpected and misshapen ones.

    Raises:
        CheckpointError: with up to five names of each kind.
    """
    expected = model.state_dict()
    missing = [name for name in expected if name not in state]
    unexpected = [name for name in state if name not in expected]
    misshapen = [
        f"{name} {list(state[name].shape)} instead of {list(expected[name].shape)}"
        for name in expected
        if name in state and state[name].shape != expected[name].shape
    ]
    problems = [
        f"{len(names)} {kind}: {', '.join(names[:5])}{', ...' if len(names) > 5 else ''}"
        for kind, names in (("missing", missing), ("unexpected", unexpected), ("of another shape", misshapen))
        if names
    ]
    if problems:
        raise CheckpointError(f"{source} does not fit this network: {'; '.join(problems)}")


def load_torch_file(path: str | Path) -> dict:
    """A dictionary from a PyTorch file, read without running any code that it may carry.

    Raises:
        CheckpointError: where it cannot be read so, or holds something else.
    """
    try:
        contents = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError(f"{path} does not exist") from error
    except Exception as error:  # torch.load raises many kinds for foreign, truncated and hostile files
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(f"{path} is not a PyTorch file of plain tensors: {reason}") from error
    if not isinstance(contents, dict):
        raise CheckpointError(f"{path} holds a {type(contents).__name__}, not a dictionary of weights")
    return contents
