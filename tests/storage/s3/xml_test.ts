import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseXml, type XmlValue } from "../../../storage/adapters/s3/xml.ts";

/** As plain objects, which compare. */
function read(text: string): unknown {
  return JSON.parse(JSON.stringify(parseXml(text)));
}

test("an answer of S3 is read by name, with a list where a name comes more than once", () => {
  const answer = `<?xml version="1.0" encoding="UTF-8"?>
<!-- of some server -->
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
  <Name>bucket</Name><Prefix/><Marker></Marker>
  <Contents><Key>a &lt;&amp;&#x1F600;&#228;</Key><Owner xsi:type='a>b'><ID>1</ID></Owner></Contents>
  <Contents><Key> b\n</Key></Contents>
  <Contents><Key>c</Key></Contents>
</ListBucketResult>\n`;
  assert.deepEqual(read(answer), {
    Name: "bucket",
    Prefix: "",
    Marker: "",
    Contents: [{ Key: "a <&😀ä", Owner: { ID: "1" } }, { Key: " b\n" }, { Key: "c" }],
  });
});

test("whatever is written as XML is read as it was", () => {
  const text = fc.string({ unit: "binary", minLength: 1 });
  const { tree } = fc.letrec<{ tree: XmlValue }>((tie) => ({
    tree: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      text,
      fc.dictionary(
        fc.constantFrom("A", "b-c", "D.e", "__proto__"),
        fc.oneof(tie("tree"), fc.array(tie("tree"), { minLength: 2, maxLength: 3 })),
        { minKeys: 1, noNullPrototype: false },
      ),
    ),
  }));
  fc.assert(fc.property(tree, (value) => {
    const plain = JSON.stringify(value);
    assert.equal(JSON.stringify(parseXml(write("Root", value))), plain);
  }));
});

test("what is no XML is refused", () => {
  const texts = ["", "text", "<a>", "<a></b>", "</a>", "<a><b></a>", "<a", "<!DOCTYPE a><a/>"];
  for (const text of texts) assert.throws(() => parseXml(text), SyntaxError, text);
});

function write(name: string, value: XmlValue): string {
  if (Array.isArray(value)) return value.map((each) => write(name, each)).join("");
  const content = typeof value === "string"
    ? value.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    : Object.entries(value).map(([name, each]) => write(name, each)).join("");
  return `<${name}>${content}</${name}>`;
}
