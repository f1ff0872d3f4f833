/** The version of the package; a test keeps it the same as in `deno.json`, which is not there at run time. */
export const VERSION = "0.1.0";
