"""From datasets of dives to batches.

dives: Dive, DiveSource, DiveList, Card, ReadOptions, OnBroken, DataError
sources: open_data, read_dataset, detect_kind (sources as named on the command line)
clip_files: files of a clip and its masks, as the readers find them
readers: one module a dataset; to add one, see fineparser.data.readers
dive_store: store_dives, read_store (simulated dives, rendered once)
finediving_writer: write_finediving
simulated_clips: write_simulated_clip (video files of simulated dives)
transforms: ClipTransform
datasets: ClipDataset, PairDataset, WindowDataset
simulated_datasets: PoseDataset, EntryDataset
batches: ClipBatch, PairBatch, WindowBatch, TensorBatch
clip_input: network_input, clip_input (input of a network, with the camera motion)
exemplar_pool: ExemplarPool, ExemplarChoice
dive_tables: read_rows, write_rows, RowLabels (dives.csv as people have it, Excel workbooks)
file_names: FolderFiles, NameIndex (files as tables name them)
text_encodings, archive_names: encodings of tables and of names in zips, decided by their content
importer: DatasetImporter, list_clips
dataset_summary: summarise_dataset, DatasetSummary, DiveStatus
example_clips: EXAMPLES, write_examples
"""
