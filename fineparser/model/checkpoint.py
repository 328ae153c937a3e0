"""Checkpoints: model.safetensors and config.json in one folder, or in a Hugging Face repository."""

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any, Self

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from fineparser.atomic import atomic_write, atomic_write_text
from fineparser.model.config import CompactConfig, FineParserConfig, NetworkConfig
from fineparser.model.protocol import Network, Provenance
from fineparser.model.spatial_action_parser import fold_fusion
from fineparser.pickle_check import UnboundedPickle, check_pickle
from fineparser.plain_values import MAX_EXCERPT, excerpt, from_plain, read_json

__all__ = ["CheckpointError", "PretrainedNetwork", "Provenance", "fingerprint", "load_network"]

WEIGHTS_FILE = "model.safetensors"
CONFIG_FILE = "config.json"
CONFIGS: dict[str, type[NetworkConfig]] = {"FineParser": FineParserConfig, "CompactFineParser": CompactConfig}
"""Configuration of each network, by the name of its class."""
MODULES = {"FineParser": "fineparser.model.paper", "CompactFineParser": "fineparser.model.compact"}
"""Module of each network; imported by name, since it imports this one."""
FLOAT32_ENTRIES = re.compile(r"spatial_action_parser\.upsample_masks\..*")
"""Entries that files with 16-bit weights hold in 32 bits: sums of many products of 16-bit weights."""
MAX_WEIGHTS = 500_000_000
"""Weights of a network above which it is not built: the published one has fewer than a hundred million."""
MAX_REASON = 200
"""Characters of the reason that PyTorch gives for a file that it cannot read."""
MAX_PICKLE_BYTES = 64 * 2**20
"""Size of the pickle in a PyTorch file, which has the names and shapes of its tensors."""
ZIP_START = b"PK\x03\x04"
LEGACY_PICKLES = 5
"""Pickles at the beginning of a file of PyTorch before version 1.6: number, version, system, contents, keys."""


class CheckpointError(ValueError):
    """A checkpoint is missing, broken or of another layout."""


class PretrainedNetwork(Network):
    """A network that is saved to and loaded from checkpoints."""

    def __init__(self) -> None:
        super().__init__()
        self.optimised_from: str | None = None
        """Fingerprint of the weights that an inference copy was made from, see `fineparser.model.cpu.optimisation`."""

    def fingerprint(self) -> str:
        return self.optimised_from or fingerprint(self)

    def save_pretrained(self, folder: str | Path, half: bool = False) -> None:
        """Write weights, configuration and provenance; each file is whole or not there.

        Args:
            folder: created if it does not exist.
            half: store floating point weights in 16 bits, half the size on disk.

        Raises:
            ValueError: for an inference copy, whose weights are folded.
        """
        if self.optimised_from is not None:
            raise ValueError("this network was optimised for inference: save the one that it was made from")
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        state = {name: tensor.detach().cpu().contiguous() for name, tensor in self.state_dict().items()}
        if half:
            state = {
                name: tensor.half() if tensor.is_floating_point() and not FLOAT32_ENTRIES.fullmatch(name) else tensor
                for name, tensor in state.items()
            }
        contents = {
            "network": type(self).__name__,
            "architecture": self.config.to_json(),
            "weights": asdict(self.provenance),
        }
        atomic_write(folder / WEIGHTS_FILE, lambda path: save_file(state, path, metadata={"format": "pt"}))
        atomic_write_text(folder / CONFIG_FILE, json.dumps(contents, indent=2) + "\n")

    @classmethod
    def from_pretrained(cls, source: str | Path, revision: str | None = None) -> Self:
        """The network in a folder or a Hugging Face repository, in eval mode.

        Args:
            source: a folder, or the id of a Hugging Face repository ("name/model").
            revision: branch, tag or commit of the repository; pin one.

        Raises:
            CheckpointError: where files are missing, do not fit, or hold another network.
        """
        network = load_network(source, revision)
        if not isinstance(network, cls):
            raise CheckpointError(f"{source} holds a {type(network).__name__}, not a {cls.__name__}: use load_network")
        return network


