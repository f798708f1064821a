# Everything here works on a bare clone with make and a Python >= 3.11; see `make help`.
# Paths are relative throughout, so that a clone may stand anywhere, in "My Documents" too.

SHELL := /bin/sh
RUN := .venv/bin/python -m
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test quality lighthouse soak states test-arm test-boot test-ha release check format bench fuzz lock chaos ship eyes estimates ciw train pictures drawings report-demo clean

help:  ## this list
	@echo "machiai: how busy is the public office"; echo
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'

demo:  ## a whole office on this machine, then tells what to open; ARGS="--speed 60 --port 8080"
	@sh tools/venv.sh demo
	@exec $(RUN) machiai demo $(ARGS)

test: check  ## make check, then every test, browser and broker tests included; ARGS="-k gate"
	@sh tools/apt.sh mosquitto openssl chromium fonts-noto-cjk espeak-ng victoria-metrics \
		|| echo "Tests that need what is missing are skipped; the last lines say which."
	@sh tools/npm.sh || echo "Pages are not held against axe-core, pa11y and the HTML checker."
	$(RUN) pytest -ra -n auto --dist loadfile $(ARGS)

quality:  ## axe-core, pa11y and the HTML checker on each page in each state in each language; half an hour
	@sh tools/venv.sh dev
	@sh tools/apt.sh chromium fonts-noto-cjk
	@sh tools/npm.sh
	MACHIAI_MATRIX=whole $(RUN) pytest -ra tests/quality tests/display/test_layout_browser.py tests/display/test_truth_page.py tests/display/test_guide_screen.py $(ARGS)

lighthouse:  ## Lighthouse on each public page behind nginx, medians of 3; half an hour; ARGS="--only /text"
	@sh tools/venv.sh dev
	@sh tools/apt.sh chromium fonts-noto-cjk nginx-light
	@sh tools/npm.sh all
	$(RUN) tests.quality.lighthouse $(ARGS)

soak:  ## a display for 24 hours of the example office, in 24 minutes: what it shows late, what grows
	@sh tools/venv.sh dev
	@sh tools/apt.sh mosquitto chromium fonts-noto-cjk
	MACHIAI_SOAK=whole $(RUN) pytest -ra --timeout=3600 --log-cli-level=INFO tests/display/test_soak.py $(ARGS)

states:  ## tests/quality/states/*.png and docs/pictures/colour-vision.png anew, after a change that is meant
	@sh tools/venv.sh dev
	@sh tools/apt.sh chromium fonts-noto-cjk
	MACHIAI_STATES=take $(RUN) pytest -q tests/quality/test_states.py tests/quality/test_colour_vision.py

test-arm:  ## a camera's agent on emulated arm64 counts the same as here; needs root, 5 minutes
	@sh tools/venv.sh dev
	@sh tools/apt.sh mosquitto debootstrap qemu-user-static
	@sh tools/arm.sh
	$(RUN) tests.arm

test-boot:  ## playbooks on Debians that boot in containers: two releases, an office at work, what is open; needs root, 20 minutes
	@sh tools/venv.sh dev
	@sh tools/apt.sh mosquitto debootstrap systemd-container nftables nmap openssh-client curl iproute2
	$(RUN) tests.provision.boot $(ARGS) || [ $$? -eq 77 ]

test-ha:  ## the office in a real Home Assistant and a real Node-RED, while everything dies; ten minutes to install, four to run
	@sh tools/venv.sh dev
	@sh tools/apt.sh mosquitto openssl nodejs npm
	@test -x var/ha/bin/python || python3.11 -m venv var/ha
	@var/ha/bin/python -m pip install --quiet --disable-pip-version-check -r tools/ha_requirements.txt
	@test -e var/node-red/node_modules/node-red/red.js || npm install --silent --no-audit --prefix var/node-red node-red@4.1
	MACHIAI_HA=var/ha MACHIAI_NODE_RED=var/node-red $(RUN) pytest -ra --timeout=1500 tests/homeassistant $(ARGS)

release:  ## dist/machiai-<version>/, signed, for machines without PyPI; ARGS="--key release.key" (docs/updates.md)
	@sh tools/venv.sh dev
	.venv/bin/python tools/release.py build $(ARGS)

