"""What one comparison of `vlrl speed` does; without torch, so that the help shows it at once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One comparison."""

    preset: str = "tiny"
    side_px: int = 560
    """Of the square picture in every prompt."""
    prompt_tokens: int = 450
    """Of the whole prompt: the picture, the chat template, and words up to this length."""
    completion_tokens: int = 96
    num_generations: int = 8
    """Completions of a prompt."""
    num_prompts: int = 2
    """In one optimizer step."""
    micro_batch: int = 8
    """Completions in one forward of the policy, at most."""
    beta: float = 0.04
    freeze_vision: bool = False
    pairs: int = 3
    """Runs of each trainer."""
    seed: int = 0

    @property
    def num_completions(self) -> int:
        """Of one optimizer step."""
        return self.num_prompts * self.num_generations