def load_network(source: str | Path, revision: str | None = None) -> PretrainedNetwork:
    """The `FineParser` or `CompactFineParser` in a folder or a Hugging Face repository, in eval mode.

    Checkpoints of version 0.1 are converted while loading.

    Args:
        source: a folder, or the id of a Hugging Face repository ("name/model").
        revision: branch, tag or commit of the repository; pin one.

    Raises:
        CheckpointError: where files are missing or do not fit, with the names.
    """
    folder = Path(source)
    if not folder.is_dir():
        folder = _download(str(source), revision)
    paths = [folder / CONFIG_FILE, folder / WEIGHTS_FILE]
    if absent := [path.name for path in paths if not path.is_file()]:
        raise CheckpointError(f"{folder} holds no {' and no '.join(absent)}; a checkpoint folder needs both")
    try:
        contents = read_json(paths[0])
        config = read_config(contents)
        expected = meta_network(config)
        provenance = _provenance(contents.get("weights", {}), folder.name)
    except ValueError as error:
        raise CheckpointError(f"{paths[0]} is not the configuration of a network: {error}") from error
    try:
        state = load_file(paths[1])
    except (SafetensorError, OSError, RuntimeError) as error:
        raise CheckpointError(f"{paths[1]} is not a whole safetensors file: {error}") from error
    state = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    if "network" not in contents:
        try:
            state = convert_state(state, config)
        except (KeyError, IndexError, RuntimeError) as error:
            raise CheckpointError(f"{paths[1]} does not have the layout of version 0.1: {error}") from error
    check_state(state, expected, str(paths[1]))
    network = _network_class(config)(config, provenance)
    network.load_state_dict(state, strict=True)
    return network.eval()


def _provenance(values: object, name: str) -> Provenance:
    """Provenance of the weights in a folder `name`; ValueError for values that are none."""
    if not isinstance(values, Mapping):
        raise ValueError(f"weights should be an object, not {excerpt(values)}")
    known = {key: value for key, value in values.items() if key in ("name", "trained_on")}
    return from_plain(Provenance, {"name": name} | known)


def build_network(config: NetworkConfig, provenance: Provenance | None = None) -> PretrainedNetwork:
    """An untrained network of a configuration.

    Raises:
        ValueError: for a network of more than `MAX_WEIGHTS`, before memory is taken for it.
    """
    meta_network(config)
    return _network_class(config)(config, provenance)


def meta_network(config: NetworkConfig) -> PretrainedNetwork:
    """The network of a configuration with the names and shapes of its weights alone.

    Raises:
        ValueError: for a network of more than `MAX_WEIGHTS`.
    """
    with torch.device("meta"):
        network = _network_class(config)(config)
    count = sum(weights.numel() for weights in network.parameters())
    if count > MAX_WEIGHTS:
        raise ValueError(
            f"the network has {count / 1e6:.0f} million weights, at most {MAX_WEIGHTS / 1e6:.0f} are possible: "
            "use fewer channels, blocks or layers"
        )
    return network


def _network_class(config: NetworkConfig) -> Callable[..., PretrainedNetwork]:
    name = next(name for name, kind in CONFIGS.items() if kind is type(config))
    return getattr(import_module(MODULES[name]), name)


def read_config(contents: Mapping[str, Any]) -> NetworkConfig:
    """The configuration in the contents of a config.json, of this version or of version 0.1.

    Raises:
        ValueError: for contents of another layout, a network that this version does not have, or impossible values.
    """
    name, architecture = contents.get("network"), contents.get("architecture", contents)
    if not isinstance(architecture, dict):
        raise ValueError(f"architecture should be an object, not {excerpt(architecture)}")
    if name is None:
        return convert_config(architecture)
    if not isinstance(name, str) or name not in CONFIGS:
        raise ValueError(f"unknown network {excerpt(name)}; there are {', '.join(CONFIGS)}")
    if "architecture" not in contents:
        raise ValueError("architecture is missing")
    return CONFIGS[name].from_json(architecture)


# Checkpoints of version 0.1, where one class held both networks.

