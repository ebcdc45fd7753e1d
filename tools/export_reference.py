"""Exports logits and contributions of a model from transformers, for `partscope doctor --reference`.

    python tools/export_reference.py MODEL -o reference.safetensors
    partscope doctor -m MODEL --reference reference.safetensors

MODEL is a folder or a name on the hub. The values come from hooks on the unmodified transformers model: the logits of
each prompt's last token over the whole vocabulary, before a final soft-cap, and what every head and MLP contributes to
the logits of eight tokens. `--double` computes in f64 and takes twice the memory; `--logits-only` is for models whose
layers the hooks do not know. GGUF files are compared with the folder that they were made from.

Requires torch, transformers and safetensors.
"""

import argparse

import torch
import transformers
from golden_models import attribute, without_softcap
from safetensors.torch import save_file

TEXTS = [
    "Review: a fine film. Sentiment: positive\nReview: dull and long. Sentiment: negative\nReview: I loved it. Sentiment:",
    "The service was slow and the food was cold. All in all it was",
    "Question: is the sky blue? Answer: yes\nQuestion: is grass red? Answer:",
    "News: the team won the final. Topic: sports\nNews: shares fell again. Topic:",
]
LABELS = 8


def load(name, double):
    eager = dict(attn_implementation="eager", experts_implementation="eager")
    model = transformers.AutoModelForCausalLM.from_pretrained(name, dtype=torch.float32, **eager).eval()
    without_softcap(model)
    return model.double() if double else model


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--texts", help="file with one prompt a line, in place of four built-in ones")
    parser.add_argument("--double", action="store_true")
    parser.add_argument("--logits-only", action="store_true")
    args = parser.parse_args()
    texts = open(args.texts).read().splitlines() if args.texts else TEXTS
    tokenizer = transformers.AutoTokenizer.from_pretrained(args.model)
    model = load(args.model, args.double)
    prompts = [tokenizer(text)["input_ids"] for text in texts]
    vocabulary = model.get_output_embeddings().weight.shape[0]
    labels = [(2 * label + 1) * vocabulary // (2 * LABELS) for label in range(LABELS)]
    tensors = {
        "tokens": torch.tensor([token for prompt in prompts for token in prompt]),
        "lengths": torch.tensor([len(prompt) for prompt in prompts]),
        "labels": torch.tensor(labels),
    }
    if args.logits_only:
        with torch.no_grad():
            logits = torch.stack([model(torch.tensor([prompt])).logits[0, -1] for prompt in prompts])
    else:
        results = [attribute(model, prompt, labels) for prompt in prompts]
        heads, mlps, rest, logits = (torch.stack(values) for values in zip(*results))
        tensors |= {"heads": heads.permute(1, 2, 0, 3), "mlps": mlps.permute(1, 0, 2), "rest": rest}
    tensors["logits"] = logits
    tensors = {name: (x.float() if x.is_floating_point() else x).contiguous() for name, x in tensors.items()}
    kind = "f64" if args.double else "f32"
    made = f"transformers {transformers.__version__} in {kind}"
    save_file(tensors, args.output, metadata={"made_with": made})
    print(f"{args.output}: {len(prompts)} prompts, {vocabulary} logits each, by {made}")


if __name__ == "__main__":
    main()
