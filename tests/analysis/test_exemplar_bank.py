import json

import pytest
import torch
from safetensors.torch import save_file

from fineparser.analysis.exemplar_bank import BankError, Exemplar, ExemplarBank
from fineparser.data.dives import Card
from fineparser.domain.dive_code import DiveCode


def card(code, height):
    return Card("query", DiveCode.parse(code), height, 3.0)


def test_round_trip(bank, tmp_path):
    bank.save(tmp_path / "bank.safetensors")
    again = ExemplarBank.load(tmp_path / "bank.safetensors", bank.fingerprint)
    assert again.exemplars == bank.exemplars
    torch.testing.assert_close(again.encodings.dynamic, bank.encodings.dynamic)
    torch.testing.assert_close(again.encodings.static, bank.encodings.static)
    assert again.encodings.window_starts == bank.encodings.window_starts
    assert [path.name for path in tmp_path.iterdir()] == ["bank.safetensors"]


def test_same_number_first_then_the_nearest(bank):
    chosen = bank.choose(card("207C", 10), 10)
    assert sorted(choice.exemplar for choice in chosen) == ["dive-0", "dive-1", "dive-2"]
    assert {choice.rule for choice in chosen} == {"same dive number"}
    nearest = bank.choose(card("207B", 10), 10)
    assert nearest[0].rule == "nearest dive number"
    assert "207B" in nearest[0].reason


def test_the_choice_is_seeded(bank):
    assert bank.choose(card("207C", 10), 2, seed=3) == bank.choose(card("207C", 10), 2, seed=3)
    orders = {tuple(c.exemplar for c in bank.choose(card("207C", 10), 3, seed=seed)) for seed in range(20)}
    assert len(orders) > 1


def test_adding_keeps_ids_apart(bank, encodings):
    mine = Exemplar("mine", DiveCode.parse("301C"), 3.0, 1.6, 33.6, "my dives")
    grown = bank.add(mine, encodings.select([5]))
    assert (len(grown), len(bank)) == (6, 5)
    assert grown.choose(card("301C", 3), 1)[0].exemplar == "mine"
    with pytest.raises(BankError, match="already has an exemplar 'mine'"):
        grown.add(mine, encodings.select([5]))


def test_other_weights_are_refused(bank, tmp_path):
    bank.save(tmp_path / "bank.safetensors")
    with pytest.raises(BankError, match="encoded by other weights"):
        ExemplarBank.load(tmp_path / "bank.safetensors", "0123456789ab")


def cut_short(path, bank):
    path.write_bytes(path.read_bytes()[:500])


def without_index(path, bank):
    save_file({"dynamic": torch.zeros(1)}, path)


def one_too_few(path, bank):
    index = {"exemplars": [], "window_starts": [0], "fingerprint": ""}
    arrays = {name: getattr(bank.encodings, name) for name in ("dynamic", "transition_probabilities", "transitions")}
    save_file(arrays, path, metadata={"index": json.dumps(index)})


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda path, bank: path.unlink(), "there is no exemplar bank"),
        (lambda path, bank: path.write_text("not a bank"), "is not an exemplar bank"),
        (cut_short, "is not an exemplar bank"),
        (without_index, "is not an exemplar bank"),
        (one_too_few, "names 0 exemplars but holds 5"),
    ],
)
def test_broken_banks_are_refused(bank, tmp_path, spoil, reason):
    path = tmp_path / "bank.safetensors"
    bank.save(path)
    spoil(path, bank)
    with pytest.raises(BankError, match=reason):
        ExemplarBank.load(path)
