import type { ResultRow, ResultsFile } from "./results_file.ts";
import { SLUGS } from "./setup.ts";

/** Where the numbers are from. */
const SOURCE =
  "EvalPlus leaderboard, github.com/evalplus/evalplus.github.io, results.json, commit 8741845";

/** The best 30 models on HumanEval: pass@1 in percent on each benchmark of `SLUGS`; `null`: not evaluated. */
const MODELS: readonly (readonly [
  provider: string,
  model: string,
  ...scores: readonly (number | null)[],
])[] = [
  ["platform.openai.com", "O1 Preview (Sept 2024)", 96.3, 89.0, 95.5, 80.2],
  ["platform.openai.com", "O1 Mini (Sept 2024)", 96.3, 89.0, 93.1, 78.8],
  ["platform.openai.com", "GPT 4o (Aug 2024)", 92.7, 87.2, 87.6, 72.2],
  ["Qwen", "Qwen2.5-Coder-32B-Instruct", 92.1, 87.2, 90.5, 77.0],
  ["deepseek-ai", "DeepSeek-V3 (Nov 2024)", 91.5, 86.6, 87.6, 73.0],
  ["deepseek-ai", "DeepSeek-V2.5 (Nov 2024)", 90.2, 83.5, 87.6, 74.1],
  ["openai.com", "GPT-4-Turbo (April 2024)", 90.2, 86.6, null, null],
  ["ai.google.dev", "Gemini 1.5 Pro 002", 89.0, 79.3, 89.7, 74.6],
  ["x.ai", "Grok Beta", 88.4, 80.5, 86.0, 65.6],
  ["platform.openai.com", "GPT 4o Mini (July 2024)", 88.4, 83.5, 85.4, 72.2],
  ["openai.com", "GPT-4 (May 2023)", 88.4, 79.3, null, null],
  ["platform.openai.com", "Claude Sonnet 3.5 (June 2024)", 87.2, 81.7, 89.4, 74.3],
  ["deepseek-ai", "DeepSeek-Coder-V2-Instruct", 85.4, 82.3, 89.4, 75.1],
  ["openai.com", "GPT-4-Turbo (Nov 2023)", 85.4, 81.7, 85.7, 73.3],
  ["Qwen", "CodeQwen1.5-7B-Chat", 83.5, 78.7, 79.4, 69.0],
  ["anthropic.com", "claude-3-opus (Mar 2024)", 82.9, 77.4, 89.4, 73.3],
  ["ai.google.dev", "Gemini 1.5 Flash 002", 82.3, 75.6, 84.7, 67.5],
  ["infly", "OpenCoder-8B-Instruct", 81.7, 77.4, 82.0, 71.4],
  ["deepseek-ai", "DeepSeek-Coder-33B-instruct", 81.1, 75.0, 80.4, 70.1],
  ["mistralai", "Codestral-22B-v0.1", 79.9, 73.8, 72.5, 61.9],
  ["WizardLM", "WizardCoder-33B-V1.1", 79.9, 73.2, null, null],
  ["m-a-p", "OpenCodeInterpreter-DS-33B", 79.3, 73.8, 80.2, 68.5],
  ["meta-llama", "Llama3-70B-instruct", 77.4, 72.0, 82.3, 69.0],
  ["m-a-p", "OpenCodeInterpreter-DS-6.7B", 77.4, 72.0, 76.5, 66.4],
  ["uukuguy", "speechless-codellama-34B-v2.0", 77.4, 72.0, 73.8, 61.4],
  ["openai.com", "GPT-3.5-Turbo (Nov 2023)", 76.8, 70.7, 82.5, 69.7],
  ["ise-uiuc", "Magicoder-S-DS-6.7B", 76.8, 71.3, 79.4, 69.0],
  ["anthropic.com", "claude-3-haiku (Mar 2024)", 76.8, 68.9, 80.2, 68.8],
  ["mistralai", "Mixtral-8x22B-Instruct-v0.1", 76.2, 72.0, 73.8, 64.3],
  ["Artigenz", "Artigenz-Coder-DS-6.7B", 75.6, 72.6, 80.7, 69.6],
];

/** The results that need no file, as a file of them would be read: a line for the source, and one for each result. */
export function builtInResults(): ResultsFile {
  const rows = MODELS.flatMap(([provider, model, ...scores]) =>
    scores.map((score, index) => ({ provider, model, benchmark: SLUGS[index] ?? "", score }))
  ).map((row, index): ResultRow => ({ line: index + 2, ...row }));
  return { source: SOURCE, rows, refused: [] };
}
