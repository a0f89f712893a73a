"""The seams with TRL: what our trainer replaces and uses of it is there, as TRL 1.16 has it.

A newer TRL may change any of this in silence; then a test here says what, and where to look.
"""

import ast
import functools
import inspect
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import transformers
import trl
from lengths_runs import make_trainer
from trl import GRPOTrainer
from trl.models import unwrap_model_for_generation
from trl.trainer.utils import add_fused_lm_head, split_tensor_dict

from vlrl.training.checkpoints import ExactLoading
from vlrl.training.trainer import Trainer

pytestmark = pytest.mark.slow

OURS = {Trainer: "vlrl/training/trainer.py", ExactLoading: "vlrl/training/checkpoints.py"}
REPLACED = {
    "_prepare_inputs": "self, generation_batch -> 1",
    "_tokenize_prompts": "self, prompts -> 3",
    "_generate_single_turn": (
        "self, prompt_ids, images, multimodal_fields, num_generations, has_tool_images= -> 2"
    ),
    "_generate_and_score_completions": "self, inputs -> 1",
    "_calculate_rewards": "self, inputs, prompts, completions, completion_ids_list -> 1",
    "_get_per_token_logps_and_entropies": (
        "self, model, input_ids, attention_mask, logits_to_keep, batch_size=, compute_entropy=, "
        "compute_aux_loss=, pixel_values=, image_grid_thw=, num_images=, pixel_attention_mask=, "
        "spatial_shapes=, num_tiles=, image_sizes=, token_type_ids=, mm_token_type_ids=, "
        "image_position_ids= -> 3"
    ),
    "_save_checkpoint": "self, model, trial -> 0",
    "_load_from_checkpoint": "self, resume_from_checkpoint, model= -> 0",
    "_load_optimizer_and_scheduler": "self, checkpoint -> 0",
    "_load_best_model": "self -> 0",
    "evaluate": "self, eval_dataset=, ignore_keys=, metric_key_prefix= -> 1",
}
"""Methods of the base that ours replaces -> their parameters, and how many values they return."""
CALLED = {
    unwrap_model_for_generation: (
        "model, accelerator, gather_deepspeed3_params=, generation_kwargs=, "
        "gradient_checkpointing_kwargs="
    ),
    split_tensor_dict: "tensor_dict, num_chunks",
    add_fused_lm_head: "model, temperature=, cast_lm_head_to_fp32=, outputs=",
}
"""Functions of TRL on whose work ours relies -> their parameters."""
PASSED = (
    "model", "reward_funcs", "args", "train_dataset", "eval_dataset", "processing_class",
    "callbacks", "peft_config",
)  # fmt: skip
"""What our `__init__` passes to TRL's."""
WRAPPED = {"vllm_generation"}
"""Attributes of the base that our `__init__` puts something of its own around."""


def parameters(function: Callable) -> str:
    """Names, with `=` where there is a default and stars where there are several."""
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    return ", ".join(
        stars.get(each.kind, "") + each.name + ("=" if each.default is not each.empty else "")
        for each in inspect.signature(function).parameters.values()
    )


def outline(method: Callable) -> str:
    [definition] = tree(inspect.unwrap(method)).body
    sizes = {
        len(node.value.elts) if isinstance(node.value, ast.Tuple) else 1
        for node in ast.walk(definition)
        if isinstance(node, ast.Return) and node.value and in_function(node, definition)
    }
    return f"{parameters(method)} -> {' or '.join(map(str, sorted(sizes))) or 0}"


def in_function(node: ast.AST, definition: Any) -> bool:
    """Is the node the definition's own, not that of a function inside it?"""
    inner = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    inside = (each for each in ast.walk(definition) if isinstance(each, inner))
    return not any(node in ast.walk(each) for each in inside if each is not definition)


@functools.cache
def tree(thing: Any) -> Any:
    return ast.parse(textwrap.dedent(inspect.getsource(thing)))


def where(name: str) -> str:
    """Which of our files replaces the method."""
    return " and ".join(file for ours, file in OURS.items() if name in vars(ours))


