"""Recipes: layers, types, overrides, and errors that name the file, the key and the nearest key."""

import dataclasses
from pathlib import Path

import pytest

from vlrl import config
from vlrl.config import Data, Lora, Part, Recipe
from vlrl.contracts import Source, UserError
from vlrl.mix import Mix

RECIPES = [name for name, path in config.recipes().items() if "\ntask:" in path.read_text("utf-8")]


def write(path: Path, text: str) -> str:
    path.write_text(text, "utf-8")
    return str(path)


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_loads_and_survives_saving(name: str, tmp_path: Path) -> None:
    recipe = config.load(name)
    assert recipe.output == f"runs/{name}"
    path = tmp_path / "recipe.yaml"
    config.save(recipe, path)
    assert config.load(str(path)) == recipe


@pytest.mark.parametrize("name", config.recipes())
def test_every_recipe_is_short_and_says_what_it_is(name: str) -> None:
    path = config.recipes()[name]
    lines = path.read_text("utf-8").splitlines()
    assert len(config.about(path)) > 20
    assert len(lines) <= 25


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_the_trainers_know_every_option_of_every_recipe(name: str) -> None:
    recipe = config.load(name)
    assert config.check_train_options(recipe).keys() == recipe.train.keys()
    assert config.check_sft_options(recipe).keys() == recipe.sft.keys() - {*config.SFT_SHARES}


def test_a_recipe_of_one_line_has_the_defaults(tmp_path: Path) -> None:
    recipe = config.load(write(tmp_path / "mine.yaml", "task: counting"))
    assert recipe == Recipe(task="counting", output="runs/mine")
    assert (recipe.model, recipe.mode, recipe.combine) == ("tiny", "think", "sum")
    assert recipe.rewards == {"accuracy": 1.0, "format": 1.0}


def test_a_recipe_is_laid_over_its_base_key_by_key_but_rewards_whole(tmp_path: Path) -> None:
    write(
        tmp_path / "below.yaml",
        "mode: direct\nseed: 3\nrewards: {accuracy: 1, format: 1}\n"
        "train: {beta: 0.04, num_generations: 8}\ndata: {train: a, take: 'first:5'}",
    )
    over = "base: below.yaml\ntask: counting\nseed: 4\nrewards: {accuracy: 2}\n"
    over += "train: {beta: 0}\ndata: {train: b}"
    recipe = config.load(write(tmp_path / "over.yaml", over))
    assert (recipe.mode, recipe.seed) == ("direct", 4)
    assert recipe.rewards == {"accuracy": 2}
    assert recipe.train == {"beta": 0, "num_generations": 8}
    assert recipe.data == Data(train="b", take="first:5")


def test_a_base_may_be_a_recipe_of_the_library(tmp_path: Path) -> None:
    recipe = config.load(write(tmp_path / "mine.yaml", "base: r1v\ntask: counting"))
    assert recipe.train["num_generations"] == 8
    assert recipe.train["beta"] == 0.04
    assert recipe.train["learning_rate"] == 1e-6
    assert recipe.train["use_bias_correction_kl"] is False


