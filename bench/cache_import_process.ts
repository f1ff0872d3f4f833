// Imports its arguments one after the other and says how long each took, in milliseconds.
import process from "node:process";

const times: number[] = [];
for (const specifier of process.argv.slice(2)) {
  const startMs = performance.now();
  await import(specifier);
  times.push(performance.now() - startMs);
}
process.stdout.write(`${JSON.stringify(times)}\n`);
process.exit();
