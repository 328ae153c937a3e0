import json
from dataclasses import replace

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from fineparser.data.dives import Card
from fineparser.domain.dive_code import DiveCode
from fineparser.exemplars.exemplar import SIMULATED, USER_DIVES, Exemplar, ExemplarClip, FileFrames, SimulationRecipe
from fineparser.exemplars.exemplar_bank import BankError, ExemplarBank, clips_folder


def card(code, height):
    return Card("query", DiveCode.parse(code), height, 3.0)


def test_round_trip(bank, tmp_path):
    bank.save(tmp_path / "bank.safetensors")
    again = ExemplarBank.load(tmp_path / "bank.safetensors", bank.fingerprint)
    assert again.exemplars == bank.exemplars
    # 16 bits on disk, eleven of them for the significand.
    torch.testing.assert_close(again.encodings.dynamic, bank.encodings.dynamic, rtol=2**-11, atol=1e-6)
    torch.testing.assert_close(again.encodings.static, bank.encodings.static, rtol=2**-11, atol=1e-6)
    assert [path.name for path in tmp_path.iterdir()] == ["bank.safetensors"]


def test_evidence_is_stored_exactly(model, bank, tmp_path):
    evidence = torch.zeros(5, 9, 2)
    evidence[2, 3] = torch.tensor([0.7531, 987_654.3])
    replace(bank, encodings=replace(bank.encodings, evidence=evidence)).save(tmp_path / "bank.safetensors")
    for config in (None, model.config):
        assert torch.equal(ExemplarBank.load(tmp_path / "bank.safetensors", config=config).encodings.evidence, evidence)
    bank.save(tmp_path / "bank.safetensors")
    assert ExemplarBank.load(tmp_path / "bank.safetensors", config=model.config).encodings.evidence is None


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        (torch.zeros(5, 33, 2), r"evidence has the shape \[33, 2\]"),
        (torch.zeros(5, 9, 3), r"evidence has the shape \[9, 3\]"),
        (torch.full((5, 9, 2), torch.inf), "evidence has values that are not finite"),
        (torch.full((5, 9, 2), -1.0), "evidence has a negative precision"),
    ],
)
def test_impossible_evidence_is_refused(bank, tmp_path, evidence, reason):
    replace(bank, encodings=replace(bank.encodings, evidence=evidence)).save(tmp_path / "bank.safetensors")
    with pytest.raises(BankError, match=reason):
        ExemplarBank.load(tmp_path / "bank.safetensors")


def test_same_number_first_then_the_nearest(bank):
    chosen = bank.choose(card("207C", 10), 10)
    assert sorted(choice.exemplar for choice in chosen) == ["dive-0", "dive-1", "dive-2"]
    assert {choice.rule for choice in chosen} == {"same dive number"}
    nearest = bank.choose(card("207B", 10), 10)
    assert nearest[0].rule == "nearest dive number"


def test_the_choice_is_seeded(bank):
    assert bank.choose(card("207C", 10), 2, seed=3) == bank.choose(card("207C", 10), 2, seed=3)
    orders = {tuple(c.exemplar for c in bank.choose(card("207C", 10), 3, seed=seed)) for seed in range(20)}
    assert len(orders) > 1


def single(bank, encodings, exemplar):
    return replace(bank, exemplars=(exemplar,), encodings=encodings.select([5]))


def test_joining_keeps_ids_apart(bank, encodings):
    mine = single(bank, encodings, Exemplar("mine", DiveCode.parse("301C"), 3.0, 1.6, 33.6, USER_DIVES))
    grown = bank.join(mine)
    assert (len(grown), len(bank)) == (6, 5)
    assert grown.choose(card("301C", 3), 1)[0].exemplar == "mine"
    torch.testing.assert_close(grown.encodings.dynamic[5], encodings.dynamic[5])
    with pytest.raises(BankError, match="already has an exemplar 'mine'"):
        grown.join(mine)


