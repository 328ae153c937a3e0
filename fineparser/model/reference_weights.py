"""Weights in the layouts of the published code: its training checkpoints and the Kinetics I3D that it starts from."""

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from fineparser.model.config import FineParserConfig
from fineparser.model.fineparser import FineParser
from fineparser.model.weights import CheckpointError, Provenance, check_state, load_torch_file

KINETICS_CLASSIFIER = "conv3d_0c_1x1."

# Where each of our parameters stands in the published checkpoint: (ours, module/parameter there), first match wins.
_PLACES: tuple[tuple[str, str], ...] = (
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
_INSIDE: tuple[tuple[str, str], ...] = (
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


def reference_place(name: str) -> tuple[str, str]:
    """Module and parameter of the published checkpoint that one of our parameters comes from.

    >>> reference_place("spatial_action_parser.side_features.0.weight")
    ('segmenter', 'side_prep1.weight')
    >>> reference_place("contrastive_regression.static_decoders.1.blocks.2.mlp.2.bias")
    ('decoder3', 'model.2.mlp.fc2.bias')
    """
    for ours, theirs in _PLACES:
        if match := re.fullmatch(ours, name):
            place = _reckon(match.expand(theirs))
            break
    else:
        raise KeyError(name)
    for ours, theirs in _INSIDE:
        place = _reckon(re.sub(ours, theirs, place))
    module, parameter = place.split("/")
    return module, parameter


def _reckon(text: str) -> str:
    """Works out the numbers in braces: "{0+1}" -> "1", "{4//2+1}" -> "3"."""

    def value(match: re.Match) -> str:
        number = int(match[1])
        number = number // 2 if match[2] == "//2" else number * 2 if match[2] == "*2" else number
        return str(number + int(match[3] or 0))

    return _SUM.sub(value, text)


def from_reference(state: Mapping[str, Mapping[str, Tensor]], name: str = "imported") -> FineParser:
    """The published network with the weights of one of its checkpoints, in eval mode.

    Args:
        state: {module: {parameter: tensor}} as the authors' training script saves it, with or without "module."
            before parameter names; entries that no computation uses are ignored.
        name: what to call the weights in reports.

    Raises:
        CheckpointError: where it is of another layout, with the first missing, unexpected and misshapen names.
    """
    modules = {
        module: {str(key).removeprefix("module."): torch.as_tensor(value) for key, value in entries.items()}
        for module, entries in state.items()
        if isinstance(entries, Mapping) and module != "optimizer"
    }
    model = FineParser(FineParserConfig.paper(), Provenance(name, (f"the data of {name}",)))
    places = {ours: reference_place(ours) for ours in model.state_dict()}
    found = {
        ours: modules[module][parameter]
        for ours, (module, parameter) in places.items()
        if parameter in modules.get(module, {})
    }
    by_place = {f"{module}/{parameter}": ours for ours, (module, parameter) in places.items()}
    _require(modules, by_place, found, model)
    model.load_state_dict(found, strict=True)
    return model.eval()


def _require(
    modules: dict[str, dict[str, Tensor]],
    by_place: dict[str, str],
    found: dict[str, Tensor],
    model: nn.Module,
) -> None:
    """Refuses a checkpoint that lacks anything or holds another shape, naming things as the checkpoint does."""
    expected = model.state_dict()
    missing = [place for place, ours in by_place.items() if ours not in found]
    misshapen = [
        f"{place} {list(found[ours].shape)} instead of {list(expected[ours].shape)}"
        for place, ours in by_place.items()
        if ours in found and found[ours].shape != expected[ours].shape
    ]
    if not missing and not misshapen:
        return
    given = [f"{module}/{key}" for module, entries in modules.items() for key in entries]
    unexpected = [place for place in given if place not in by_place]
    problems = [
        f"{len(names)} {kind}, first {', '.join(names[:5])}"
        for kind, names in (
            ("missing", missing),
            ("of another shape", misshapen),
            ("unexpected", unexpected),
        )
        if names
    ]
    raise CheckpointError(f"this is not a checkpoint of the published FineParser: {'; '.join(problems)}")


def load_i3d(model: FineParser, state: Mapping[str, Tensor]) -> None:
    """Puts Kinetics I3D weights into both I3Ds of a network, in place; the classifier is dropped.

    Args:
        model: of full width.
        state: parameter names as in the published code's starting point, with or without "backbone." before them.

    Raises:
        CheckpointError: where it is of another layout, with the first missing, unexpected and misshapen names.
    """
    state = {str(key).removeprefix("module.").removeprefix("backbone."): value for key, value in state.items()}
    state = {key: value for key, value in state.items() if not key.startswith(KINETICS_CLASSIFIER)}
    whole = model.spatial_action_parser.i3d
    # Files saved by early versions of PyTorch lack these counters, which inference does not use.
    counters = {k: v for k, v in whole.state_dict().items() if k.endswith("num_batches_tracked")}
    state = {**counters, **state}
    check_state(state, whole, "the Kinetics I3D file")
    whole.load_state_dict(state, strict=True)
    # A network with one I3D for both branches has but the last blocks twice, one that follows the diver not even these.
    if model.i3d is not None:
        model.i3d.load_state_dict({name: state[name] for name in model.i3d.state_dict()}, strict=True)


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
    if not i3d:
        return from_reference(state, path.stem)
    model = FineParser(FineParserConfig.paper(), Provenance(f"{path.stem} (I3D only)"))
    load_i3d(model, state)
    return model.eval()
