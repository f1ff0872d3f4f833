/**
 * The mistakes in the output of `deno doc --lint` that are ours to mend. It also reports every type
 * of a package that our types mention, such as zod's, because that is not part of our documentation.
 */
export function docMistakes(output: string, isOurType: (name: string) => boolean): string[] {
  const [, ...reports] = `\n${output}`.split(/\n(?=error)/);
  return reports.filter((report) => {
    if (/^error: Found \d+ documentation lint error/.test(report)) return false;
    const [, type] = /^error\[private-type-ref\].* references private type '(.+)'/.exec(report) ??
      [];
    return type === undefined || isOurType(type);
  });
}