check:  ## format, lint, types, import rules
	@sh tools/venv.sh dev
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy
	.venv/bin/python .venv/bin/lint-imports

format:  ## rewrites what a tool can put right
	@sh tools/venv.sh dev
	$(RUN) ruff format .
	$(RUN) ruff check --fix .

bench:  ## how fast, beside mosquitto's client, Node-RED and nginx in the same run
	@sh tools/venv.sh dev
	@sh tools/apt.sh mosquitto mosquitto-clients nginx-light wrk chromium fonts-noto-cjk victoria-metrics
	$(RUN) bench.hub --node-red
	$(RUN) bench.web $(ARGS)
	$(RUN) bench.pixel
	$(RUN) bench.kiosk
	$(RUN) bench.history
	$(RUN) bench.ship
	$(RUN) bench.bookings

fuzz:  ## hostile bytes for what reads them, a minute each; ARGS="--seconds 600"
	@sh tools/venv.sh dev
	$(RUN) tests.fuzz $(ARGS)

lock:  ## writes requirements/*.txt anew; ARGS=--upgrade takes the newest of everything
	@sh tools/lock.sh $(ARGS)

chaos:  ## 1,060 faults upon 1,600,000 events in 18 minutes, and what was lost; ARGS="--seeds 7 --seconds 30"
	@sh tools/venv.sh dev
	@sh tools/apt.sh mosquitto
	$(RUN) tests.chaos $(or $(ARGS),--seeds 1-4 --seconds 230 --faults 265 --rate 2000)

ship:  ## a VictoriaMetrics killed and cut 40 times, and away for a day: what is missing, how memory grows; 15 minutes
	@sh tools/venv.sh dev
	@sh tools/apt.sh mosquitto victoria-metrics
	MACHIAI_INFLUX=whole $(RUN) pytest -ra --timeout=3000 --log-cli-level=INFO tests/broker/test_influx_victoria.py tests/broker/test_influx_hub.py $(ARGS)

eyes:  ## crossings by the hundred, counted in drawn frames, of drawn walkers and in the clip beside this clone; minutes
	@sh tools/venv.sh dev
	MACHIAI_DAYS=12 MACHIAI_CROSSINGS=$(or $(ARGS),600) $(RUN) pytest -q --timeout=900 --log-cli-level=INFO tests/edge/test_rendered.py
	$(RUN) bench.doorway

estimates:  ## the tables of docs/estimators.md from the referee's sets in ../shared; minutes; ARGS="--jobs 2"
	@sh tools/venv.sh dev
	$(RUN) tests.referee.estimates $(ARGS)

ciw:  ## waits of our synthetic office beside those of ciw, another simulator; minutes; ARGS="--days 200"
	@sh tools/venv.sh dev
	@test -x var/ciw/bin/python || python3 -m venv var/ciw
	@var/ciw/bin/python -m pip install --quiet --disable-pip-version-check -r tools/ciw_requirements.txt
	$(RUN) pytest -q tests/world
	$(RUN) tests.world $(ARGS)

train:  ## models/vision/weights/rendered.onnx anew, on a CPU in half an hour; ARGS="--steps 300"
	@test -x var/train/bin/python || python3 -m venv var/train
	@var/train/bin/python -m pip install --quiet --disable-pip-version-check -r models/train/requirements.txt
	XLA_FLAGS=--xla_cpu_multi_thread_eigen=false nice var/train/bin/python -m models.train.train $(ARGS)

pictures:  ## docs/pictures/*.png from the running demo
	@sh tools/venv.sh dev
	@sh tools/apt.sh chromium fonts-noto-cjk
	.venv/bin/python tools/pictures.py $(ARGS)

drawings:  ## docs/pictures/devices/*.svg anew
	@sh tools/venv.sh dev
	.venv/bin/python tools/device_drawings.py

report-demo:  ## three months of the example office, the report of the last and its pictures; two minutes
	@sh tools/venv.sh dev
	@sh tools/apt.sh chromium fonts-noto-cjk
	$(RUN) tests.report.months --out var/months
	.venv/bin/machiai report ansible/sites/example.toml --month 2026-10 --state var/months --out var/months --since-change 2026-09-15 --pdf
	$(RUN) tests.report.pictures var/months/minami-2026-10

clean:  ## removes what was built, and the virtual environment
	rm -rf .venv dist var .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
