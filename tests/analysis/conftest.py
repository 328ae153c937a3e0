"""A tiny network and a small bank whose exemplars are noise: what is tested is the way, not the worth."""

from dataclasses import replace

import pytest
import torch

from fineparser.exemplars.exemplar import Exemplar
from fineparser.exemplars.exemplar_bank import ExemplarBank
from fineparser.domain.difficulty import difficulty
from fineparser.domain.dive_code import DiveCode
from fineparser.model.config import FineParserConfig
from fineparser.model.encoding import ClipEncoding
from fineparser.model.fineparser import FineParser


@pytest.fixture(scope="session")
def model() -> FineParser:
    torch.manual_seed(0)
    return FineParser(replace(FineParserConfig.tiny(), image_size=112)).eval()


@pytest.fixture(scope="session")
def encodings(model) -> ClipEncoding:
    clips = torch.randn(6, 3, 96, 112, 112, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        return ClipEncoding.concatenate([model.encode(clip[None]).without_masks() for clip in clips])


@pytest.fixture(scope="session")
def bank(model, encodings) -> ExemplarBank:
    dives = [("207C", 10, 60.0), ("207C", 10, 80.0), ("207C", 10, 95.0), ("107B", 3, 70.0), ("205B", 10, 66.0)]
    exemplars = []
    for number, (code, height, score) in enumerate(dives):
        worth = difficulty(code, height)
        exemplars.append(Exemplar(f"dive-{number}", DiveCode.parse(code), height, worth, score, "SynDive"))
    return ExemplarBank(tuple(exemplars), encodings.select(list(range(5))), model.fingerprint())
