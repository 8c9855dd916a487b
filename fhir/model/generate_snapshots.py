#!/usr/bin/env python3
"""Packs the snapshots of R4's own StructureDefinitions for base_snapshots.cpp. Usage: generate_snapshots.py <definitions folder> <output.cpp>"""

import json
import os
import sys
import zlib

PREFIX = "http://hl7.org/fhir/StructureDefinition/"
FHIR_VERSION = "4.0.1"
LINE = 64  # bytes of packed text in a line


def literal(packed):
    """Octal escapes of three digits each, which end by themselves."""
    rows = [packed[i:i + LINE] for i in range(0, len(packed), LINE)]
    return "\n".join('"' + "".join(f"\\{b:03o}" for b in row) + '"' for row in rows)


def main():
    if len(sys.argv) != 3:
        sys.exit("generate_snapshots.py: usage: generate_snapshots.py <definitions folder> <output.cpp>")
    folder, target = sys.argv[1:]
    snapshots = {}
    for name in ("profiles-types.json", "profiles-resources.json"):
        path = os.path.join(folder, name)
        try:
            with open(path, encoding="utf-8") as f:
                bundle = json.load(f)
        except OSError as e:
            sys.exit(f"generate_snapshots.py: can't read {path}: {e.strerror}; run scripts/fhir_definitions")
        for entry in bundle["entry"]:
            r = entry["resource"]
            if r["resourceType"] == "StructureDefinition" and r.get("fhirVersion") == FHIR_VERSION and r["url"].startswith(PREFIX):
                snapshots[r["url"].removeprefix(PREFIX)] = r["snapshot"]["element"]
    temporary = target + ".new"
    with open(temporary, "w", encoding="ascii") as out:
        out.write('// Made by fhir/model/generate_snapshots.py from the R4 definitions.\n#include "fhir/model/base_snapshots_impl.hpp"\n\n')
        out.write("namespace dsf::fhir::tables {\nnamespace {\nusing namespace std::string_view_literals;\nconstexpr packed_snapshot rows[] = {\n")
        for name in sorted(snapshots, key=lambda n: n.encode()):
            text = json.dumps(snapshots[name], separators=(",", ":"), ensure_ascii=False).encode()
            packed = zlib.compress(text, 9)
            out.write(f'{{"{name}"sv,{len(text)},std::string_view(\n{literal(packed)},{len(packed)})}},\n')
        out.write("};\n}  // namespace\n\nconstinit const std::span<const packed_snapshot> snapshots{rows};\n\n}  // namespace dsf::fhir::tables\n")
    os.replace(temporary, target)


if __name__ == "__main__":
    main()
