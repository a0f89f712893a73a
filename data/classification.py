"""Classification: which of these classes is it?

| source | what it is | size | proof |
|---|---|---|---|
| `world:classification` | procedural scenes, scanned digits | endless | made here |
| `afdsafas/flowers-4shot-fewshot` ... | CLS-RL, eleven sets | 4 a class | loader-run |
| `OxfordFlowers_fewshot_test.jsonl` ... | their tests, of CoOp's splits | its page | loader-read |
| `laolao77/ViRFT_CLS_flower_4_shot` ... | Visual-RFT, four sets | 4 a class | loader-run |
| a folder of pictures for each class | your own | any | made here |
| `Data_Entry_2017.csv` | ChestX-ray14, several labels | 86,524 + 25,596 | loader-read |

`formats/few_shot.py, class_folders.py, chest_xray.py` say what the rows look like and which names
are offered, `world/classification.py` what the presets `@ood`, `@labels` and `@digits` are, and
`kinds/classes.py` what is asked and right.

Visual-RFT offers no names.  It and CLS-RL count an answer as right that holds the name as a part.
"""

from __future__ import annotations

from vlrl.contracts import Benchmark
from vlrl.data.formats import chest_xray, class_folders, few_shot
from vlrl.data.kinds import KindTask
from vlrl.data.kinds.classes import CLASS, CLASSES
from vlrl.data.world import classification

CLS_RL = {
    "imagenet": "Imagenet",
    "caltech": "Caltech101",
    "dtd": "DescribableTextures",
    "eurosat": "EuroSAT",
    "food": "Food101",
    "flowers": "OxfordFlowers",
    "pets": "OxfordPets",
    "cars": "StanfordCars",
    "sun": "SUN397",
    "ucf": "UCF101",
    "fgvc": "FGVCAircraft",
}
"""The sets as CLS-RL names its rows for training -> as it names its files for testing."""


class Classification(KindTask):
    name = "classification"
    about = "which of these classes it is"
    kind = "label"
    sources = {
        "world:classification": "procedural, endless, Apache-2.0; presets @ood, @labels, @digits",
        "afdsafas/flowers-4shot-fewshot, ...": (
            f"CLS-RL, 4 pictures of each class of {', '.join(CLS_RL)}; licences on their pages"
        ),
        "OxfordFlowers_fewshot_test.jsonl, ...": "CLS-RL's tests, with the pictures of the sets",
        "laolao77/ViRFT_CLS_flower_4_shot, ...": "Visual-RFT, four sets, CC BY-NC 4.0",
        "CLASS/picture.jpg, ...": "a folder of pictures for each class",
        "Data_Entry_2017.csv": "ChestX-ray14, 112,120 pictures, free with attribution to NIH",
    }
    formats = (
        class_folders.FORMAT,
        chest_xray.FORMAT,
        few_shot.PROMPTS,
        few_shot.FORMAT,
    )
    kinds = {"label": CLASS, "labels": CLASSES}
    world = classification
    benchmarks = (
        Benchmark(name="classification_world", source="world:classification", about="six names"),
        Benchmark(
            name="classification_ood", source="world:classification@ood", about="new look, words"
        ),
        Benchmark(
            name="classification_digits", source="world:classification@digits", about="real scans"
        ),
        *(
            Benchmark(name=f"{name}_fewshot", source=f"{file}_fewshot_test.jsonl", about="CLS-RL")
            for name, file in CLS_RL.items()
        ),
        Benchmark(
            name="chest_xray",
            source="Data_Entry_2017.csv@test",
            about="25,596 pictures, mean F1",
        ),
    )
