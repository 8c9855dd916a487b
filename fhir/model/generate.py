#!/usr/bin/env python3
"""Compiles the R4 definitions to the C++ tables of model.hpp. Usage: generate.py <definitions folder> <output.cpp>"""

import json
import os
import sys

PREFIX = "http://hl7.org/fhir/StructureDefinition/"
FHIR_TYPE = PREFIX + "structuredefinition-fhir-type"
SYSTEM_TYPE = "http://hl7.org/fhirpath/System."
FHIR_VERSION = "4.0.1"
MAX_CODES = 700       # larger required value sets are not listed
MAX_POSITIONS = 64    # the checker keeps one bit a position

PRIMITIVES = {
    "base64Binary": "base64_binary", "boolean": "boolean", "canonical": "canonical", "code": "code", "date": "date",
    "dateTime": "date_time", "decimal": "decimal", "id": "id", "instant": "instant", "integer": "integer", "markdown": "markdown",
    "oid": "oid", "positiveInt": "positive_int", "string": "string", "time": "time", "unsignedInt": "unsigned_int", "uri": "uri",
    "url": "url", "uuid": "uuid", "xhtml": "xhtml",
}


def stop(text):
    sys.exit("generate.py: " + text)


class Terminology:
    """Lists value sets that need nothing but code lists."""

    def __init__(self, bundles):
        self.value_sets, self.code_systems = {}, {}
        for bundle in bundles:
            for entry in bundle["entry"]:
                r = entry["resource"]
                if r["resourceType"] == "ValueSet":
                    self.value_sets.setdefault(r["url"], r)
                elif r["resourceType"] == "CodeSystem":
                    self.code_systems.setdefault(r["url"], r)

    def expand(self, url, depth=0):
        """The set of (system, code), or None if it can't be listed."""
        value_set = self.value_sets.get(url.split("|")[0])
        if value_set is None or depth > 10 or "exclude" in value_set.get("compose", {}):
            return None
        out = set()
        for include in value_set.get("compose", {}).get("include", []):
            part = self.expand_include(include, depth)
            if part is None:
                return None
            out |= part
        return out or None

    def expand_include(self, include, depth):
        if "filter" in include:
            return None
        parts = []
        if "system" in include:
            system = include["system"]
            if "concept" in include:
                parts.append({(system, c["code"]) for c in include["concept"]})
            else:
                code_system = self.code_systems.get(system)
                if code_system is None or code_system.get("content") != "complete":
                    return None
                parts.append({(system, c) for c in self.flatten(code_system)})
        for url in include.get("valueSet", []):
            part = self.expand(url, depth + 1)
            if part is None:
                return None
            parts.append(part)
        return set.intersection(*parts) if parts else None

    @staticmethod
    def flatten(code_system):
        codes, work = [], list(code_system.get("concept", []))
        while work:
            concept = work.pop()
            codes.append(concept["code"])
            work.extend(concept.get("concept", []))
        return codes