def differences(base: type) -> list[str]:
    """What the base's methods differ in from those that ours were written for."""
    found = []
    for name, known in REPLACED.items():
        method = getattr(base, name, None)
        now = outline(method) if method else "gone"
        if now != known:
            found.append(
                f"TRL {trl.__version__}, transformers {transformers.__version__}: {name} is\n"
                f"    {now}\nand was, when {name} in {where(name)} was written,\n    {known}"
            )
    return found


def test_the_methods_that_ours_replaces_are_as_they_were() -> None:
    assert not (found := differences(GRPOTrainer)), "\n".join(found)


def test_a_method_that_changed_is_named_with_ours_and_both_forms() -> None:
    class Newer(GRPOTrainer):
        _calculate_rewards = None

        def _tokenize_prompts(self, prompts: list, tools: Any = None) -> Any:
            def inner() -> Any:
                return 1, 2, 3, 4

            return inner(), 2

    gone, changed = sorted(differences(Newer), key=lambda text: "tools" in text)
    assert "_calculate_rewards is\n    gone\n" in gone
    assert "_tokenize_prompts is\n    self, prompts, tools= -> 2\nand was" in changed
    assert changed.endswith("in vlrl/training/trainer.py was written,\n    self, prompts -> 3")


def test_ours_replaces_nothing_else() -> None:
    """A name of ours that a newer TRL begins to use for something of its own would show here."""
    own = {name for ours in OURS for name in vars(ours) if not name.startswith("__")}
    assert {name for name in own if hasattr(GRPOTrainer, name)} == REPLACED.keys()
    theirs = {
        name
        for base in GRPOTrainer.__mro__[:-1]
        for name in assigned(base)
        if base.__module__.startswith(("trl.", "transformers."))
    }
    assert {"_step", "model", "state"} <= theirs
    assert (own | assigned(Trainer.__init__)) & theirs - WRAPPED == set()


def assigned(thing: Any) -> set[str]:
    """Attributes of `self` that the class or function assigns."""
    return {
        node.attr
        for node in ast.walk(tree(thing))
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    }


def chains(thing: Any) -> Iterator[tuple[str, ...]]:
    """`self.a.b` in the class -> (a, b), and (a,) too."""
    for node in ast.walk(tree(thing)):
        names: list[str] = []
        while isinstance(node, ast.Attribute):
            names.insert(0, node.attr)
            node = node.value
        if names and isinstance(node, ast.Name) and node.id == "self":
            yield tuple(names)


def test_the_attributes_of_the_base_that_ours_uses_exist(tmp_path: Path) -> None:
    """After construction, so that it is the base that makes them and not a step of ours."""
    made = make_trainer(tmp_path, "pictures:4")
    own = assigned(Trainer.__init__) | {name for ours in OURS for name in vars(ours)}
    used = {chain for ours in OURS for chain in chains(ours) if chain[0] not in own}
    some = "_step _buffered_inputs _metrics _dist eos_token_ids generation_config model_wrapped"
    assert {(name,) for name in some.split()} | {("args", "steps_per_generation")} <= used
    missing = [chain for chain in sorted(used) if not has(made, chain)]
    assert missing == [], f"TRL {trl.__version__} has no longer what {where('evaluate')} uses"


def has(thing: Any, chain: tuple[str, ...]) -> bool:
    for name in chain:
        if not hasattr(thing, name):
            return False
        thing = getattr(thing, name)
    return True


@pytest.mark.parametrize("function", CALLED, ids=lambda function: function.__name__)
def test_the_functions_that_ours_relies_on_are_as_they_were(function: Callable) -> None:
    assert parameters(function) == CALLED[function], f"see its use in {OURS[Trainer]}"


def test_the_base_takes_what_ours_passes_to_it() -> None:
    [call] = [
        node
        for node in ast.walk(tree(Trainer.__init__))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "super().__init__"
    ]
    assert [keyword.arg for keyword in call.keywords] == list(PASSED)
    assert set(PASSED) <= inspect.signature(GRPOTrainer.__init__).parameters.keys()
