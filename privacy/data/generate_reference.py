#!/usr/bin/env python3
"""Writes mapping.json, tree.json, queries/*.ccdl.json and demo.cql of the demo from the code lists below.

Run by hand after a change of the lists; the files it writes are committed.
"""
import json
import pathlib

HERE = pathlib.Path(__file__).parent
ICD = "http://fhir.de/CodeSystem/bfarm/icd-10-gm"
LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
POLICY = "urn:oid:2.16.840.1.113883.3.1937.777.24.5.3"
GENDER = "http://hl7.org/fhir/administrative-gender"

ICD_TREE = {
    "E10-E14": ["E10", "E11", "E13", "E14"],
    "E10": ["E10.20", "E10.90"],
    "E11": ["E11.20", "E11.72", "E11.90"],
    "E13": ["E13.90"],
    "E14": ["E14.90"],
    "I10-I15": ["I10", "I11", "I13"],
    "I10": ["I10.00", "I10.90"],
    "I11": ["I11.90"],
    "I13": ["I13.20"],
    "J40-J47": ["J44", "J45"],
    "J44": ["J44.99"],
    "J45": ["J45.9"],
    "K21": ["K21.0"],
    "C50": ["C50.9"],
}
DISPLAY = {
    "E10-E14": "Diabetes mellitus", "I10-I15": "Hypertonie", "4548-4": "HbA1c", "8480-6": "Systolic blood pressure",
    "85354-9": "Blood pressure panel", "263495000": "Gender", "424144002": "Current chronological age",
}


def coded(system, code, display=None):
    return {"system": system, "code": code, "display": display or DISPLAY.get(code, code)}


def context(code):
    return {**coded("fdpg.mii.cds", code), "version": "1.0.0"}


DIAGNOSIS, LAB, PATIENT, CONSENT, VITALS = (context(c) for c in
                                            ("Diagnose", "Laboruntersuchung", "Patient", "Einwilligung", "Vitalstatus"))
CONSENT_CODE = POLICY[len("urn:oid:"):] + ".8"


def icd_codes():
    out = list(ICD_TREE)
    for children in ICD_TREE.values():
        out += [c for c in children if c not in out]
    return sorted(out)


def mapping():
    out = [{"context": DIAGNOSIS, "key": coded(ICD, c), "fhirResourceType": "Condition", "termCodeSearchParameter": "code",
            "timeRestrictionParameter": "recorded-date"} for c in icd_codes()]
    out.append({"context": LAB, "key": coded(LOINC, "4548-4"), "fhirResourceType": "Observation", "termCodeSearchParameter": "code",
                "valueSearchParameter": "value-quantity", "valueType": "quantity", "timeRestrictionParameter": "date",
                "fixedCriteria": [{"type": "code", "searchParameter": "status", "value": [
                    coded("http://hl7.org/fhir/observation-status", s) for s in ("final", "amended", "corrected")]}]})
    out.append({"context": VITALS, "key": coded(LOINC, "85354-9"), "fhirResourceType": "Observation",
                "termCodeSearchParameter": "code", "timeRestrictionParameter": "date", "attributeSearchParameters": [
                    {"attributeType": "composite-quantity", "attributeKey": coded(LOINC, c),
                     "attributeSearchParameter": "component-code-value-quantity", "compositeCode": coded(LOINC, c)}
                    for c in ("8480-6", "8462-4")]})
    out.append({"context": PATIENT, "key": coded(SNOMED, "263495000"), "fhirResourceType": "Patient",
                "valueSearchParameter": "gender", "valueType": "code"})
    out.append({"context": PATIENT, "key": coded(SNOMED, "424144002"), "fhirResourceType": "Patient",
                "valueSearchParameter": "birthdate", "valueType": "Age"})
    out.append({"context": CONSENT, "key": coded(POLICY, CONSENT_CODE), "fhirResourceType": "Consent",
                "termCodeSearchParameter": "mii-provision-provision-code", "timeRestrictionParameter": "date",
                "fixedCriteria": [{"type": "code", "searchParameter": "mii-provision-provision-type",
                                   "value": [coded("http://hl7.org/fhir/consent-provision-type", "permit")]}]})
    return out