def test_banks_of_different_weights_are_not_mixed(bank, encodings):
    with pytest.raises(BankError, match="encoded by different weights"):
        bank.join(replace(bank, fingerprint="0123456789ab"))


def test_sources_can_be_chosen_and_exemplars_removed(bank, encodings):
    grown = bank.join(single(bank, encodings, Exemplar("mine", DiveCode.parse("301C"), 3.0, 1.6, 33.6, USER_DIVES)))
    own = grown.with_sources({USER_DIVES})
    assert [one.id for one in own.exemplars] == ["mine"]
    torch.testing.assert_close(own.encodings.static[0], encodings.static[5])
    assert len(own.with_sources({SIMULATED})) == 0
    fewer = grown.without("dive-1")
    assert [one.id for one in fewer.exemplars] == ["dive-0", "dive-2", "dive-3", "dive-4", "mine"]
    torch.testing.assert_close(fewer.encodings.dynamic[1], bank.encodings.dynamic[2])
    with pytest.raises(BankError, match="no exemplar 'dive-1'"):
        fewer.without("dive-1")


def test_a_dive_does_not_vote_on_itself(bank):
    first, second = "1" * 64, "2" * 64
    files = {0: (first, 0, 90), 1: (first, 100, 190), 2: (second, 0, 90)}
    exemplars = [
        replace(one, files=(FileFrames(*files[place]),)) if place in files else one
        for place, one in enumerate(bank.exemplars)
    ]
    bank = replace(bank, exemplars=tuple(exemplars))

    def others(digest, start, end):
        return [one.id for one in bank.without_clip(digest, start, end).exemplars]

    # Another dive of the same recording votes.
    assert others(first, 10, 80) == ["dive-1", "dive-2", "dive-3", "dive-4"]
    assert others(first, 80, 120) == ["dive-2", "dive-3", "dive-4"]
    assert others(second, 90, 99) == ["dive-0", "dive-1", "dive-3", "dive-4"]
    assert bank.without_clip(None, 0, 90) == bank.without_clip("3" * 64, 0, 90) == bank
    torch.testing.assert_close(bank.without_clip(first, 0, 0).encodings.dynamic, bank.encodings.dynamic[1:])


def test_a_similar_exemplar_lends_its_clip(bank, tmp_path):
    clip = ExemplarClip(tmp_path / "one.mp4", 0, 10, 40, 60)
    # Scores 60, 80, 95 of one number at 10 m; then other numbers.
    first, third = replace(bank.exemplars[0], clip=clip), replace(bank.exemplars[2], clip=clip)
    bank = replace(bank, exemplars=(first, bank.exemplars[1], third, *bank.exemplars[3:]))
    assert [bank.clip_exemplar(place).id for place in range(3)] == ["dive-0", "dive-2", "dive-2"]
    assert bank.clip_exemplar(3) is None
    lower = replace(bank.exemplars[1], height=3.0)
    assert replace(bank, exemplars=(first, lower, *bank.exemplars[2:])).clip_exemplar(1) is None


def test_clips_and_recipes_are_stored(bank, tmp_path):
    path = tmp_path / "bank.safetensors"
    clip = ExemplarClip(clips_folder(path) / "one.mp4", 0, 10, 40, 60)
    first = replace(bank.exemplars[0], clip=clip, recipe=SimulationRecipe(7, 0.25), name="Ann's second")
    replace(bank, exemplars=(first, *bank.exemplars[1:])).save(path)
    again = ExemplarBank.load(path)
    assert again.exemplars[0] == first
    moved = tmp_path / "moved" / "other.safetensors"
    moved.parent.mkdir()
    path.rename(moved)
    assert ExemplarBank.load(moved).exemplars[0].clip.path == moved.parent / "other_clips" / "one.mp4"


