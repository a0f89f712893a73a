"""How a model learns: warm start on worked solutions (`sft`) and GRPO on verifiable rewards (`grpo`)."""
