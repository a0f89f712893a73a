"""Medical questions with options about radiographs, scans, slides and photographs.

| source | what it is | size | proof |
|---|---|---|---|
| `QA_information/Open-access` | OmniMedVQA, 42 data sets, 12 modalities | 88,996 | loader-run |
| `MRI_CT_XRAY_300each_dataset.json` | MedVLM-R1's rows for testing | 900 | loader-read |
| `Splits` | OmniMedVQA, divided by Med-R1 | 35,581 for testing | loader-read |

There is no procedural twin: name rows with `--source`, or try the sample rows in `data/samples/`.

The answer is the letter of an option or its text, right or wrong.  MedVLM-R1 pays half for a letter
with text around it: the reward `choice.purity`.  Med-R1 trains on one modality or question type and
tests on all of them, a benchmark each.  All this is for research and makes no diagnosis.
"""

from __future__ import annotations

from vlrl.contracts import Benchmark
from vlrl.data.formats import med_r1, medvlm_r1, omnimedvqa
from vlrl.data.kinds import KindTask
from vlrl.data.kinds.words import CHOICE

SPLITS = {
    "ct": ("modality/test/CT(Computed Tomography)_test.json", "3,241"),
    "dermoscopy": ("modality/test/Dermoscopy_test.json", "1,306"),
    "fundus": ("modality/test/Fundus Photography_test.json", "1,098"),
    "mri": ("modality/test/MR (Mag-netic Resonance Imaging)_test.json", "6,370"),
    "microscopy": ("modality/test/Microscopy Images_test.json", "1,110"),
    "oct": ("modality/test/OCT (Optical Coherence Tomography_test.json", "848"),
    "xray": ("modality/test/X-Ray_test.json", "1,615"),
    "ultrasound": ("modality/test/ultrasound_test.json", "2,074"),
    "anatomy": ("question_type/test/Anatomy Identification_test.json", "3,329"),
    "disease": ("question_type/test/Disease Diagnosis_test.json", "11,058"),
    "lesion": ("question_type/test/Lesion Grading_test.json", "436"),
    "modality": ("question_type/test/Modality Recognition_test.json", "2,392"),
    "biology": ("question_type/test/Other Biological Attributes_test.json", "704"),
}
"""Med-R1's files for testing: short name -> path in `Splits/`, how many questions."""


class Medical(KindTask):
    name = "medical"
    about = "questions with options about medical pictures"
    kind = "choice"
    sources = {
        "OmniMedVQA/QA_information/Open-access": "OmniMedVQA, 88,996 rows, licence on its page",
        "MRI_CT_XRAY_300each_dataset.json": "MedVLM-R1's 900 rows, licence on their page",
        "Splits": "OmniMedVQA divided by Med-R1, licence on its page",
        "FreedomIntelligence/Medical_Multimodal_Evaluation_Data": (
            "HuatuoGPT-Vision's evaluation data, licence on its page; read a local copy"
        ),
    }
    formats = (omnimedvqa.FORMAT, medvlm_r1.FORMAT, med_r1.FORMAT)
    kinds = {"choice": CHOICE}
    benchmarks = (
        Benchmark(
            name="omnimedvqa",
            source="OmniMedVQA/QA_information/Open-access",
            about="all its data sets",
        ),
        Benchmark(
            name="medvlm_r1_test",
            source="MRI_CT_XRAY_300each_dataset.json",
            metric="mean:modality",
            about="300 each of MRI, CT and X-ray",
        ),
        *(
            Benchmark(name=f"med_r1_{name}", source=f"Splits/{path}", about=f"{size} questions")
            for name, (path, size) in SPLITS.items()
        ),
    )
