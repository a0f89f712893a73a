"""The report page in headless Chromium: it can be read and turned, and runs no foreign code."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest
from fake_run import HOSTILE, make_placed_run, make_run
from PIL import Image

from vlrl.report import write

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--virtual-time-budget=4000",
)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: install the package chromium"),
]

USE_THE_PAGE = """
const log = {};
const all = (selector) => [...document.querySelectorAll(selector)];
const texts = (selector) => all(selector).map((node) => node.textContent);
const press = (key, target = document.body) =>
  target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
const pick = (id, value) => {
  const select = document.getElementById(id);
  select.value = value;
  select.dispatchEvent(new Event("change"));
};
log.start = texts("#place")[0];
log.cards = texts(".card").length;
press("ArrowRight");
log.right = texts("#place")[0];
press("]");
log.step = document.getElementById("pick-step").value;
document.getElementById("previous").click();
log.previous = texts("#place")[0];
pick("pick-filter", "wrong");
log.verdicts = [...new Set(texts(".card .wrong, .card .right"))];
pick("pick-set", "1");
log.labels = texts(".card .label");
const chart = document.querySelector(".chart");
press("End", chart.querySelector(".plot"));
log.readout = texts(".readout")[0];
const box = chart.querySelector(".frame").getBoundingClientRect();
const at = { clientX: box.left, clientY: box.top + 5, bubbles: true };
chart.querySelector(".plot").dispatchEvent(new PointerEvent("pointermove", at));
log.hover = texts(".readout")[0];
log.width = document.documentElement.scrollWidth - window.innerWidth;
log.overlays = all(".overlay").length;
"""

LOOK_AT_THE_OVERLAY = """
const log = {};
const all = (selector) => [...document.querySelectorAll(selector)];
const image = document.querySelector(".picture img");
await image.decode();
const frame = image.getBoundingClientRect();
const shares = (node) => {
  const box = node.getBoundingClientRect();
  return [(box.left - frame.left) / frame.width, (box.top - frame.top) / frame.height,
          (box.right - frame.left) / frame.width, (box.bottom - frame.top) / frame.height];
};
const isSeen = (node) => getComputedStyle(node).display !== "none";
log.target = shares(document.querySelector(".target .lines"));
log.answers = all(".answer .lines[d]").map(shares);
const colour = (selector) => getComputedStyle(document.querySelector(selector)).stroke;
log.differ = colour(".target .lines") !== colour(".answer .lines");
log.keys = all(".asked .keys span").map((node) => node.textContent);
log.seen = all(".answer").map(isSeen);
all(".card")[1].dispatchEvent(new PointerEvent("pointerenter"));
log.pointed = all(".answer").map(isSeen);
all(".card")[1].dispatchEvent(new PointerEvent("pointerleave"));
log.left = all(".answer").map(isSeen);
"""

WRITE_THE_LOG = """
const result = document.createElement("pre");
result.id = "log";
result.textContent = JSON.stringify(log);
document.body.append(result);
"""


def open_page(page: Path, tmp_path: Path, *options: str) -> str:
    """Open a page in a fresh browser profile and return the DOM that results."""
    profile = tmp_path / "profile"
    command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={profile}", *options, page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    shutil.rmtree(profile, ignore_errors=True)
    return done.stdout


def visible_cards(dom: str) -> list[str]:
    cards = re.findall(r'<article class="card">(.*?)</article>', dom, re.DOTALL)
    return [unescape(re.sub(r"<[^>]*>", "", card)) for card in cards]


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    return write([make_run(folder / "first", num_steps=30)])


def log_of(page: Path, script: str, tmp_path: Path) -> dict:
    """What the script, run in the page, writes into `log`."""
    probe = tmp_path / "probe.html"
    source = page.read_text(encoding="utf-8")
    module = f'<script type="module">{script}{WRITE_THE_LOG}</script></body>'
    probe.write_text(source.replace("</body>", module))
    dom = open_page(probe, tmp_path, "--dump-dom", "--window-size=1280,900")
    found = re.search(r'<pre id="log">(.*?)</pre>', dom, re.DOTALL)
    assert found, "the page's script stopped with an error"
    return json.loads(unescape(found[1]))


def test_page_can_be_read_and_turned(page: Path, tmp_path: Path):
    log = log_of(page, USE_THE_PAGE, tmp_path)
    assert log["start"] == "1 of 20" and log["cards"] == 8
    assert log["right"] == "2 of 20" and log["step"] == "4" and log["previous"] == "2 of 20"
    assert log["verdicts"] == ["✗ wrong"]
    assert log["labels"] == ["before", "after", "sft_only"]
    assert log["readout"].startswith("step 30") and log["hover"].startswith("step 1")
    assert log["width"] <= 0  # nothing scrolls sideways
    assert log["overlays"] == 0  # numbers are not drawn


LOOK_AT_THE_LABELS = """
const log = {};
const isSeen = (node) => getComputedStyle(node).display !== "none";
const shown = () => [...document.querySelectorAll(".overlay text")]
  .filter(isSeen).map((node) => [node.textContent, node.getAttribute("y") > 0]);