def tree():
    def module(ctx, system, entries):
        return {"context": ctx, "system": system, "entries": [{"key": k, "children": c} for k, c in entries]}
    return [module(DIAGNOSIS, ICD, [(c, ICD_TREE.get(c, [])) for c in icd_codes()]),
            module(LAB, LOINC, [("4548-4", [])]),
            module(VITALS, LOINC, [("85354-9", [])]),
            module(PATIENT, SNOMED, [("263495000", []), ("424144002", [])]),
            module(CONSENT, POLICY, [(CONSENT_CODE, [])])]


def criterion(ctx, code, **parts):
    return {"context": ctx, "termCodes": [code], **parts}


def quantity(comparator, value, unit, display=None):
    return {"type": "quantity-comparator", "comparator": comparator, "value": value,
            "unit": {"code": unit, "display": display or unit}}


DIABETES = criterion(DIAGNOSIS, coded(ICD, "E10-E14"))
HYPERTENSION = criterion(DIAGNOSIS, coded(ICD, "I10-I15"))
HBA1C = criterion(LAB, coded(LOINC, "4548-4"), valueFilter=quantity("gt", 7, "%"))
FEMALE = criterion(PATIENT, coded(SNOMED, "263495000"),
                   valueFilter={"type": "concept", "selectedConcepts": [coded(GENDER, "female")]})
OVER_65 = criterion(PATIENT, coded(SNOMED, "424144002"), valueFilter=quantity("ge", 65, "a", "Jahr"))
SYSTOLIC = criterion(VITALS, coded(LOINC, "85354-9"),
                     attributeFilters=[{"attributeCode": coded(LOINC, "8480-6"), **quantity("ge", 140, "mm[Hg]")}])
PERMIT = criterion(CONSENT, coded(POLICY, CONSENT_CODE))

QUERIES = {
    "demo": ("Diabetes with HbA1c above 7 % and without hypertension", [[DIABETES], [HBA1C]], [[HYPERTENSION]]),
    "female": ("Women", [[FEMALE]], None),
    "diabetes": ("Diabetes, all forms", [[DIABETES]], None),
    "hypertension": ("Hypertension, all forms", [[HYPERTENSION]], None),
    "hba1c-above-7": ("HbA1c above 7 %", [[HBA1C]], None),
    "age-65": ("65 years or older", [[OVER_65]], None),
    "systolic-140": ("Systolic blood pressure of 140 mm[Hg] or more", [[SYSTOLIC]], None),
    "consent-permit": ("Use of medical data permitted", [[PERMIT]], None),
    "women-diabetes-without-hypertension": ("Women with diabetes and without hypertension", [[FEMALE], [DIABETES]], [[HYPERTENSION]]),
    "diabetes-or-hypertension-with-consent": ("Diabetes or hypertension, with permission", [[DIABETES, HYPERTENSION], [PERMIT]], None),
}


def closure(code):
    out = [code]
    for child in ICD_TREE.get(code, []):
        out += closure(child)
    return out


def cql():
    def exists(code):
        return " or\n  ".join(f"exists [Condition: Code '{c}' from icd10]" for c in closure(code))
    return f"""library Retrieve version '1.0.0'
using FHIR version '4.0.0'
include FHIRHelpers version '4.0.0'

codesystem icd10: '{ICD}'
codesystem loinc: '{LOINC}'

context Patient

define Diabetes:
  {exists("E10-E14")}

define HbA1cAbove7:
  exists from [Observation: Code '4548-4' from loinc] O
    where O.value as Quantity > 7 '%' and O.status in {{ 'final', 'amended', 'corrected' }}

define Hypertension:
  {exists("I10-I15")}

define Inclusion:
  Diabetes and HbA1cAbove7

define Exclusion:
  Hypertension

define InInitialPopulation:
  Inclusion and not Exclusion
"""


def write(name, value):
    (HERE / name).write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


write("mapping.json", mapping())
write("tree.json", tree())
for name, (display, inclusion, exclusion) in QUERIES.items():
    query = {"version": "2", "display": display, "inclusionCriteria": inclusion}
    if exclusion:
        query["exclusionCriteria"] = exclusion
    write(f"queries/{name}.ccdl.json", query)
(HERE / "demo.cql").write_text(cql(), encoding="utf-8")
