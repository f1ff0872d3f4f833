import assert from "node:assert/strict";
import { test } from "node:test";
import { readJunit } from "./junit.ts";

// What the three runners wrote about one file: a passing test, a skipped one, a group with a failing
// test and a group within the group.
const REPORTS = {
  deno: `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="7" failures="2" errors="0" time="0.066">
    <testsuite name="./tests/x_test.ts" tests="3" disabled="1" errors="0" failures="1">
        <testcase name="passes" classname="./tests/x_test.ts" time="0.004" line="2" col="1">
        </testcase>
        <testcase name="waits [no server]" classname="./tests/x_test.ts" time="0.000" line="3" col="1">
            <skipped/>
        </testcase>
        <testcase name="group" classname="./tests/x_test.ts" time="0.055" line="4" col="1">
            <failure message="1 test step failed">1 test step failed.</failure>
        </testcase>
    </testsuite>
    <testsuite name="ext:deno_node/testing.ts" tests="4" disabled="1" errors="0" failures="1">
        <testcase name="group &gt; is a &gt; b" classname="ext:deno_node/testing.ts" time="0.000">
            <failure message="boom &lt;/testcase&gt;">boom</failure>
        </testcase>
        <testcase name="group &gt; deep" classname="ext:deno_node/testing.ts" time="0.001">
        </testcase>
        <testcase name="group &gt; deep &gt; passes, too" classname="ext:deno_node/testing.ts">
        </testcase>
    </testsuite>
</testsuites>`,
  bun: `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="bun test" tests="4" assertions="0" failures="1" skipped="1" time="0.08638571">
  <testsuite name="tests/x_test.ts" file="tests/x_test.ts" tests="4" failures="1" skipped="1">
    <testcase name="passes" classname="" time="0.001579" file="tests/x_test.ts" line="2" />
    <testcase name="waits [no server]" classname="" time="0" file="tests/x_test.ts" line="3">
      <skipped />
    </testcase>
    <testsuite name="group" file="tests/x_test.ts" line="2" tests="3" failures="1" skipped="0">
      <testcase name="is a &gt; b" classname="group" time="0.000061" file="tests/x_test.ts">
        <failure type="Error" message="boom &lt;/testcase>">boom</failure>
      </testcase>
      <testsuite name="deep" file="tests/x_test.ts" line="2" tests="2" failures="0" skipped="0">
        <testcase name="passes, too" classname="deep &gt; group" time="0" file="tests/x_test.ts" />
      </testsuite>
    </testsuite>
  </testsuite>
</testsuites>`,
  node: `<?xml version="1.0" encoding="utf-8"?>
<testsuites>
	<testcase name="passes" time="0.001207" classname="test" file="/home/x/tests/x_test.ts"/>
	<testcase name="waits [no server]" time="0.000168" classname="test" file="/home/x/tests/x_test.ts">
		<skipped type="skipped" message="no server"/>
	</testcase>
	<testsuite name="group" time="0.003031" disabled="0" errors="0" tests="2" failures="1">
		<testcase name="is a > b" time="0.000833" classname="group" failure="boom &lt;/testcase>">
			<failure type="testCodeFailure" message="boom &lt;/testcase>">boom</failure>
		</testcase>
		<testsuite name="deep" time="0.000745" disabled="0" errors="0" tests="2" failures="0">
			<testcase name="passes, too" time="0.000207" classname="g.deep"/>
		</testsuite>
	</testsuite>
	<!-- Error: a <testcase name="in a comment"/> -->
	<!-- pass 2 -->
</testsuites>`,
};

for (const [runtime, xml] of Object.entries(REPORTS)) {
  test(`a report of ${runtime} counts tests, not groups`, () => {
    assert.deepEqual(readJunit(xml, "tests/x_test.ts"), {
      passed: 2,
      failed: 1,
      skipped: ["waits [no server]"],
    });
  });
}

test("a module that calls test for a test file is not a group", () => {
  const xml = `<testsuite name="./tests/conformance/x.ts"><testcase name="skips"><skipped/>
    </testcase></testsuite>`;
  assert.deepEqual(readJunit(xml, "tests/x_test.ts").skipped, ["skips"]);
});

test("a file that Node reports as a test, because it had none, is not a test", () => {
  const xml =
    `<testsuites><testcase name="tests/x_test.ts" time="0.1" classname="test"/></testsuites>`;
  assert.deepEqual(readJunit(xml, "tests/x_test.ts"), { passed: 0, failed: 0, skipped: [] });
});

test("a test that Deno reports as cancelled has failed", () => {
  const xml = `<testsuite name="./tests/x_test.ts"><testcase name="exits">
    <error message="Cancelled"/></testcase></testsuite>`;
  assert.equal(readJunit(xml, "tests/x_test.ts").failed, 1);
});

test("no report has no tests", () => {
  assert.deepEqual(readJunit("", "tests/x_test.ts"), { passed: 0, failed: 0, skipped: [] });
});