def test_clips_go_with_the_bank(bank, tmp_path):
    clip = ExemplarClip(tmp_path / "elsewhere" / "one.mp4", 0, 10, 40, 60)
    clip.path.parent.mkdir()
    clip.path.write_bytes(b"moving picture")
    path = tmp_path / "bank.safetensors"
    replace(bank, exemplars=(replace(bank.exemplars[0], clip=clip), *bank.exemplars[1:])).save(path)
    stored = ExemplarBank.load(path).exemplars[0].clip.path
    assert stored == tmp_path / "bank_clips" / "one.mp4"
    assert stored.read_bytes() == b"moving picture"


def test_real_dives_come_first(bank, encodings):
    mine = single(bank, encodings, Exemplar("mine", DiveCode.parse("207C"), 10.0, 3.3, 70.0, USER_DIVES))
    lower = single(bank, encodings, Exemplar("lower", DiveCode.parse("207C"), 7.5, 3.5, 70.0, USER_DIVES))
    both = bank.join(mine).join(lower)
    for seed in range(5):
        order = [choice.exemplar for choice in both.choose(card("207C", 10), 10, seed)]
        assert order[0] == "mine"
        assert sorted(order[1:4]) == ["dive-0", "dive-1", "dive-2"]
        assert order[4:] == ["lower"]


@pytest.mark.parametrize("name", ["../one.mp4", "/etc/passwd", "a/b.mp4", "", ".."])
def test_a_clip_outside_its_folder_is_refused(bank, tmp_path, name):
    path = tmp_path / "bank.safetensors"
    clip = ExemplarClip(tmp_path / "one.mp4", 0, 10, 40, 60)
    broken = replace(bank.exemplars[0], clip=clip)
    values = broken.to_json()
    values["clip"]["path"] = name
    with pytest.raises(ValueError, match="no name of a clip"):
        Exemplar.from_json(values, clips_folder(path))


def test_other_weights_are_refused(bank, tmp_path):
    bank.save(tmp_path / "bank.safetensors")
    with pytest.raises(BankError, match="encoded by other weights"):
        ExemplarBank.load(tmp_path / "bank.safetensors", "0123456789ab")


def cut_short(path, bank):
    path.write_bytes(path.read_bytes()[:500])


def without_index(path, bank):
    save_file({"dynamic": torch.zeros(1)}, path)


def one_too_few(path, bank):
    index = {"exemplars": [], "window_starts": [0], "fingerprint": "", "calibration": None}
    arrays = {name: array for name, array in vars(bank.encodings).items() if array is not None}
    save_file(arrays, path, metadata={"index": json.dumps(index)})


def with_array(name, change):
    def spoil(path, bank):
        with safe_open(path, framework="pt") as file:
            arrays, metadata = {key: file.get_tensor(key) for key in file.keys()}, file.metadata()  # noqa: SIM118
        changed = change(arrays.pop(name))
        save_file(arrays if changed is None else arrays | {name: changed.contiguous()}, path, metadata=metadata)

    return spoil


def with_index(**changes):
    return with_index_text(lambda index: json.dumps(index | changes))


def with_exemplar(**changes):
    return with_index_text(lambda index: json.dumps(index | {"exemplars": [index["exemplars"][0] | changes] * 5}))