log.start = shown();
document.querySelector(".card").dispatchEvent(new PointerEvent("pointerenter"));
log.pointed = shown();
"""


def test_labels_are_drawn_and_those_of_an_answer_when_it_is_pointed_at(tmp_path: Path):
    target = [{"bbox_2d": [200, 0, 600, 300], "label": HOSTILE}]
    answers: list[object] = [[{"bbox_2d": [0, 100, 400, 200], "label": "dog"}], None]
    page = write([make_placed_run(tmp_path / "run", ("boxes", target, answers))])
    log = log_of(page, LOOK_AT_THE_LABELS, tmp_path)
    assert log["start"] == [[HOSTILE, True]]
    assert log["pointed"] == [[HOSTILE, True], ["dog", True]]


def test_target_and_answers_are_drawn_over_the_picture(tmp_path: Path):
    answers: list[object] = [[0, 0, 400, 200], None, [600, 300, 800, 400]]
    page = write([make_placed_run(tmp_path / "run", ("box", [200, 100, 600, 300], answers))])
    log = log_of(page, LOOK_AT_THE_OVERLAY, tmp_path)
    assert log["target"] == pytest.approx([0.25, 0.25, 0.75, 0.75], abs=0.02)
    assert log["answers"][0] == pytest.approx([0, 0, 0.5, 0.5], abs=0.02)
    assert log["answers"][1] == pytest.approx([0.75, 0.75, 1, 1], abs=0.02)
    assert log["differ"] and log["keys"][0] == "target" and log["keys"][1].startswith("answers")
    assert log["seen"] == log["left"] == [True, True, True]
    assert log["pointed"] == [False, True, False]


@pytest.mark.parametrize("size", ["1280,2000", "500,2000"])
def test_page_is_painted(page: Path, tmp_path: Path, size: str):
    picture = tmp_path / "page.png"
    open_page(page, tmp_path, f"--screenshot={picture}", f"--window-size={size}")
    image = Image.open(picture).convert("RGB")
    blue = [c for _, c in image.getcolors(2**24) or [] if c[2] - c[0] > 80]
    assert f"{image.width},{image.height}" == size
    assert blue, "no bar or curve is painted"


def test_a_completion_cannot_run_code(tmp_path: Path):
    page = write([make_run(tmp_path / "hostile", num_steps=6, completion=HOSTILE)])
    dom = open_page(page, tmp_path, "--dump-dom")
    title = re.search(r"<title>(.*?)</title>", dom)
    assert title and title[1] == "hostile · vlrl report"
    assert '<img src="x"' not in dom
    assert any(HOSTILE in card for card in visible_cards(dom))
