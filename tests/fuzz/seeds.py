#!/usr/bin/env python3
"""seeds.py FOLDER: writes a folder of seeds for each fuzz target, out of what the repository and the corpus beside it hold.

Without the corpus there are fewer seeds, and a message says so.
"""
import base64
import glob
import gzip
import hashlib
import json
import os
import re
import struct
import subprocess
import sys
import zipfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CORPUS = os.path.join(os.path.dirname(ROOT), "shared", "corpus")


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def wire_bodies():
    """Bodies of the wire tests, with something in the place of their ${names}."""
    for path in sorted(glob.glob(f"{ROOT}/tests/wire/bodies/*.json")):
        yield re.sub(r"\$\{uuid\}", "6f0a5c1e-0000-4000-8000-000000000001", text_of(path))


def conformance():
    for path in sorted(glob.glob(f"{ROOT}/fhir/conformance/*.json")):
        yield text_of(path)


def corpus(pattern, at_most):
    return [text_of(p) for p in sorted(glob.glob(f"{CORPUS}/{pattern}", recursive=True)) if os.path.getsize(p) <= at_most]


def small_resources():
    """Every primitive type, extensions on primitives, contained resources, narratives: what the big ones rarely have."""
    yield {"resourceType": "Patient", "id": "p", "meta": {"versionId": "1", "lastUpdated": "2026-05-01T10:00:00.123+02:00"},
           "text": {"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>a &amp; <b class=\"c\">b</b><br/></p></div>"},
           "contained": [{"resourceType": "Organization", "id": "o", "name": "x"}], "active": True,
           "_birthDate": {"extension": [{"url": "u", "valueDecimal": 1.50}]}, "birthDate": "1980-02-29",
           "name": [{"family": "A", "given": ["b", None], "_given": [None, {"id": "g"}]}], "multipleBirthInteger": 2,
           "photo": [{"contentType": "image/png", "data": "AAECAw==", "size": 4}],
           "managingOrganization": {"reference": "#o"}, "deceasedDateTime": "2026-05-01"}
    yield {"resourceType": "Task", "status": "requested", "intent": "order", "authoredOn": "2026-05-01T10:00:00Z",
           "input": [{"type": {"text": "t"}, key: value} for key, value in {
               "valueInteger": -1, "valueDecimal": 1e-7, "valueInstant": "2026-05-01T10:00:00Z", "valueTime": "10:00:00", "valueOid": "urn:oid:1.2",
               "valueUuid": "urn:uuid:6f0a5c1e-0000-4000-8000-000000000001", "valueBase64Binary": "AA==", "valueMarkdown": "*m*",
               "valuePeriod": {"start": "2026"}, "valueRatio": {"numerator": {"value": 1.0, "comparator": "<"}}, "valueUnsignedInt": 0}.items()]}
    yield {"resourceType": "Binary", "contentType": "text/plain", "data": "AAAA", "securityContext": {"reference": "Organization/x"}}
    yield {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": {"resourceType": "Group", "type": "person", "actual": True}}]}
    # What is refused is read too: each of these breaks one rule of the reader.
    for broken in ['{"resourceType":"Patient","active":"yes"}', '{"resourceType":"Patient","x":1}', '{"resourceType":"Nothing"}', '[]', '{}',
                   '{"resourceType":"Patient","active":true,"active":false}', '{"resourceType":"Patient","name":{}}',
                   '{"resourceType":"Patient","name":[]}', '{"resourceType":"Patient","birthDate":"1980-13-40"}',
                   '{"resourceType":"Patient","gender":[1]}', '{"resourceType":"Patient","_active":1}', '{"resourceType":"Patient","name":[null]}',
                   '{"resourceType":"Patient","deceasedBoolean":true,"deceasedDateTime":"2026"}', '{"resourceType":"Patient","id":""}',
                   '{"resourceType":"Patient","text":{"status":"generated","div":"<p/>"}}', '{"resourceType":"Patient","contained":[{}]}',
                   '{"resourceType":"Patient","multipleBirthInteger":99999999999}', '{"resourceType":"Patient","name":[{"given":[null]}]}',
                   '{"resourceType":"Patient","extension":[{"url":"u"}]}', '\ufeff{"resourceType":"Patient"}', '{"resourceType":1}']:
        yield broken


def xml_texts():
    head = '<Patient xmlns="http://hl7.org/fhir">'
    yield head + '<id value="p"/><text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml">a &amp;&#228;<br/><!-- c --></div></text>' \
        '<contained><Organization><id value="o"/></Organization></contained><active value="true"><extension url="u"><valueDecimal value="1.50"/>' \
        '</extension></active><name><family value="A"/><given value="b"/><given id="g"/></name></Patient>'
    values = ['Oid value="urn:oid:2.16.840.1"', 'Uuid value="urn:uuid:6f0a5c1e-0000-4000-8000-000000000001"', 'Base64Binary value="aGVsbG8="', 'PositiveInt value="7"',
              'UnsignedInt value="0"', 'Decimal value="-1.50e-7"', 'Instant value="2026-01-02T03:04:05.678+01:00"', 'Time value="12:30:00"', 'Boolean value="true"',
              'Oid value="urn:oid:9"', 'Uuid value="urn:uuid:x"', 'Base64Binary value="a=b"', 'PositiveInt value="0"', 'Decimal value="1e"', 'Code value=" a"',
              'Canonical value="http://a|1"', 'Markdown value="*a*"', 'Id value="a_b"', 'Date value="2026-02-30"', 'DateTime value="2026"']
    for value in values:
        yield head + f'<extension url="http://a/b"><value{value}/></extension></Patient>'
    xhtml = 'xmlns="http://www.w3.org/1999/xhtml"'
    many = " ".join(f'a{i}="1"' for i in range(70))
    for div in ['<h:div xmlns:h="http://www.w3.org/1999/xhtml"><h:p class="a">b<h:img src="a.png" alt=""/></h:p></h:div>',
                f'<div {xhtml} title="a" title="b">x</div>', f'<div {xhtml}><a href="JavaScript:x">y</a></div>',
                f'<div {xhtml}><a href="data:text/html,x">y</a><img src="data:image/png;base64,AA=="/></div>', f'<div {xhtml}><p xmlns="http://other">x</p></div>',
                f'<div {xhtml}><p {many}/></div>', f'<div {xhtml}></div>', f'<div {xhtml}>only text</div>']:
        yield head + f'<text><status value="generated"/>{div}</text></Patient>'
    yield from [head + '<active value="true" wrong="1"/></Patient>', head + 'text<active value="true"/></Patient>', '<Nonsense xmlns="http://hl7.org/fhir"/>', head + '<active value="true"',
                head + '<name><family value="a"/>stray</name></Patient>', head + f'<active {many}/></Patient>',
                '<Patient ' + ' '.join(f'xmlns:n{i}="http://n/{i}"' for i in range(40)) + ' xmlns="http://hl7.org/fhir"/>']
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<!-- c -->\n' + head + '<birthDate value="1980-02-29"/></Patient>'
    for broken in ['<Patient/>', head + '<x value="1"/></Patient>', head + 'text</Patient>', head + '<active value="yes"/></Patient>',
                   head + '<active/></Patient>', head + '<active value="true" other="1"/></Patient>', head, '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
                   head + '<name><given value="a"/><family value="b"/></name></Patient>', head + '<gender value="male"/><active value="true"/></Patient>',
                   head + '<contained></contained></Patient>', head + '<contained><A/><B/></contained></Patient>',
                   head + '<text><status value="generated"/><div>no namespace</div></text></Patient>', head + '<birthDate value="x"/></Patient>',
                   head + '<text><div xmlns="http://www.w3.org/1999/xhtml"><script>1</script></div></text></Patient>',
                   head + '<text><div xmlns="http://www.w3.org/1999/xhtml"><p onclick="x">&nbsp;<![CDATA[<]]></p></div></text></Patient>',
                   '<?xml version="1.1"?>' + head + '</Patient>', '<a:Patient xmlns:a="http://hl7.org/fhir"/>', head + '<?x y?></Patient>',
                   head + '<extension><valueString value="no url"/></extension></Patient>']:
        yield broken


def wire_requests():
    """Request lines of the wire tests: (method, target)."""
    for path in sorted(glob.glob(f"{ROOT}/tests/wire/*.wire")):
        for line in text_of(path).splitlines():
            found = re.match(r"(?:but )?(GET|HEAD|POST|PUT|DELETE|PATCH) ?(\S*)$", line)
            if found:
                yield found.group(1), re.sub(r"\$\{\w+\}", "6f0a5c1e-0000-4000-8000-000000000001", found.group(2))


def queries():
    out = {target.split("?", 1)[1] for _, target in wire_requests() if "?" in target}
    for date in ["2026", "2026-05", "2026-05-01", "2026-05-01T10:00", "2026-05-01T10:00:00Z", "2026-05-01T10:00:00.5+02:00", "x"]:
        for prefix in ["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap", "zz"]:
            out.add(f"_lastUpdated={prefix}{date}&authored-on={prefix}{date}")
    for modifier in ["", ":exact", ":contains", ":missing", ":not", ":identifier", ":Organization", ":above", ":below", ":x"]:
        for name in ["status", "identifier", "requester", "url", "name", "_id", "_profile", "_tag", "version", "organization", "subject"]:
            for value in ["a", "s|c", "|c", "s|", "true", "Organization/6f0a5c1e-0000-4000-8000-000000000001", "https://a.example/fhir/Task/x", "a,b", r"a\,b"]:
                out.add(f"{name}{modifier}={value}")
    out |= {"_sort=-_lastUpdated,status", "_sort=x", "_count=0&_page=2", "_count=-1", "_include=Task:requester&_include:iterate=Organization:endpoint",
            "_revinclude=OrganizationAffiliation:primary-organization", "_summary=true&_elements=id,status&_total=accurate&_pretty=true&_format=json",
            "requester:Organization.name=a", "_has:OrganizationAffiliation:primary-organization:active=true", "_cursor=abc", "_at=2026&_since=2026",
            "_has:x", "_sort=_id,-_profile,_lastUpdated", "_cursor=start&_sort=_id", "_cursor=start&_sort=status", "_cursor=start&_page=2", "_count=1&_count=2",
            "_cursor=6f0a5c1e-0000-4000-8000-000000000001", "_include=Organization:endpoint&_revinclude=OrganizationAffiliation:participating-organization",
            "_revinclude=OrganizationAffiliation:endpoint&_include=Endpoint:organization", "status=a&status=b&status=c",
            "_has:x", "_has:Task:requester:status=draft&_has:Task:x:y=1", "_include=*", "_include=Task", "_include=Task:requester:Organization"}
    return sorted(out)


def expressions():
    out = set()
    folder = f"{ROOT}/build/definitions"
    for name in ["profiles-resources.json", "profiles-types.json"]:
        if os.path.exists(f"{folder}/{name}"):
            out |= set(re.findall(r'"expression"\s*:\s*"((?:[^"\\]|\\.)*)"', text_of(f"{folder}/{name}")))
    out = {json.loads(f'"{e}"') for e in out}
    for path in sorted(glob.glob(f"{ROOT}/fhir/path/*.test.cpp")):
        source = text_of(path)
        out |= set(re.findall(r'\{R"\((.*?)\)"', source)) | set(re.findall(r'\{"((?:[^"\\]|\\.)*)"', source))
    return sorted(e for e in out if 0 < len(e) <= 400)


def http_messages():
    for method, target in list(wire_requests())[:40]:
        yield f"{method} /fhir/{target} HTTP/1.1\r\nHost: a.example\r\nAccept: application/fhir+json\r\n\r\n".encode()
    body = "POST /fhir/Group HTTP/1.1\r\nHost: a\r\nContent-Type: application/fhir+json\r\n"
    yield (body + "Content-Length: 5\r\n\r\nhello").encode()
    yield (body + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n").encode()
    yield (body + "Content-Length: 99999\r\n\r\n").encode()
    yield (body + "Transfer-Encoding: gzip\r\n\r\n").encode()
    yield (body + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n").encode()
    yield (body + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n").encode()
    yield (body + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}").encode()
    yield (body + "X: " + "y" * 600 + "\r\n\r\n").encode()
    yield b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    yield b"GET https://a.example/fhir?x HTTP/1.1\r\nHost: a\r\n\r\n"
    yield b"GET http://a.example HTTP/1.1\r\nHost: a\r\n\r\n"
    yield b"GET ftp://a.example HTTP/1.1\r\nHost: a\r\n\r\n"
    yield b"GET / HTTP/1.1\r\n\r\n"
    yield b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"
    yield b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nExpect: miracle\r\n\r\n"
    yield b"HTTP/1.1 100 Continue\r\n\r\n" * 12
    yield b"HTTP/1.1 200 OK\r\nX: " + b"y" * 700 + b"\r\n\r\n"
    yield b"GET / HTTP/2.0\r\n\r\n"
    yield b"GET  / HTTP/1.1\r\n\r\n"
    yield b"G\x00T / HTTP/1.1\r\n\r\n"
    yield b"OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    for answer in ["200 OK\r\nContent-Length: 2\r\n\r\nok", "204 No Content\r\n\r\n", "200 OK\r\n\r\nuntil the end",
                   "100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
                   "304 Not Modified\r\nETag: W/\"1\"\r\n\r\n", "101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", "200 OK\r\nContent-Length: 9999\r\n\r\n"]:
        yield f"HTTP/1.1 {answer}".encode()


def frame(code, payload=b"", final=True, masked=True, extended=None, reserved=0):
    size = len(payload) if extended is None else extended
    head = bytes([(0x80 if final else 0) | reserved << 4 | code])
    flag = 0x80 if masked else 0
    if size < 126:
        head += bytes([flag | size])
    elif size < 65536:
        head += bytes([flag | 126]) + struct.pack(">H", size)
    else:
        head += bytes([flag | 127]) + struct.pack(">Q", size)
    if not masked:
        return head + payload
    key = b"\x01\x02\x03\x04"
    return head + key + bytes(b ^ key[i % 4] for i, b in enumerate(payload))


def websocket_bytes():
    close = frame(8, struct.pack(">H", 1000) + b"bye")
    # Both ends find a reason to close at the same time.
    yield bytes([7]) + frame(1, b"close") + frame(0, b"\x85\x03\xe8b\xfce", masked=True, reserved=2)
    for b in [frame(1, b"bind 1") + close, frame(1, b"bi", final=False) + frame(0, b"nd 1") + close, frame(2, b"\0\1") + frame(1, b"x"),
              frame(9, b"ping") + frame(10, b"pong") + close, frame(1, b"close"), frame(1, b"cut"), frame(1, b"close") + close, frame(8),
              frame(8, b"\x03"), frame(8, struct.pack(">H", 999)), frame(1, b"\xff\xfe"), frame(1, b"x" * 300), frame(1, b"x" * 200), frame(0, b"lost"),
              frame(1, b"a", final=False) + frame(1, b"b"), frame(9, b"x" * 130), frame(9, b"a", final=False), frame(1, b"x", masked=False),
              frame(3, b"x"), frame(1, b"x", reserved=4), frame(1, b"", extended=1 << 40), frame(1, "ä€😀".encode()) + close,
              b"".join(frame(1, b"%d" % i) for i in range(12)) + close]:
        for first in (0, 7, 31):
            yield bytes([first]) + b
    # For the asking end: the key it sends is random, so that only refusals are reached.
    for answer in [b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
                   b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"no HTTP\r\n\r\n"]:
        yield bytes([0xff]) + answer


def bundles():
    identifier = "http://dsf.dev/sid/organization-identifier"
    tag = {"tag": [{"system": "http://dsf.dev/fhir/CodeSystem/read-access-tag", "code": "ALL"}]}
    group = {"resourceType": "Group", "meta": tag, "type": "person", "actual": True}
    one, two = "urn:uuid:11111111-1111-4111-8111-111111111111", "urn:uuid:22222222-2222-4222-8222-222222222222"
    known = "6f0a5c1e-0000-4000-8000-000000000001"
    organization = {"resourceType": "Organization", "meta": tag, "active": True, "identifier": [{"system": identifier, "value": "d.example"}],
                    "extension": [{"url": "http://dsf.dev/fhir/StructureDefinition/extension-certificate-thumbprint", "valueString": "1" * 128}],
                    "endpoint": [{"reference": two}]}
    endpoint = {"resourceType": "Endpoint", "meta": tag, "status": "active", "address": "https://d.example/fhir",
                "identifier": [{"system": "http://dsf.dev/sid/endpoint-identifier", "value": "d.example"}], "managingOrganization": {"reference": one},
                "connectionType": {"system": "http://terminology.hl7.org/CodeSystem/endpoint-connection-type", "code": "hl7-fhir-rest"},
                "payloadType": [{"coding": [{"system": "http://hl7.org/fhir/resource-types", "code": "Task"}]}]}

    def entry(method, url, resource=None, full=None, **more):
        out = {"request": {"method": method, "url": url, **more}}
        if resource:
            out["resource"] = resource
        if full:
            out["fullUrl"] = full
        return out

    put_both = [entry("PUT", f"Organization?identifier={identifier}|d.example", organization, one),
                entry("PUT", "Endpoint?identifier=http://dsf.dev/sid/endpoint-identifier|d.example", endpoint, two)]
    parts = [
        put_both, [entry("POST", "Group", group, one)], [entry("POST", "Group", group, one, ifNoneExist="identifier=a|b")], [entry("GET", "Group?type=person")],
        [entry("GET", f"Group/{known}")], [entry("GET", f"Group/{known}/_history/1", ifNoneMatch='W/"1"', ifModifiedSince="2026-01-01T00:00:00Z")],
        [entry("HEAD", f"Group/{known}")], [entry("DELETE", f"Group/{known}")], [entry("DELETE", "Group?identifier=a|b")],
        [entry("PUT", f"Group/{known}", {**group, "id": known}, ifMatch='W/"1"')], [entry("PUT", "Group?identifier=a|b", group)],
        [entry("PATCH", f"Group/{known}", group)], [entry("POST", "Group")], [entry("GET", "Nothing/1")], [entry("GET", "metadata")],
        [entry("POST", "Group", group, one), entry("POST", "Group", group, one)], [entry("PUT", "Group", group)], [entry("POST", "Task", group)],
        [{"resource": group}], [{}], [entry("GET", "Group/x/_history/y")], [entry("GET", "https://other.example/fhir/Group")],
        [entry("POST", "Group", {**group, "member": [{"entity": {"reference": two}}]}, one)], [entry("DELETE", "Group")],
        [entry("POST", "Group", {**group, "managingEntity": {"reference": f"Organization?identifier={identifier}|site-a.example"}})],
        [entry("GET", "Group", ifMatch="x")], [entry("GET", f"Group/{known}", full=one)], [entry("PUT", f"Group/{known}", group)],
        [entry("GET", f"Group/{known}", ifNoneMatch='W/"7"')], [entry("GET", f"Group/{known}", ifModifiedSince="Sat, 01 Jan 2101 00:00:00 GMT")],
        [entry("GET", f"Group/{known}", ifModifiedSince="Sat, 01 Jan 2000 00:00:00 GMT")], [entry("DELETE", "Group?identifier=a|many")],
        [entry("PUT", "Group?identifier=a|many", group)], [entry("POST", "Group", group, one, ifNoneExist="identifier=a|many")],
        [entry("DELETE", "Group?identifier=a|none")], [entry("PUT", "Group?identifier=a|none", group)],
        [entry("PUT", f"Group/{known}", {**group, "id": known}), entry("GET", f"Group/{known}")],
        [entry("PUT", f"Group/{known}", {**group, "id": known}, one), entry("PUT", "Group?identifier=a|b", group, two)],
        [entry("POST", "Group", group, one), entry("GET", one)], [entry("GET", one)],
        [entry("PUT", f"Group/{known}", {**group, "id": known}), entry("POST", "Group", group, two, ifNoneExist="identifier=a|b"), entry("GET", two)],
    ]
    for kind in ["transaction", "batch"]:
        for some in parts + [sum(parts[:7], [])]:
            yield {"resourceType": "Bundle", "type": kind, "entry": some}
    yield {"resourceType": "Bundle", "type": "collection"}
    yield {"resourceType": "Bundle", "type": "transaction"}
    yield {"resourceType": "Group"}


def certificate_headers():
    key, pem = "/dev/null", ""
    made = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-subj", "/CN=a"],
                          capture_output=True, text=True, check=False)
    pem = made.stdout
    body = "".join(pem.splitlines()[1:-1])
    yield pem.encode()
    yield pem.replace("\n", " ").encode()
    yield pem.replace("\n", "%0A").replace(" ", "%20").replace("+", "%2B").replace("/", "%2F").replace("=", "%3D").encode()
    yield pem.replace("\n", "\t").encode()
    yield body.encode()
    yield f":{body}:".encode()
    yield b"-----BEGIN CERTIFICATE-----%zz"
    yield b"(null)"
    yield (pem + pem).encode()
    yield b"-----BEGIN CERTIFICATE----- ! -----END CERTIFICATE-----"
    yield b""


def tokens():
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
    claims = {"iss": "i", "sub": "s", "aud": ["a"], "exp": 1_900_000_000, "iat": 1_600_000_000, "nbf": 1_600_000_000, "sid": "x",
              "events": {"http://schemas.openid.net/event/backchannel-logout": {}}, "jti": "j", "nonce": "n"}
    for algorithm in ["RS256", "ES256", "PS512", "EdDSA", "none", "HS256"]:
        yield f"{part({'alg': algorithm, 'kid': 'k', 'typ': 'JWT'})}.{part(claims)}.AAAA".encode()
    yield b"a.b"
    yield b"..."
    number = base64.urlsafe_b64encode(b"\1" * 32).decode().rstrip("=")
    for key in [{"kty": "RSA", "n": number * 8, "e": "AQAB"}, {"kty": "EC", "crv": "P-256", "x": number, "y": number}, {"kty": "OKP", "crv": "Ed25519", "x": number},
                {"kty": "oct", "k": "AA"}, {"kty": "RSA"}]:
        yield json.dumps({"keys": [{**key, "kid": "k", "use": "sig", "alg": "RS256"}]}).encode()


def archives(folder):
    path = os.path.join(folder, "seed.zip")
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        for names in (["manifest.yaml", "bpmn/a.bpmn"], ["../out"], ["a", "a"], ["dir/"], ["/abs"], ["a\\b"]):
            with zipfile.ZipFile(path, "w", method) as zip_file:
                for i, name in enumerate(names):
                    info = zipfile.ZipInfo(name)
                    info.compress_type = method
                    zip_file.writestr(info, b"x" * (100 * i + 10))
            with open(path, "rb") as file:
                yield file.read()
    os.remove(path)


def main():
    out = sys.argv[1]
    count = {}

    def write(target, seeds):
        folder = os.path.join(out, target)
        os.makedirs(folder, exist_ok=True)
        for seed in seeds:
            data = seed if isinstance(seed, bytes) else (seed if isinstance(seed, str) else json.dumps(seed)).encode()
            with open(os.path.join(folder, hashlib.sha1(data).hexdigest()[:16]), "wb") as file:
                file.write(data)
            count[target] = count.get(target, 0) + 1

    if not os.path.isdir(CORPUS):
        print("seeds: the corpus is not beside this checkout; fewer seeds")
    write("fuzz_fhir_json", small_resources())
    write("fuzz_fhir_json", (t for t in [*conformance(), *wire_bodies()] if len(t) < 8192))
    write("fuzz_fhir_xml", [*xml_texts(), *corpus("fhir/**/*.xml", 8192)])
    # What depends on the type is offered to all of them.
    write("fuzz_fhir_query", (bytes([t]) + q.encode() for i, q in enumerate(queries()) for t in (range(26) if "_" in q else [i % 26])))
    write("fuzz_fhir_path", expressions())
    write("fuzz_fhir_bundle", (bytes([first]) + json.dumps(b).encode() for first in (0, 1) for b in bundles()))
    write("fuzz_net_message", (bytes([first]) + m for first in (3, 200) for m in http_messages()))
    write("fuzz_net_gzip", [*(bytes([3]) + f for f in [b"gzip", b"br;q=0.1, *;q=0", b"gzip;q=0.000, identity"]),
                            *(bytes([4]) + f for f in [gzip.compress(b"a" * 500), gzip.compress(b"b")[:-3], gzip.compress(b"") * 2, b"\x1f\x8b"]), b"\x05text"])
    write("fuzz_net_websocket", websocket_bytes())
    write("fuzz_net_query", [*queries(), "https://a.example:8443/fhir/Task?x=%20+y", "http://[::1]/", "//a", "%zz", "https://u@h/"])
    write("fuzz_net_certificate_header", certificate_headers())
    write("fuzz_net_jwt", tokens())
    write("fuzz_plugins_archive", archives(out))
    write("fuzz_bpmn_reader", [text_of(p) for p in glob.glob(f"{ROOT}/bench/models/*.bpmn")] + corpus("bpmn/**/*.bpmn", 16384))
    write("fuzz_bpmn_expression", ["${a}", "${a.b == 'c' && d > 1}", "${!empty x ? y : z[0]}", "#{f(1, 'a')}", "${execution.getVariable('a')}"])
    write("fuzz_settings_settings", [text_of(p) for p in glob.glob(f"{ROOT}/docs/**/*.yaml", recursive=True) if os.path.getsize(p) < 4096])
    write("fuzz_privacy_ccdl", corpus("domain/ccdl-mini/**/*.json", 8192))
    print("seeds: " + ", ".join(f"{name.removeprefix('fuzz_')} {n}" for name, n in sorted(count.items())))


main()
