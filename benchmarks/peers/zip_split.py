"""python -m benchmarks.peers.zip_split FOLDER: inflate each zip of a folder and split its rows, by zipfile and str."""

import sys
import zipfile
from pathlib import Path

rows = 0
for file in sorted(Path(sys.argv[1]).glob("*.zip")):
    with zipfile.ZipFile(file) as archive:
        text = archive.read(archive.namelist()[0]).decode()
    rows += sum(len(line.split("\t")) == 27 for line in text.split("\n"))
print(rows)
