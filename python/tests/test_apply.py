"""A mix on a decoder of Hugging Face transformers. PyTorch is not part of CI: without it, these tests are skipped, and
tools/check_apply.py runs them on every architecture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import partscope
from golden_prompts import TOKENS, random_prompts

MODELS = Path(__file__).parents[2] / "tests" / "golden" / "models"


@pytest.fixture(scope="module", params=["llama", "gpt2", "gemma2"])
def fitted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[partscope.Fit, Any]:
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    home = tmp_path_factory.mktemp(request.param)
    prompts = random_prompts(home / "prompts.jsonl")
    run = partscope.run(MODELS / request.param, prompts=prompts, label_tokens=TOKENS, output=home / "run")
    model = transformers.AutoModelForCausalLM.from_pretrained(
        MODELS / request.param, attn_implementation="eager", dtype=torch.float32
    )
    return run.fit(), model.eval()


@pytest.mark.parametrize("rho", [1.0, 0.0])
def test_the_sum_is_that_of_the_program(fitted: tuple[partscope.Fit, Any], rho: float) -> None:
    fit, model = fitted
    mix = partscope.Mix(fit.mix.weights, rho, fit.mix.offsets, fit.mix.meta)
    expected = mix.logits(fit.run.attribution())
    found = partscope.apply(mix, model).logits(fit.run.token_ids())
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize("positions", ["last", "all"])
def test_the_rerun_is_that_of_the_program(fitted: tuple[partscope.Fit, Any], positions: str) -> None:
    fit, model = fitted
    mixed = partscope.apply(fit.mix, model, "rerun", positions=positions)
    gold, rows = fit.run.attribution().labels, np.arange(40)
    logits = mixed.logits(fit.run.token_ids())
    others = logits.copy()
    others[rows, gold] = -np.inf
    margin = (logits[rows, gold] - others.max(-1)).mean()
    stated = fit.run.ablate(fit.mix, positions=positions)
    assert abs(margin - stated["margin"]["total"]) <= 1e-4 * np.abs(logits).max()
    assert np.abs(logits - partscope.apply(fit.mix, model).logits(fit.run.token_ids())).max() > 1e-2


def test_both_accuracies_are_printed(fitted: tuple[partscope.Fit, Any], capsys: pytest.CaptureFixture[str]) -> None:
    fit, model = fitted
    found = partscope.apply(fit.mix, model).evaluate(fit.run)
    said = capsys.readouterr().out
    assert "differ" in said and f"sum {100 * found['sum']:.1f} %" in said and f"rerun {100 * found['rerun']:.1f} %" in said
    assert found["model"] == pytest.approx(fit.run.accuracy["full"])


def test_the_model_is_not_changed(fitted: tuple[partscope.Fit, Any]) -> None:
    torch = pytest.importorskip("torch")
    fit, model = fitted
    prompt = torch.tensor([fit.run.token_ids()[0]])
    with torch.no_grad():
        before = model(prompt).logits
        partscope.apply(fit.mix, model, "rerun").logits(fit.run.token_ids())
        assert torch.equal(before, model(prompt).logits)


def test_another_model_or_way_is_refused(fitted: tuple[partscope.Fit, Any], run: partscope.Run, fit: partscope.Fit) -> None:
    own, model = fitted
    with pytest.raises(partscope.PartscopeError, match="other components"):
        partscope.apply(fit.mix, model)
    with pytest.raises(partscope.PartscopeError, match="another model"):
        partscope.apply(own.mix, model).evaluate(run)
    with pytest.raises(ValueError, match="sum"):
        partscope.apply(own.mix, model, "total")
    with pytest.raises(partscope.PartscopeError, match="no tokens"):
        partscope.apply(own.mix, model).logits([[]])


def test_parts_that_do_not_add_up_are_refused(fitted: tuple[partscope.Fit, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from partscope import _decoder

    fit, model = fitted
    mixed = partscope.apply(fit.mix, model)
    monkeypatch.setattr(mixed._decoder, "residual_scale", 0.5)
    assert _decoder.Decoder is type(mixed._decoder)
    with pytest.raises(partscope.PartscopeError, match="do not add up"):
        mixed.logits(fit.run.token_ids())


def test_parts_that_cancel_add_up_within_rounding_and_a_missing_part_does_not() -> None:
    torch = pytest.importorskip("torch")
    from partscope._decoder import Contributions

    heads = torch.full((1, 2, 1, 2), 500.0) * torch.tensor([1.0, -1.0]).reshape(1, 2, 1, 1)
    rest = torch.tensor([[0.01, 0.0]])
    rounding = torch.tensor([[1e-4, 0.0]])
    assert Contributions(heads, torch.zeros(1, 1, 2), rest, rest + rounding).gap() == 0.0
    assert Contributions(heads, torch.zeros(1, 1, 2), rest, rest + 100 * rounding).gap() > 0.1
    missing = Contributions(heads[:, :1] * rest, torch.zeros(1, 1, 2), rest, rest)
    assert missing.gap() > 1e-3
    assert not Contributions(heads, torch.zeros(1, 1, 2), rest, rest * float("nan")).gap() <= 1e-3
