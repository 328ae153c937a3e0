"""The network that a run starts from: a checkpoint, pretrained backbones, or nothing."""

import math
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor
from torchvision.models import ResNet34_Weights, resnet34

from fineparser.model.fineparser import FineParser
from fineparser.model.reference_weights import load_i3d
from fineparser.model.weights import check_state, load_torch_file
from fineparser.training.options import OptionsError, TrainOptions, network_config

IMAGENET = "imagenet"
MASK_PRIOR = 0.05
"""About the share of a picture that divers and splashes cover."""


def starting_network(options: TrainOptions) -> tuple[FineParser, list[str]]:
    """The network as the run begins, the same for the same seed, and what one should know about it.

    CheckpointError or OptionsError where weights cannot be had or do not fit.
    """
    if options.checkpoint is not None:
        return FineParser.from_pretrained(options.checkpoint), []
    config = network_config(options.config, options.without)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(options.seed)
        model = FineParser(config)
    start_at_priors(model)
    remarks = []
    if options.i3d is not None:
        load_i3d(model, load_torch_file(options.i3d))
    elif options.config == "paper":
        remarks.append(
            "Both I3Ds start from nothing: the paper starts from Kinetics weights, and from nothing this size "
            "learns poorly on a dataset like FineDiving. Give --i3d FILE."
        )
    if options.resnet is not None:
        load_resnet(model, options.resnet)
    elif options.config == "paper" and model.static_visual_encoder is not None:
        remarks.append(
            "The static encoder starts from nothing: the paper starts from ImageNet weights. "
            "Give --resnet imagenet, or a file."
        )
    return model, remarks


@torch.no_grad()
def start_at_priors(model: FineParser) -> None:
    """Lets an untrained network begin by saying that divers are small and transitions rare, in place.

    Biases of the outputs, as proposed with the focal loss (Lin et al. 2017, section 3.3): without them the first
    hundred steps only teach that most of a picture shows no diver.
    """
    parser = model.spatial_action_parser
    drawing = [] if model.focus_decoder is None else [model.focus_decoder.outline]
    for layer in (parser.fuse, *parser.side_scores, *drawing):
        layer.bias.fill_(logit(MASK_PRIOR))
    if not model.config.diver_track:  # there the probabilities of a transition add up to 1 from the start
        model.temporal_action_parser.classifier[-1].bias.fill_(logit(1 / model.config.clip_frames))


def logit(probability: float) -> float:
    """Inverse of the sigmoid."""
    return math.log(probability / (1 - probability))


def load_resnet(model: FineParser, source: str) -> None:
    """Puts ImageNet weights into the static encoder's ResNet, in place; the classifier is dropped.

    source: "imagenet" for torchvision's own, fetched on first use, or a file in torchvision's layout.
    """
    encoder = model.static_visual_encoder
    if encoder is None:
        raise OptionsError("there is no static branch to put ResNet-34 weights into: leave --resnet away")
    state: Mapping[str, Tensor]
    if source == IMAGENET:
        try:
            state = resnet34(weights=ResNet34_Weights.IMAGENET1K_V1).state_dict()
        except OSError as error:  # no network
            raise OptionsError(
                f"torchvision's ResNet-34 weights could not be fetched ({error}): give a file"
            ) from error
    else:
        state = load_torch_file(Path(source))
    state = {name: tensor for name, tensor in state.items() if not name.startswith("fc.")}
    check_state(state, encoder.backbone, f"the ResNet-34 weights ({source})")
    encoder.backbone.load_state_dict(state)