class Model:
    def __init__(self, structures, terminology):
        self.terminology = terminology
        self.types = {}         # name -> dict
        self.constraints = {}   # path -> [(key, is error, human, expression)]; of a type or of one element of it
        self.element_types = {} # path -> names of types
        self.bindings = {}      # (value set, strength) -> index
        self.binding_rows = []  # (value set, strength, codes or None)
        self.targets = {}       # tuple -> offset
        self.target_pool = []
        for structure in structures:
            self.add_structure(structure)
        self.drop_inherited_constraints()

    def add_structure(self, structure):
        name = structure["type"]
        elements = structure["snapshot"]["element"]
        parents = {e["path"].rsplit(".", 1)[0] for e in elements if "." in e["path"]}
        kind = {"primitive-type": "primitive", "complex-type": "complex", "resource": "resource"}[structure["kind"]]
        base = structure.get("baseDefinition", "").removeprefix(PREFIX)
        self.types[name] = dict(name=name, base=base, kind=kind, abstract=structure["abstract"], elements=[])
        for e in elements:
            rows = [(c["key"], c["severity"] == "error", c["human"], c["expression"]) for c in e.get("constraint", []) if "expression" in c]
            self.constraints[e["path"]] = rows
            self.element_types[e["path"]] = [t["code"] for t in e.get("type", [])]
        for e in elements[1:]:
            path = e["path"]
            parent, leaf = path.rsplit(".", 1)
            if path in parents:
                self.types[path] = dict(name=path, base=e["type"][0]["code"], kind="backbone", abstract=False, elements=[])
            if kind == "primitive" and leaf == "value":
                continue
            self.types[parent]["elements"].extend(self.element_rows(e, leaf, path, path in parents, kind, parent))
        for path in [p for p in self.types if p == name or p.startswith(name + ".")]:
            self.number(self.types[path])

    def drop_inherited_constraints(self):
        """An element repeats the constraints of its type; here each stands once, at the type."""
        for path, rows in list(self.constraints.items()):
            if path in self.types and "." not in path:
                continue
            inherited = {row[0] for t in self.element_types[path] for row in self.constraints.get(t, [])}
            self.constraints[path] = [row for row in rows if row[0] not in inherited]

    def element_rows(self, e, leaf, path, nested, structure_kind, parent):
        if e["max"] == "0":
            return []
        representation = e.get("representation", [])
        common = dict(min=e["min"], array=e["max"] != "1", summary=e.get("isSummary", False), modifier=e.get("isModifier", False),
                      xml="attribute" if "xmlAttr" in representation else "element", binding=self.binding(e))
        if "contentReference" in e:
            return [dict(common, name=leaf, choice="", type=e["contentReference"].removeprefix("#"), targets=(0, 0), path=path)]
        if nested:
            return [dict(common, name=leaf, choice="", type=path, targets=(0, 0), path=path)]
        choice = leaf.removesuffix("[x]") if leaf.endswith("[x]") else ""
        if not choice and len(e["type"]) != 1:
            stop(f"{path} has {len(e['type'])} types but is not a choice")
        rows = []
        for t in e["type"]:
            code = self.type_code(t, leaf, structure_kind, parent)
            row = dict(common, name=choice + code[0].upper() + code[1:] if choice else leaf, choice=choice, type=code,
                       targets=self.target_range(t), path=path)
            if code == "xhtml":
                row["xml"] = "xhtml"
            rows.append(row)
        return rows

    @staticmethod
    def type_code(t, leaf, structure_kind, parent):
        code = t["code"]
        if not code.startswith(SYSTEM_TYPE):
            return code
        # The id of a resource follows the rules of `id` (R4 resource.html, id), though the definitions say string.
        if leaf == "id" and structure_kind == "resource" and "." not in parent:
            return "id"
        for extension in t.get("extension", []):
            if extension["url"] == FHIR_TYPE:
                return extension["valueUrl"]
        return "string"

    def binding(self, e):
        b = e.get("binding")
        if b is None or "valueSet" not in b:
            return None
        key = (b["valueSet"].split("|")[0], b["strength"])
        if key not in self.bindings:
            codes = self.terminology.expand(key[0]) if b["strength"] == "required" else None
            if codes is not None and len(codes) > MAX_CODES:
                codes = None
            self.bindings[key] = len(self.binding_rows)
            self.binding_rows.append((key[0], key[1], codes))
        return self.bindings[key]

    def target_range(self, t):
        names = tuple(p.removeprefix(PREFIX) for p in t.get("targetProfile", []))
        if not names:
            return (0, 0)
        if names not in self.targets:
            self.targets[names] = len(self.target_pool)
            self.target_pool.extend(names)
        return (self.targets[names], len(names))

    @staticmethod
    def number(t):
        position, last = -1, None
        for row in t["elements"]:
            if row["path"] != last:
                position, last = position + 1, row["path"]
            row["position"] = position
        if position >= MAX_POSITIONS:
            stop(f"{t['name']} has {position + 1} elements, more than {MAX_POSITIONS}")


def text(s):
    return json.dumps(s) + "sv"


def flag(b):
    return "true" if b else "false"