def with_index_text(change):
    def spoil(path, bank):
        with safe_open(path, framework="pt") as file:
            arrays, index = {key: file.get_tensor(key) for key in file.keys()}, file.metadata()["index"]  # noqa: SIM118
        save_file(arrays, path, metadata={"index": change(json.loads(index))})

    return spoil


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (with_array("dynamic", lambda array: None), "lacks the array dynamic"),
        (with_array("dynamic", lambda array: array[..., :-1]), r"dynamic has the shape \[3, 4, "),
        (with_array("static", lambda array: array[:, :, 0]), r"static has the shape"),
        (with_array("entry", lambda array: array[:3]), "names 5 exemplars but has 3 encodings"),
        (with_array("transitions", lambda array: array.half()), "transitions holds values of the type torch.float16"),
        (with_array("dynamic", lambda array: array.int()), "dynamic holds values of the type torch.int32"),
        (with_array("transitions", lambda array: array + 96), "transitions has frames outside the 96"),
        (with_array("transitions", lambda array: array - 10**9), "transitions has frames outside the 96"),
        (with_array("static", lambda array: array * float("nan")), "static has values that are not finite"),
        (with_index(exemplars={}), "exemplars should be a list, not a dict of 0 items"),
        (with_index(exemplars=[3] * 5), "exemplar 1 of 5: an exemplar should be an object, not 3"),
        (with_index(fingerprint=[1]), r"fingerprint should be text, not \[1\]"),
        (with_index(calibration=[]), "calibration should be an object"),
        (with_index(calibration={"low": 1, "high": 0, "dives": 60, "source": "x"}), "lower end is above its upper"),
        (with_index(calibration={"low": 1, "high": "x", "dives": 60, "source": "x"}), "high should be a finite number"),
        (with_index_text(lambda index: "[]"), "should be a JSON object"),
        (with_index_text(lambda index: "[" * 100_000), "nested too deeply"),
        (with_exemplar(score=float("nan")), "exemplar 1 of 5: score should be a finite number, not nan"),
        (with_exemplar(score=float("inf")), "exemplar 1 of 5: score should be a finite number, not inf"),
        (with_exemplar(score=1e9), "exemplar 1 of 5: dive-0: score 1e.09 and difficulty"),
        (with_exemplar(difficulty=float("nan")), "exemplar 1 of 5: difficulty should be a finite number, not nan"),
        (with_exemplar(difficulty=-1), "difficulty -1 are not those of a dive"),
        (with_exemplar(height=4.5), "exemplar 1 of 5: .*4.5"),
        (with_exemplar(code=["207C"]), r"code should be a dive number, not \['207C'\]"),
        (with_exemplar(code="x" * 10**5), "code should be a dive number, not 'xxx"),
        (with_exemplar(name={"a": 1}), "name should be text, not a dict of 1 items"),
        (with_exemplar(id="\ud800"), "id should be text"),
        (with_exemplar(recipe={"seed": 1, "level": 7}), "level from 0 to 1, not 1 and 7"),
        (with_exemplar(recipe={"seed": 1}), "level is missing"),
        (with_exemplar(clip={"path": "a.mp4", "first": 0.5}), "flight is missing"),
        (with_exemplar(clip="a.mp4"), "clip should be an object"),
        (with_exemplar(), "exemplar 2 of 5: there is another one of the id"),
        (lambda path, bank: path.unlink(), "there is no exemplar bank"),
        (lambda path, bank: path.write_text("not a bank"), "is not an exemplar bank"),
        (cut_short, "is not an exemplar bank"),
        (without_index, "is not an exemplar bank"),
        (one_too_few, "names 0 exemplars but has 5"),
    ],
)
def test_broken_banks_are_refused(model, bank, tmp_path, spoil, reason):
    path = tmp_path / "bank.safetensors"
    bank.save(path)
    spoil(path, bank)
    with pytest.raises(BankError, match=reason) as error:
        ExemplarBank.load(path, config=model.config)
    assert str(path) in str(error.value)
    assert len(str(error.value)) < len(str(path)) + 250


def test_encodings_of_no_network_are_refused(bank, tmp_path):
    path = tmp_path / "bank.safetensors"
    bank.save(path)
    with_array("static", lambda array: array.flatten(1))(path, bank)
    with pytest.raises(BankError, match="static has the shape"):
        ExemplarBank.load(path)


def test_encodings_of_another_shape_are_not_joined(bank, encodings):
    other = single(bank, encodings, Exemplar("mine", DiveCode.parse("301C"), 3.0, 1.6, 33.6, USER_DIVES))
    other = replace(other, encodings=replace(other.encodings, dynamic=other.encodings.dynamic[..., :-1]))
    with pytest.raises(BankError, match="encodings of different shapes"):
        bank.join(other)
