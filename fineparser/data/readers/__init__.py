"""Readers: one module a dataset, each a function `read_<dataset>(root, options: ReadOptions) -> DiveList`.

finediving: read_finediving (FineDiving and FineDiving-HM)
mtl_aqa: read_mtl_aqa (MTL-AQA)
clip_folder: read_clip_folder (labelled clips beside a table, dives.csv)
syndive: SynDives (simulated dives, a source that renders on demand)
annotations: pickles, splits and heights, shared by the readers of published datasets

To add a dataset, write a module here and name it in `fineparser.data.sources.read_dataset` and `detect_kind`.
"""