def write(model, out):
    names = sorted(model.types)
    index = {n: i for i, n in enumerate(names)}
    w = out.write
    w("// Made by fhir/model/generate.py from the R4 definitions.\n#include \"fhir/model/tables.hpp\"\n\n")
    w(f"namespace dsf::fhir::tables {{\n\nextern const type_info types[{len(names)}];\n\n")
    w("namespace {\nusing namespace std::string_view_literals;\nusing k = type_kind;\nusing p = fhir::primitive;\nusing x = xml_form;\nusing s = binding_strength;\n\n")
    w("constexpr std::string_view targets[] = {\n")
    for t in model.target_pool:
        w(f"{text(t)},\n")
    w("};\nconstexpr coded codes[] = {\n")
    ranges, at = [], 0
    for _, _, codes in model.binding_rows:
        rows = sorted(codes or (), key=lambda c: (c[1].encode(), c[0].encode()))
        for system, code in rows:
            w(f"{{{text(system)},{text(code)}}},\n")
        ranges.append((at, len(rows)))
        at += len(rows)
    w("};\nconstexpr binding_info bindings[] = {\n")
    for (url, strength, codes), (start, count) in zip(model.binding_rows, ranges):
        span = f"{{codes+{start},{count}}}" if count else "{}"
        w(f"{{{text(url)},s::{strength},{flag(codes is not None)},{span}}},\n")
    w("};\nconstexpr element_info elements[] = {\n")
    offsets, at = {}, 0
    for n in names:
        offsets[n] = at
        for e in model.types[n]["elements"]:
            if e["type"] not in index:
                stop(f"{e['path']} has the unknown type {e['type']}")
            binding = "nullptr" if e["binding"] is None else f"bindings+{e['binding']}"
            start, count = e["targets"]
            span = f"{{targets+{start},{count}}}" if count else "{}"
            w(f"{{{text(e['name'])},{text(e['choice'])},types+{index[e['type']]},{binding},{span},{e['position']},{e['min']},"
              f"{flag(e['array'])},{flag(e['summary'])},{flag(e['modifier'])},x::{e['xml']}}},\n")
            at += 1
    w("};\nconstexpr std::uint16_t by_name[] = {\n")
    for n in names:
        rows = model.types[n]["elements"]
        order = sorted(range(len(rows)), key=lambda i: rows[i]["name"].encode())
        w("".join(f"{i}," for i in order) + "\n")
    w("};\n\n}  // namespace\n\nconstinit const type_info types[] = {\n")
    for n in names:
        t = model.types[n]
        count = len(t["elements"])
        required = sum({1 << e["position"] for e in t["elements"] if e["min"] > 0})
        primitive = PRIMITIVES[n] if t["kind"] == "primitive" else "none"
        w(f"{{{text(n)},{text(t['base'])},k::{t['kind']},p::{primitive},{flag(t['abstract'])},{required:#x}u,"
          f"{{elements+{offsets[n]},{count}}},{{by_name+{offsets[n]},{count}}}}},\n")
    w(f"}};\nconstinit const std::span<const type_info> all{{types,{len(names)}}};\n\n")
    paths = sorted((p for p, rows in model.constraints.items() if rows), key=lambda p: p.encode())
    w("namespace {\nconstexpr constraint_info constraint_rows[] = {\n")
    starts, at = {}, 0
    for path in paths:
        starts[path] = at
        at += len(model.constraints[path])
        for key, is_error, human, expression in model.constraints[path]:
            w(f"{{{text(key)},{flag(is_error)},{text(human)},{text(expression)}}},\n")
    w(f"}};\nconstexpr constrained constrained_paths[] = {{\n")
    for path in paths:
        w(f"{{{text(path)},{{constraint_rows+{starts[path]},{len(model.constraints[path])}}}}},\n")
    w(f"}};\n}}  // namespace\nconstinit const std::span<const constrained> constraints{{constrained_paths,{len(paths)}}};\n\n}}  // namespace dsf::fhir::tables\n")


def main():
    if len(sys.argv) != 3:
        stop("usage: generate.py <definitions folder> <output.cpp>")
    folder, target = sys.argv[1:]

    def load(name):
        path = os.path.join(folder, name)
        try:
            with open(path, encoding="utf-8") as f:
                return json.load(f)
        except OSError as e:
            stop(f"can't read {path}: {e.strerror}; run scripts/fhir_definitions")

    structures = []
    for name in ("profiles-types.json", "profiles-resources.json"):
        for entry in load(name)["entry"]:
            r = entry["resource"]
            if r["resourceType"] != "StructureDefinition" or r.get("fhirVersion") != FHIR_VERSION:
                continue  # the package also has a resource type of a later release
            if r.get("derivation") != "constraint" and r["kind"] != "logical":
                structures.append(r)
    terminology = Terminology([load(n) for n in ("valuesets.json", "v3-codesystems.json", "v2-tables.json")])
    model = Model(structures, terminology)
    temporary = target + ".new"
    with open(temporary, "w", encoding="utf-8") as out:
        write(model, out)
    os.replace(temporary, target)


if __name__ == "__main__":
    main()
