"""Runs python/notebooks/demo.ipynb and writes its outputs into it.

    PYTHONPATH=python PARTSCOPE_BINARY=target/release/partscope python tools/run_notebook.py [--check]

With --check nothing is written; the exit code is 1 if an output differs from that in the file. Requires nbclient, ipykernel,
pandas and xarray.
"""

import pathlib
import sys

import nbclient
import nbformat

PATH = pathlib.Path(__file__).parent.parent / "python/notebooks/demo.ipynb"


def outputs(notebook):
    """What the cells show, without what differs from run to run."""
    shown = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            shown.append([output.get("data", output.get("text", output.get("evalue"))) for output in cell.outputs])
    return shown


def execute(notebook):
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            # Progress leaves an empty output behind.
            cell.outputs = [output for output in cell.outputs if output.get("data", {}).get("text/plain") != ""]
            cell.metadata = {}
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return notebook


def main():
    committed = nbformat.read(PATH, as_version=4)
    made = execute(nbformat.read(PATH, as_version=4))
    if "--check" in sys.argv[1:]:
        for index, (old, new) in enumerate(zip(outputs(committed), outputs(made))):
            if old != new:
                sys.exit(f"{PATH}: the outputs of code cell {index + 1} differ from those in the file")
        return
    nbformat.write(made, PATH)


if __name__ == "__main__":
    main()
