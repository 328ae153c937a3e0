"""A tiny network and a small bank with random encodings: tests of the procedure, not of the scores."""

import pytest

from fineparser.exemplars.exemplar_bank import ExemplarBank
from fineparser.model.compact import CompactFineParser
from fineparser.model.protocol import Encoding
from tests.builders import noise_bank, noise_encodings, tiny_compact


@pytest.fixture(scope="session")
def model() -> CompactFineParser:
    return tiny_compact()


@pytest.fixture(scope="session")
def encodings(model) -> Encoding:
    return noise_encodings(model, 6)


@pytest.fixture(scope="session")
def bank(model, encodings) -> ExemplarBank:
    return noise_bank(model, encodings)
