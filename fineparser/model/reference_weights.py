"""Weights in the layouts of the published code: its training checkpoints, and the Kinetics I3D that it starts from."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from fineparser.model.checkpoint import CheckpointError, check_state, load_torch_file, meta_network, misfits
from fineparser.model.compact import CompactFineParser
from fineparser.model.config import FineParserConfig
from fineparser.model.i3d import TOP_BLOCKS
from fineparser.model.paper import FineParser
from fineparser.model.protocol import Provenance
from fineparser.plain_values import MAX_EXCERPT

KINETICS_CLASSIFIER = "conv3d_0c_1x1."

# Our parameter names and theirs, as module/parameter of the published checkpoint; the first match wins.
_NAMES: tuple[tuple[str, str], ...] = (
    (r"i3d\.(.+)", r"base_model/backbone.\1"),
    (r"spatial_action_parser\.i3d\.(.+)", r"segmenter/\1"),
    (r"spatial_action_parser\.side_features\.(\d)\.(.+)", r"segmenter/side_prep{\1+1}.\2"),
    (r"spatial_action_parser\.side_scores\.(\d)\.(.+)", r"segmenter/score_dsn{\1+1}.\2"),
    (r"spatial_action_parser\.upsample_features\.(\d)\.(.+)", r"segmenter/upsample{\1+1}.\2"),
    (r"spatial_action_parser\.upsample_scores\.(\d)\.(.+)", r"segmenter/upsample{\1+1}_.\2"),
    (r"spatial_action_parser\.fuse\.(.+)", r"segmenter/fuse.\1"),
    (r"temporal_action_parser\.inflow\.(.+)", r"psnet_model/inc1.conv.conv.\1"),
    (r"temporal_action_parser\.halvings\.(\d)\.1\.(.+)", r"psnet_model/down{\1+4}.mpconv.1.conv.\2"),
    (r"temporal_action_parser\.classifier\.(\d)\.(.+)", r"psnet_model/tas.layer{\1//2+1}.\2"),
    (r"static_visual_encoder\.backbone\.(.+)", r"video_encoder/backbone.\1"),
    (r"static_visual_encoder\.phases\.(\d)\.0\.(.+)", r"video_encoder/inc{\1+1}.conv.conv.\2"),
    (r"static_visual_encoder\.phases\.(\d)\.(\d)\.1\.(.+)", r"video_encoder/down{\1+1}\2.mpconv.1.conv.\3"),
    # Phases 1, 2, 3 are reduced by dim_reducer3, 1, 2.
    (r"contrastive_regression\.reducers\.0\.(.+)", r"dim_reducer3/\1"),
    (r"contrastive_regression\.reducers\.(\d)\.(.+)", r"dim_reducer\1/\2"),
    (r"contrastive_regression\.static_decoders\.(\d)\.(.+)", r"decoder{\1*2+1}/\2"),
    (r"contrastive_regression\.dynamic_decoders\.(\d)\.(.+)", r"decoder{\1*2+2}/\2"),
    (r"contrastive_regression\.dynamic_regressor\.(\d)\.(.+)", r"regressor_delta1/layer{\1//2+1}.\2"),
    (r"contrastive_regression\.static_regressor\.(\d)\.(.+)", r"regressor_delta2/layer{\1//2+1}.\2"),
)
# Names inside the modules that the rules above pass through.
_INSIDE: tuple[tuple[str, str | Callable[[re.Match], str]], ...] = (
    (r"(dim_reducer\d)/convolutions\.0\.", r"\1/inc.conv.conv."),
    (r"(dim_reducer\d)/convolutions\.1\.", r"\1/down1.conv."),
    (r"(dim_reducer\d)/reduce\.(\d)", r"\1/layer{\2//2}"),
    (r"(decoder\d)/blocks\.", r"\1/model."),
    (r"norm_queries", "norm_q"),
    (r"norm_values", "norm_v"),
    (r"norm_mlp", "norm2"),
    (r"attention\.to_(query|key|value)\.", lambda match: f"attn.{match[1][0]}_map."),
    (r"attention\.project", "attn.proj"),
    (r"mlp\.(\d)", r"mlp.fc{\1//2+1}"),
)
_SUM = re.compile(r"\{(\d)(//2|\*2)?(?:\+(\d))?\}")


def reference_name(name: str) -> tuple[str, str]:
    """Module and parameter of the published checkpoint, for the name of one of our parameters.

    >>> reference_name("spatial_action_parser.side_features.0.weight")
    ('segmenter', 'side_prep1.weight')
    >>> reference_name("contrastive_regression.static_decoders.1.blocks.2.mlp.2.bias")
    ('decoder3', 'model.2.mlp.fc2.bias')
    """
    for ours, theirs in _NAMES:
        if match := re.fullmatch(ours, name):
            full_name = _compute(match.expand(theirs))
            break
    else:
        raise KeyError(name)
    for inside, replacement in _INSIDE:
        full_name = _compute(re.sub(inside, replacement, full_name))
    module, parameter = full_name.split("/")
    return module, parameter


def _compute(text: str) -> str:
    """Compute the numbers in braces: "{0+1}" -> "1", "{4//2+1}" -> "3"."""

    def value(match: re.Match) -> str:
        number = int(match[1])
        number = number // 2 if match[2] == "//2" else number * 2 if match[2] == "*2" else number
        return str(number + int(match[3] or 0))

    return _SUM.sub(value, text)


def from_reference(state: Mapping[Any, Any], name: str = "imported") -> FineParser:
    """The published network with the weights of one of its checkpoints, in eval mode.

    Args:
        state: {module: {parameter: tensor}} as the authors' training script saves it, with or without "module."
            before parameter names; whatever else it has is ignored.
        name: of the weights, in reports.

    Raises:
        CheckpointError: where it is of another layout, with the first missing, unexpected and misshapen names.
    """
    entries = {
        f"{module}/{str(key).removeprefix('module.')}": value
        for module, parameters in state.items()
        if isinstance(parameters, Mapping) and module != "optimizer"
        for key, value in parameters.items()
    }
    config = FineParserConfig()
    layout = meta_network(config).state_dict()
    theirs = {ours: "/".join(reference_name(ours)) for ours in layout}
    expected = {theirs[ours]: weights for ours, weights in layout.items()}
    if problems := misfits(entries, expected):
        if unexpected := [entry[:MAX_EXCERPT] for entry in entries if entry not in expected]:
            problems.append(f"{len(unexpected)} unexpected: {', '.join(unexpected[:5])}")
        raise CheckpointError(f"this is not a checkpoint of the published FineParser: {'; '.join(problems)}")
    model = FineParser(config, Provenance(name, (f"the data of {name}",)))
    model.load_state_dict({ours: entries[entry] for ours, entry in theirs.items()}, strict=True)
    return model.eval()


def load_i3d(model: FineParser | CompactFineParser, state: Mapping[Any, Any]) -> None:
    """Load Kinetics I3D weights into the I3Ds of a network, in place; the classifier is dropped.

    Args:
        model: of full width. `CompactFineParser` has but one I3D, which ends at mixed 4: the rest is dropped, too.
        state: parameter names as in the published code's starting point, with or without "backbone." before them.

    Raises:
        CheckpointError: where it is of another layout, with the first missing, unexpected and misshapen names.
    """
    state = {str(key).removeprefix("module.").removeprefix("backbone."): value for key, value in state.items()}
    state = {key: value for key, value in state.items() if not key.startswith(KINETICS_CLASSIFIER)}
    if isinstance(model, FineParser):
        i3ds: list[nn.Module] = [model.i3d, model.spatial_action_parser.i3d]
    else:
        i3ds = [model.spatial_action_parser.i3d]
        state = {key: value for key, value in state.items() if not key.startswith(TOP_BLOCKS)}
    for i3d in i3ds:
        # Files saved by early versions of PyTorch lack these counters, which inference does not use.
        counters = {key: value for key, value in i3d.state_dict().items() if key.endswith("num_batches_tracked")}
        complete = {**counters, **state}
        check_state(complete, i3d, "the Kinetics I3D file")
        i3d.load_state_dict(complete, strict=True)


def import_checkpoint(path: str | Path, i3d: bool = False) -> FineParser:
    """A network from a file of the published code.

    Args:
        path: a checkpoint of its training script, or, with `i3d`, the Kinetics I3D weights that it starts from; the
            rest of the network is then untrained.

    Raises:
        CheckpointError: where the file cannot be read safely or is of another layout.
    """
    path = Path(path)
    state = load_torch_file(path)
    try:
        if not i3d:
            return from_reference(state, path.stem)
        model = FineParser(FineParserConfig(), Provenance(f"{path.stem} (I3D only)"))
        load_i3d(model, state)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error
    return model.eval()