@pytest.mark.parametrize(
    ("override", "attribute", "expected"),
    [
        ("seed=7", "seed", 7),
        ("max_pixels=401408", "max_pixels", 401408),
        ("max_pixels=null", "max_pixels", None),
        ("evaluate=some_benchmark", "evaluate", ("some_benchmark",)),
        ("evaluate=[one, two]", "evaluate", ("one", "two")),
        ("data.take=random:10%", "data", Data(train="rows", take="random:10%")),
        ("data.columns.image=picture", "data", Data(train="rows", columns={"image": "picture"})),
        ("train.learning_rate=2e-6", "train", {"learning_rate": 2e-6}),
        ("train.tf32=true", "train", {"learning_rate": 1e-6, "tf32": True}),
        ("rewards.format=0.5", "rewards", {"accuracy": 1.0, "format": 0.5}),
        ("rewards={accuracy: 1}", "rewards", {"accuracy": 1}),
        ("lora={}", "lora", Lora()),
        ("lora.r=8", "lora", Lora(r=8)),
        ("lora.targets=[q_proj, v_proj]", "lora", Lora(targets=("q_proj", "v_proj"))),
        ("lora.dropout='5e-2'", "lora", Lora(dropout=0.05)),
    ],
)
def test_an_override_changes_the_key_it_names(
    override: str, attribute: str, expected: object, tmp_path: Path
) -> None:
    text = "task: counting\ndata: {train: rows}\ntrain: {learning_rate: 1e-6}"
    path = write(tmp_path / "mine.yaml", text)
    recipe = config.load(path, [override])
    assert getattr(recipe, attribute) == expected
    unchanged = {"seed": 0, "max_pixels": None, "evaluate": (), "lora": None} | {
        "data": Data(train="rows"),
        "train": {"learning_rate": 1e-6},
        "rewards": {"accuracy": 1.0, "format": 1.0},
    }
    del unchanged[attribute]
    assert {key: getattr(recipe, key) for key in unchanged} == unchanged


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("task: counting\nmodl: x", "unknown key `modl`; did you mean 'model'?"),
        ("task: counting\ndata: {trian: x}", "unknown key `data.trian`; did you mean 'train'?"),
        ("task: counting\nlora: {rank: 8}", "unknown key `lora.rank`; known: alpha, dropout"),
        ("task: counting\nseed: one", "`seed`: expected a whole number, got 'one'"),
        ("task: counting\nseed: 1.5", "`seed`: expected a whole number, got 1.5"),
        ("task: counting\nfreeze_vision: 1", "`freeze_vision`: expected true or false, got 1"),
        ("task: 3", "`task`: expected text, got 3"),
        ("task: counting\ndata: rows.jsonl", "`data`: expected keys and values, got 'rows.jsonl'"),
        ("task: counting\ntrain:", "`train`: expected keys and values, got None"),
        ("task: counting\nmax_pixels: [1]", "`max_pixels`: expected a whole number or null"),
        ("task: counting\nseed: 1\nseed: 2", "the key `seed` stands twice"),
        ("task: [", "not valid YAML"),
        ("counting", "a recipe is made of keys and values"),
        ("mode: think", "`task` is missing"),
        ("base: r1v_countin\ntask: counting", "no recipe is called 'r1v_countin'; did you mean"),
        ("base: r1v_counting\ntask: x", "a base has no base of its own"),
        ("base: elsewhere.yaml\ntask: counting", "there is no such recipe file"),
    ],
)
def test_a_mistake_in_a_recipe_names_file_and_key(text: str, message: str, tmp_path: Path) -> None:
    path = write(tmp_path / "mine.yaml", text)
    with pytest.raises(UserError) as error:
        config.load(path)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_mistake_in_a_base_names_the_base(tmp_path: Path) -> None:
    write(tmp_path / "below.yaml", "sed: 3")
    path = write(tmp_path / "over.yaml", "base: below.yaml\ntask: counting")
    with pytest.raises(UserError, match=r"below.yaml: unknown key `sed`; did you mean 'seed'"):
        config.load(path)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("seed", "expected key=value"),
        ("=3", "expected key=value"),
        ("train.=3", "expected key=value"),
        ("sed=3", "command line: unknown key `sed`; did you mean 'seed'?"),
        ("data.tak=3", "command line: unknown key `data.tak`; did you mean 'take'?"),
        ("rewards={", "is not a YAML value"),
    ],
)
def test_a_mistake_in_an_override_is_said(override: str, message: str) -> None:
    with pytest.raises(UserError) as error:
        config.load(RECIPES[0], [override])
    assert message in str(error.value)


def test_an_unknown_recipe_is_refused_with_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean 'r1v_counting'"):
        config.load("r1v_countng")


def test_sources_of_a_recipe() -> None:
    data = Data(train="rows", validation="test_rows", take="first:9", columns={"image": "img"})
    recipe = Recipe(task="counting", data=data, seed=5)
    common = {"columns": {"image": "img"}, "seed": 5, "task": "counting"}
    assert config.source(recipe, "train") == Source(spec="rows", take="first:9", **common)
    validation = Source(spec="test_rows", role="validation", **common)
    assert config.source(recipe, "validation") == validation
    with pytest.raises(UserError, match="names no train rows"):
        config.source(Recipe(task="counting"), "train")


SEVERAL = """task: counting
seed: 5
data:
  columns: {image: img}
  take: first:99
  train:
  - rows.jsonl
  - {source: lab/counts, take: "random:10%", columns: {}}
  validation: [{source: a, share: 3}, {source: b, share: "0.5", task: counting}]
"""


def test_several_sources_of_a_recipe(tmp_path: Path) -> None:
    recipe = config.load(write(tmp_path / "mine.yaml", SEVERAL))
    train = Mix(
        spec="rows.jsonl + lab/counts",
        take="first:99",
        seed=5,
        parts=(
            Source(spec="rows.jsonl", columns={"image": "img"}, seed=5, task="counting"),
            Source(spec="lab/counts", take="random:10%", seed=5, task="counting"),
        ),
    )
    assert config.source(recipe, "train") == train
    validation = config.source(recipe, "validation")
    assert isinstance(validation, Mix)
    assert (validation.role, validation.take, validation.shares) == ("validation", None, (3, 0.5))
    assert [part.role for part in validation.parts] == ["validation", "validation"]


def test_several_sources_survive_saving_and_overriding(tmp_path: Path) -> None:
    recipe = config.load(write(tmp_path / "mine.yaml", SEVERAL))
    config.save(recipe, tmp_path / "saved.yaml")
    assert config.load(str(tmp_path / "saved.yaml")) == recipe
    one = config.load(str(tmp_path / "mine.yaml"), ["data.train=rows"])
    assert one.data == dataclasses.replace(recipe.data, train="rows")
    two = config.load(RECIPES[0], ["data.train=[{source: a, share: 1}, {source: b, share: 2}]"])
    assert two.data.train == (Part(source="a", share=1), Part(source="b", share=2))