_RENAMED_FIELDS = {
    "static_blocks": "resnet_blocks",
    "static_channels": "resnet_channels",
    "focus_size": "crop_size",
    "focus_detail": "crop_scale",
}
_COMPACT_FLAGS = {
    "side_refinement": True,
    "temporal_parsing": True,
    "focus_neighbours": True,
    "focus_outlines": True,
    "second_look": True,
    "transition_rule": "ordered",
    "static_branch": True,
    "by_difficulty": True,
}
_PUBLISHED_FLAGS = {"shared_i3d": False, "side_refinement": False, "by_difficulty": False}
_RENAMED_ENTRIES = (
    (r"static_visual_encoder\.backbone\.", "crop_encoder."),
    (r"static_visual_encoder\.phases\.", "static_pooling."),
    (r"dynamic_visual_encoder\.", "dynamic_pooling."),
    (r"focus_decoder\.outline\.", "crop_decoder.mask."),
    (r"focus_decoder\.places\.", "crop_decoder.keypoints."),
    (r"focus_decoder\.", "crop_decoder."),
    (r"outline_refiner\.(levels|joins)\.", r"mask_refiner.unet.\1."),
    (r"outline_refiner\.", "mask_refiner."),
    (r"entry_parser\.painter\.(levels|joins)\.", r"entry_branch.segmenter.unet.\1."),
    (r"entry_parser\.painter\.paint\.", "entry_branch.segmenter.output."),
    (r"entry_parser\.reader\.around\.", "entry_branch.fault_head.over_time."),
    (r"entry_parser\.reader\.further\.", "entry_branch.fault_head.over_time_again."),
    (r"entry_parser\.reader\.weigh\.", "entry_branch.fault_head.attention."),
    (r"entry_parser\.reader\.sum_up\.", "entry_branch.fault_head.summary."),
    (r"entry_parser\.reader\.read\.", "entry_branch.fault_head.output."),
    (r"entry_parser\.reader\.", "entry_branch.fault_head."),
)
_UNUSED_ENTRIES = re.compile(r"spatial_action_parser\.i3d\.mixed_5.*")
_FOLDED_ENTRIES = re.compile(r"spatial_action_parser\.upsample_features\.(\d)\.weight")
_FUSION = "spatial_action_parser.fuse."


def convert_config(values: dict) -> NetworkConfig:
    """The configuration in the "architecture" of a config.json of version 0.1.

    Raises:
        ValueError: for an architecture that this version does not have.
    """
    if "diver_track" not in values:
        raise ValueError('there is neither "network" nor an architecture of version 0.1')
    kind, flags = (CompactConfig, _COMPACT_FLAGS) if values["diver_track"] else (FineParserConfig, _PUBLISHED_FLAGS)
    if wrong := [name for name, value in flags.items() if values.get(name) != value]:
        raise ValueError(
            f"this version has no network with {', '.join(f'{name}={excerpt(values.get(name))}' for name in wrong)}"
        )
    renamed = {_RENAMED_FIELDS.get(name, name): value for name, value in values.items()}
    names = set(kind().to_json())
    return kind.from_json({name: value for name, value in renamed.items() if name in names})


def convert_state(state: Mapping[str, Tensor], config: NetworkConfig) -> dict[str, Tensor]:
    """The weights of a checkpoint of version 0.1, in 32 bits, in the layout of this version.

    `FineParser` has kept its layout. For `CompactFineParser` entries are renamed; the blocks of the I3D that no
    computation used are left out; and the upsampling of the side features and the fusion behind it become one kernel.
    """
    if isinstance(config, FineParserConfig):
        return dict(state)
    converted: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if _UNUSED_ENTRIES.fullmatch(name) or name == _FUSION + "weight":
            continue
        if name == _FUSION + "bias":
            converted["spatial_action_parser.mask_bias"] = tensor
        elif match := _FOLDED_ENTRIES.fullmatch(name):
            side, count = int(match[1]), tensor.shape[1]
            weight = state[_FUSION + "weight"][:, side * count : (side + 1) * count]
            converted[f"spatial_action_parser.upsample_masks.{side}.weight"] = fold_fusion(tensor, weight)
        else:
            converted[_rename(name)] = tensor
    return converted


def _rename(name: str) -> str:
    for old, new in _RENAMED_ENTRIES:
        renamed, count = re.subn(f"^{old}", new, name)
        if count:
            return renamed
    return name


def _download(repository: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(repository, revision=revision, allow_patterns=[WEIGHTS_FILE, CONFIG_FILE]))
    except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise CheckpointError(
            f"{repository!r} is neither a folder here nor a model repository that can be reached: {error}"
        ) from error


