"""How a model learns: a warm start on worked solutions (`sft`), then GRPO (`grpo`)."""
