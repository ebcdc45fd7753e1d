"""Writes tests/golden/tables: small Parquet files in the format of pyarrow, which the Hugging Face hub uses too."""

import json
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq

folder = pathlib.Path(__file__).parent.parent / "tests" / "golden" / "tables"
folder.mkdir(parents=True, exist_ok=True)


def write(name, columns, **options):
    pq.write_table(pa.table(columns), folder / name, **options)


write("pool.parquet", {"text": ["a", "b"], "label": ["good", "bad"]}, compression="zstd")
write("test.parquet", {"text": ["c", "d"], "label": pa.array([0, 1], pa.int64())}, compression="snappy")
choices = pa.array([{"text": ["one", "two"], "label": ["A", "B"]}, {"text": ["x", "y"], "label": ["1", "2"]}])
write("nested-0.parquet", {"question": ["q1", "q2"], "choices": choices, "answerKey": ["A", "2"]}, compression="gzip")
choices = pa.array([{"text": ["l", "r"], "label": ["A", "B"]}] * 4)
write("nested-1.parquet", {"question": list("cdef"), "choices": choices, "answerKey": ["B", "A", "B", "C"]})

# As `datasets` writes a column of ClassLabel, and one within another column.
classes = {"names": ["good", "bad"], "_type": "ClassLabel"}
features = {"text": {"dtype": "string", "_type": "Value"}, "label": classes, "meta": {"label": classes}}
table = pa.table({"text": ["a", "b"], "label": [0, 1], "meta": [{"label": 0}, {"label": 1}]})
table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
pq.write_table(table, folder / "classes.parquet")
for codec in ["brotli", "lz4"]:
    write(f"{codec}.parquet", {"text": ["a", "b"], "label": ["good", "bad"]}, compression=codec)