MEASURING_PART = "motion_head."
"""Prefix of the weights that no encoding at given transitions depends on."""


def fingerprint(model: nn.Module) -> str:
    """Twelve hex digits that differ between any two sets of weights: encodings can be compared by their own only.

    The motion head does not count: it measures, and no encoding at given transitions depends on it.
    """
    digest = hashlib.blake2b(digest_size=6)
    for name, tensor in sorted(model.state_dict().items()):
        if name.startswith(MEASURING_PART):
            continue
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def check_state(state: Mapping[str, object], model: nn.Module, source: str) -> None:
    """Refuse weights that do not fit a network, naming the first missing, unexpected and misshapen ones.

    Raises:
        CheckpointError: with up to five names of each kind.
    """
    expected = model.state_dict()
    unexpected = [name[:MAX_EXCERPT] for name in state if name not in expected]
    if problems := [*misfits(state, expected), *_listed(unexpected, "unexpected")]:
        raise CheckpointError(f"{source} does not fit this network: {'; '.join(problems)}")


def misfits(state: Mapping[str, object], expected: Mapping[str, Tensor]) -> list[str]:
    """Reasons why entries cannot be the expected weights, with up to five names each; none if they can."""
    missing = [name for name in expected if name not in state]
    others, misshapen, not_finite = [], [], []
    for name in expected.keys() & state.keys():
        value, expected_value = state[name], expected[name]
        if not isinstance(value, Tensor) or not _is_plain(value):
            others.append(f"{name} ({type(value).__name__})")
        elif value.shape != expected_value.shape:
            misshapen.append(f"{name} {list(value.shape)} instead of {list(expected_value.shape)}")
        elif value.is_complex() or value.is_floating_point() != expected_value.is_floating_point():
            others.append(f"{name} ({value.dtype})")
        elif not value.float().isfinite().all():
            not_finite.append(name)
    return [
        *_listed(missing, "missing"),
        *_listed(sorted(others), "of another type"),
        *_listed(sorted(misshapen), "of another shape"),
        *_listed(sorted(not_finite), "not finite"),
    ]


def _is_plain(tensor: Tensor) -> bool:
    """False for tensors that are sparse, nested, quantised, or have no values at all."""
    return tensor.layout is torch.strided and not (tensor.is_nested or tensor.is_quantized or tensor.is_meta)


def _listed(names: list[str], kind: str) -> list[str]:
    return [f"{len(names)} {kind}: {', '.join(names[:5])}{', ...' if len(names) > 5 else ''}"] if names else []


def load_torch_file(path: str | Path) -> dict:
    """A dictionary from a PyTorch file, read without running any code that it may carry, and within bounds.

    Raises:
        CheckpointError: where it cannot be read so, or holds something else.
    """
    try:
        _check_pickles(Path(path))
        contents = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError(f"{path} does not exist") from error
    except Exception as error:  # torch.load raises many kinds for foreign, truncated and hostile files
        reason = str(error).splitlines()[0][:MAX_REASON] if str(error) else type(error).__name__
        raise CheckpointError(f"{path} is not a PyTorch file of plain tensors: {reason}") from error
    if not isinstance(contents, dict):
        raise CheckpointError(f"{path} holds a {type(contents).__name__}, not a dictionary of weights")
    return contents


def _check_pickles(path: Path) -> None:
    """Bound the work of loading a PyTorch file: a zip archive with a pickle, or several pickles before the weights."""
    with path.open("rb") as file:
        is_archive = file.read(len(ZIP_START)) == ZIP_START  # PyTorch decides by this, too
        file.seek(0)
        if not is_archive:
            for _ in range(LEGACY_PICKLES):
                check_pickle(file)
            return
        with zipfile.ZipFile(file) as archive:
            for member in archive.infolist():
                if member.compress_type != zipfile.ZIP_STORED:  # a few bytes could stand for any number of weights
                    raise UnboundedPickle(f"{excerpt(member.filename)} is compressed, which PyTorch never does")
                if member.filename.endswith(".pkl"):
                    if member.file_size > MAX_PICKLE_BYTES:
                        raise UnboundedPickle(f"{excerpt(member.filename)} has {member.file_size / 2**20:.0f} MiB")
                    check_pickle(io.BytesIO(archive.read(member)))