@pytest.mark.parametrize(
    ("train", "message"),
    [
        ("[]", "`data.train`: the list names no source"),
        ("{source: a}", "`data.train`: expected text or a list or null, got {'source': 'a'}"),
        ("[a, 3]", "`data.train[1]`: expected a source or {source: ...}, got 3"),
        ("[{take: 'first:3'}]", "`data.train[0]`: expected a source or {source: ...}, got {'take'"),
        ("[a, {source: b, shar: 1}]", "key `data.train[1].shar`; did you mean 'share'?"),
        ("[{source: b, share: much}]", "`data.train[0].share`: expected a number or null, got"),
        ("[a, {source: b, share: 1}]", "`data.train`: expected a share for all of its sources or"),
        ("[{source: b, share: 0}]", "`data.train`: a share is more than 0; leave out"),
        ("[{source: b, share: .inf}]", "`data.train`: a share is more than 0; leave out"),
    ],
)
def test_a_mistake_in_a_list_of_sources_is_said(train: str, message: str, tmp_path: Path) -> None:
    path = write(tmp_path / "mine.yaml", f"task: counting\ndata: {{train: {train}}}")
    with pytest.raises(UserError) as error:
        config.load(path)
    assert message in str(error.value)


def test_a_source_may_be_of_another_task_with_its_own_rewards(tmp_path: Path) -> None:
    train = "[a, {source: b, task: grounding, rewards: {box.hit: 1}}]"
    recipe = config.load(write(tmp_path / "mine.yaml", f"task: counting\ndata: {{train: {train}}}"))
    assert config.task_names(recipe) == ["counting", "grounding"]
    source = config.source(recipe, "train")
    assert isinstance(source, Mix)
    assert [(part.task, part.rewards) for part in source.parts] == [
        ("counting", None),
        ("grounding", {"box.hit": 1}),
    ]


@pytest.mark.slow
def test_train_options_are_brought_to_the_trainers_types() -> None:
    options = {"learning_rate": "2e-6", "max_steps": 10.0, "scale_rewards": False, "beta": 0}
    checked = config.check_train_options(Recipe(task="counting", train=options))
    assert checked == {"learning_rate": 2e-6, "max_steps": 10, "scale_rewards": False, "beta": 0}
    assert isinstance(checked["max_steps"], int)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"learning_rat": 1}, "no such option; did you mean 'learning_rate'?"),
        ({"learning_rate": "fast"}, "train.learning_rate: expected a number, got 'fast'"),
        ({"max_steps": 1.5}, "train.max_steps: expected a whole number, got 1.5"),
        ({"tf32": "maybe"}, "train.tf32: expected true or false or null, got 'maybe'"),
        ({"lr_scheduler_type": "cosin"}, "'cosin' is no choice; did you mean 'cosine'?"),
        ({"num_generations": 1}, "a group of one has no baseline"),
        ({"output_dir": "x"}, "state it as `output` of the recipe"),
        ({"seed": 1}, "state it as `seed` of the recipe"),
        ({"report_to": "wandb"}, "state it as `report_to` of the recipe"),
        ({"reward_weights": [1]}, "give each reward its weight under `rewards`"),
        ({"hub_token": "x"}, "HF_TOKEN"),
    ],
)
def test_a_mistake_in_train_options_is_said(options: dict, message: str) -> None:
    with pytest.raises(UserError) as error:
        config.check_train_options(Recipe(task="counting", train=options))
    assert message in str(error.value)


@pytest.mark.slow
def test_sft_options_leave_the_habits_out() -> None:
    shares = {"habits": {"one": 0.5, "two": 0.5}, "modes": {"think": 1}}
    recipe = Recipe(task="counting", sft={"max_steps": 10, **shares})
    assert config.check_sft_options(recipe) == {"max_steps": 10}
    assert recipe.habits == {"one": 0.5, "two": 0.5}
    with pytest.raises(UserError, match=r"sft.max_step: .*did you mean 'max_steps'"):
        config.check_sft_options(Recipe(task="counting", sft={"max_step": 10}))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ({"one": -1}, "sft.habits.one: expected a share of at least 0, got -1"),
        ({"one": "half"}, "sft.habits.one: expected a share of at least 0, got 'half'"),
        ({"one": 0}, "sft.habits: the shares add up to 0"),
        ("one", "sft.habits: expected names and their shares, got 'one'"),
    ],
)
def test_a_mistake_in_shares_is_said(shares: object, message: str) -> None:
    with pytest.raises(UserError) as error:
        config.check_sft_options(Recipe(task="counting", sft={"habits": shares}))
    assert message in str(error.value)


@pytest.mark.slow
def test_what_the_recipe_owns_are_options_of_the_trainer() -> None:
    from trl import GRPOConfig

    from vlrl.coerce import field_types

    of_older_trl = {"max_prompt_length"}
    assert config.OWNED.keys() - of_older_trl <= field_types(GRPOConfig).keys()


@pytest.mark.slow
def test_a_limit_of_prompts_is_refused_with_what_happens_instead() -> None:
    recipe = Recipe(task="counting", train={"max_prompt_length": 512})
    with pytest.raises(UserError, match=r"train.max_prompt_length: .*too long .*, never cut"):
        config.check_train_options(recipe)
