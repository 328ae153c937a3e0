"""Initial weights of a run: those of a checkpoint, or random ones with pretrained backbones."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor
from torchvision.models import ResNet34_Weights, resnet34

from fineparser.model.checkpoint import (
    PretrainedNetwork,
    build_network,
    check_state,
    load_network,
    load_torch_file,
    read_config,
)
from fineparser.model.config import CompactConfig, FineParserConfig, NetworkConfig
from fineparser.model.paper import FineParser
from fineparser.model.reference_weights import load_i3d
from fineparser.plain_values import read_json
from fineparser.training.options import OptionsError, TrainOptions

PRESETS: dict[str, Callable[[], NetworkConfig]] = {
    "paper": FineParserConfig,
    "compact": CompactConfig,
    "tiny": CompactConfig.tiny,
}
IMAGENET = "imagenet"
MASK_PRIOR = 0.05
"""Approximate share of a frame that divers and splashes cover."""


def initial_network(options: TrainOptions) -> tuple[PretrainedNetwork, list[str]]:
    """Network at the beginning of a run, the same for the same seed, and notes for the user.

    CheckpointError or OptionsError for weights or a configuration that cannot be used.
    """
    if options.checkpoint is not None:
        return load_network(options.checkpoint), []
    config = network_config(options.config, options.without)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        model = build_network(config)
    set_prior_biases(model)
    if not isinstance(model, FineParser):
        if options.i3d or options.resnet:
            raise OptionsError("i3d and resnet are for the published network: omit them, or use --config paper")
        return model, []
    notes = []
    if options.i3d is not None:
        load_i3d(model, load_torch_file(options.i3d))
    elif options.config == "paper":
        notes.append(
            "Both I3Ds start from random weights; the paper starts from Kinetics weights, and this size learns poorly "
            "from random weights on a dataset like FineDiving. Use --i3d FILE."
        )
    if options.resnet is not None:
        load_resnet(model, options.resnet)
    elif options.config == "paper" and model.static_visual_encoder is not None:
        notes.append(
            "The static encoder starts from random weights; the paper starts from ImageNet weights. "
            "Use --resnet imagenet, or a file."
        )
    return model, notes


def network_config(config: str, without: tuple[str, ...] = ()) -> NetworkConfig:
    """Configuration by name or from a JSON file, without the parts that an ablation removes.

    Args:
        config: one of `PRESETS`, or a file such as the config.json of a checkpoint.
        without: see `ablate`.

    Raises:
        OptionsError: for a file that cannot be read, or an ablation of `CompactFineParser`.
    """
    if config in PRESETS:
        return ablate(PRESETS[config](), without)
    try:
        values = read_json(Path(config))
    except FileNotFoundError:
        raise OptionsError(f"config is {', '.join(PRESETS)} or a file; {config!r} is neither") from None
    except ValueError as error:
        raise OptionsError(f"{config} is not readable as JSON: {error}") from error
    try:
        network = read_config(values)
    except ValueError as error:
        raise OptionsError(f"{config} is not the configuration of a network: {error}") from error
    return ablate(network, without)


def ablate(config: NetworkConfig, without: tuple[str, ...]) -> NetworkConfig:
    """Configuration of the published network without "gate", "static" (branch) or "transitions" (a single phase).

    >>> ablate(FineParserConfig(), ("gate", "transitions")).phase_count
    1
    """
    if not without:
        return config
    if not isinstance(config, FineParserConfig):
        raise OptionsError("without is for the published network: CompactFineParser has no parts to remove")
    if "gate" in without:
        config = replace(config, spatial_gate=False)
    if "static" in without:
        config = replace(config, static_branch=False)
    if "transitions" in without:
        config = replace(config, temporal_parsing=False, phase_weights=(1.0,))
    return config


@torch.no_grad()
def set_prior_biases(model: PretrainedNetwork) -> None:
    """Set the biases of the outputs of an untrained network to the rate of divers and transitions, in place.

    As proposed with the focal loss (Lin et al. 2017, section 3.3): otherwise the first hundred steps only learn that
    most pixels show no diver. The transitions of `CompactFineParser` are distributions and need no prior.
    """
    for bias in model.mask_biases():
        bias.fill_(logit(MASK_PRIOR))
    if isinstance(model, FineParser):
        classifier = model.temporal_action_parser.classifier[-1]
        assert isinstance(classifier.bias, Tensor)
        classifier.bias.fill_(logit(1 / model.config.clip_frames))


def logit(probability: float) -> float:
    """Inverse of the sigmoid."""
    return math.log(probability / (1 - probability))


def load_resnet(model: FineParser, source: str) -> None:
    """Load ImageNet weights into the ResNet of the static encoder, in place, without the classifier.

    Args:
        model: network with a static branch, or OptionsError.
        source: "imagenet" for torchvision's weights, downloaded on first use, or a file in torchvision's layout.
    """
    encoder = model.static_visual_encoder
    if encoder is None:
        raise OptionsError("this network has no static branch for ResNet-34 weights: omit --resnet")
    state: Mapping[str, Tensor]
    if source == IMAGENET:
        try:
            state = resnet34(weights=ResNet34_Weights.IMAGENET1K_V1).state_dict()
        except OSError as error:  # offline
            raise OptionsError(
                f"torchvision's ResNet-34 weights could not be downloaded ({error}): use a file"
            ) from error
    else:
        state = load_torch_file(Path(source))
    state = {name: tensor for name, tensor in state.items() if not name.startswith("fc.")}
    check_state(state, encoder.backbone, f"the ResNet-34 weights ({source})")
    encoder.backbone.load_state_dict(state)
